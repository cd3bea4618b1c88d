# SPDX-License-Identifier: Apache-2.0
"""`--report` and the schemas it and the payload keep (docs/contract.md 4 and 7)."""

import json
import os
import re
import subprocess

import jsonschema
import pytest

from harness import schemas
from harness.program import PYTHON, read_json

MEMBERS = [
    "request_id", "algorithm", "outcome", "exit_code", "signal", "cause", "error", "attempts", "timestamp",
    "duration_milliseconds", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes", "metrics", "rejected_metrics", "payload",
    "delivery"]

EXECUTIONS = {
    "succeeded": ["true"],
    "failed": ["false"],
    "signaled": ["sh", "-c", "echo '{\"a\":1}' >&3; kill -KILL $$"],
    "timed_out": ["sh", "-c", "echo '{\"a\":1}' >&3; sleep 1000"],
    "failed_to_start": ["no-such-program"],
}

CAUSES = {
    "succeeded": None, "failed": "exit_code", "signaled": "signal", "timed_out": "time_limit",
    "failed_to_start": "not_found"}


@pytest.mark.parametrize("outcome", EXECUTIONS)
@pytest.mark.parametrize("with_version", [True, False])
def test_it_has_exactly_the_members_of_the_contract_and_keeps_its_schema(program, published, outcome, with_version):
    program.report(*([published] if with_version else []), "--timeout", "500ms" if outcome == "timed_out" else "1h",
                   "--", *EXECUTIONS[outcome])
    content = (program.directory / "report.json").read_bytes()
    assert content.endswith(b"}\n") and content.count(b"\n") == 1 and content.isascii()
    report = json.loads(content)
    assert list(report) == MEMBERS
    assert report["outcome"] == outcome and report["attempts"] == 1
    assert (report["cause"], report["error"]) == (CAUSES[outcome], None)
    assert report["algorithm"] == (published if with_version else None)
    schemas.validate("report", report)
    for line in program.insights():
        schemas.validate("payload", json.loads(line))


def test_exit_code_and_signal_show_how_the_child_ended(program):
    for command, expected in [
        ("exit 0", ("succeeded", 0, None)), ("exit 3", ("failed", 3, None)), ("exit 255", ("failed", 255, None)),
        ("kill -TERM $$", ("signaled", None, 15)), ("kill -USR1 $$", ("signaled", None, 10)),
    ]:
        _, report = program.report("--", "sh", "-c", command)
        assert (report["outcome"], report["exit_code"], report["signal"]) == expected


def test_a_rich_stream_keeps_both_schemas(program, published):
    stream = b'{"a":0.10,"b":12345678901234567890,"\xc3\xa9":-0}\n[]\n{"":1}\n{"s":"x"}\n{"n":NaN}\n{"timestamp":1}\n' \
             + b"x" * 70_000 + b"\n" + b"".join(b'{"m%d":1}\n' % i for i in range(30)) + b"\n" * 2_000_000
    program.stream(stream, ref=published)
    report = json.loads((program.directory / "report.json").read_bytes())
    schemas.validate("report", report)
    assert {r["reason"] for r in report["rejected_metrics"]} == {
        "malformed_line", "empty_name", "not_a_number", "not_finite", "reserved_name", "too_many_metrics",
        "stream_too_long"}
    [line] = program.insights()
    schemas.validate("payload", json.loads(line))


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_the_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(schemas.SCHEMAS[name])


def test_the_schemas_refuse_anything_but_a_payload_and_a_report(program, published):
    program.stream(b'{"a":1}', ref=published)
    report = json.loads((program.directory / "report.json").read_bytes())
    payload = report["payload"]
    for change in [{"timestamp": "2021-02-20T00:21:54Z"}, {"request_id": 1}, {"a": "1"}, {"a": None}, {"": 1},
                   {"duration_milliseconds": -1}, {"algorithm_version": "1.0"}, {f"m{i}": i for i in range(25)}]:
        assert not schemas.is_valid("payload", {**payload, **change}), change
    for member in list(payload)[:6]:
        assert not schemas.is_valid("payload", {k: v for k, v in payload.items() if k != member}), member
    for change in [{"outcome": "crashed"}, {"exit_code": 256}, {"exit_code": None}, {"signal": 9}, {"extra": 1},
                   {"delivery": {"state": "lost"}},
                   {"rejected_metrics": [{"name": "a", "reason": "bad", "detail": "x"}]},
                   {"metrics": {"a": "1"}}, {"payload": {"a": 1}}, {"attempts": 0}]:
        assert not schemas.is_valid("report", {**report, **change}), change
    for member in MEMBERS:
        assert not schemas.is_valid("report", {k: v for k, v in report.items() if k != member}), member


def test_it_replaces_an_older_longer_report_wholly(program):
    path = program.directory / "report.json"
    path.write_text("x" * 100_000)
    program.report("--", "true", status=0)
    json.loads(path.read_bytes())


def test_an_older_report_stays_until_there_is_a_new_one(program):
    path = program.directory / "report.json"
    path.write_text("old")
    outcome = program.run("exec", "--report", path, "--", "cat", path, status=0)
    assert outcome.stdout == b"old"
    json.loads(path.read_bytes())


def test_it_never_overwrites_the_input(program):
    path = program.directory / "input.json"
    path.write_text("precious")
    (program.directory / "soft").symlink_to("input.json")
    os.link(path, program.directory / "hard")
    (program.directory / "folder").symlink_to(".")
    for name in ("input.json", "./input.json", path, "folder/input.json", "soft", "hard"):
        outcome = program.run("exec", "--report", name, "--input", "input.json", "--", "touch", "ran", status=64)
        [message] = outcome.messages
        assert "--report would write over the input" in message
        assert path.read_text() == "precious" and not (program.directory / "ran").exists()
    # Another file with the same content is another file, and a device can be both.
    (program.directory / "copy").write_text("precious")
    program.run("exec", "--report", "copy", "--input", "input.json", "--", "true", status=0)
    program.run("exec", "--report", "/dev/null", "--input", "/dev/null", "--", "true", status=0)


def test_an_input_that_is_missing_is_not_made_by_the_report(program):
    program.run("exec", "--report", "new.json", "--input", "new.json", "--", "touch", "ran", status=125)
    assert os.listdir(program.directory) == []


def test_it_can_be_written_to_a_pipe(program):
    outcome = program.run("exec", "--report", "/dev/stdout", "--", "true", status=0)
    schemas.validate("report", json.loads(outcome.stdout))


def test_a_report_that_the_disk_refuses_costs_one_line_and_not_the_exit_status(program):
    outcome = program.run("exec", "--report", "/dev/full", "--", "sh", "-c", "exit 7", status=7)
    assert len(outcome.messages) == 1 and "/dev/full" in outcome.messages[0]


def test_the_report_has_the_reason_for_an_execution_that_never_started(program):
    _, report = program.report("--", "no-such-program", status=127)
    assert "no-such-program" in report["delivery"]["detail"]


def test_names_are_written_as_ascii_and_read_back_whole(program):
    program.stream('{"\u00e9\U0001f600":1}\n{"\u4e2d":"x"}'.encode())
    content = (program.directory / "report.json").read_bytes()
    assert content.isascii()
    report = read_json(content)
    assert list(report["metrics"]) == ["\u00e9\U0001f600"] and report["rejected_metrics"][0]["name"] == "\u4e2d"


def test_the_command_may_be_anything_that_the_child_environment_finds(program):
    # The report path is algo-run's affair: relative to where it was called, whatever the version's directory is.
    place = program.directory / "elsewhere"
    place.mkdir()
    program.run("publish", "o/a", "--directory", place, "--", PYTHON, "-c", "open('here', 'w')", status=0)
    _, report = program.report("o/a", status=0)
    assert report["outcome"] == "succeeded" and (place / "here").exists()


def test_the_documented_validation_works_as_written(program, published):
    documentation = schemas.FOLDER.parent
    [example] = re.findall(r"```python\n(.+?)```", (documentation / "formats.md").read_text(), re.DOTALL)
    (program.directory / "docs").symlink_to(documentation)
    program.report(published, "--", "true", status=0)
    report = program.directory / "report.json"

    def validate():
        return subprocess.run(
            [PYTHON, "-c", example], cwd=program.directory, check=False, capture_output=True, text=True)
    assert validate().returncode == 0, validate().stderr
    # It looks through the references: what is wrong in a payload is found.
    report.write_text(report.read_text().replace('"algorithm_version":"', '"algorithm_version":"v'))
    assert "ValidationError" in validate().stderr
