# SPDX-License-Identifier: Apache-2.0
"""The payload, byte for byte (docs/contract.md 7)."""

import datetime
import json
import re

import pytest

from harness import schemas
from harness.program import PYTHON, read_json

HEAD = re.compile(
    rb'\{"request_id":"(req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",'
    rb'"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)",'
    rb'"duration_milliseconds":((?:0|[1-9]\d*)(?:\.\d{1,3})?),'
    rb'"algorithm_owner":"asli","algorithm_name":"credit_card_approval","algorithm_version":"1\.0\.0"')


def payload(program, published, stream, **rest):
    """The line in the home's file, split into its operational beginning and the metrics."""
    program.stream(stream, ref=published, **rest)
    line = program.insights()[-1]
    match = HEAD.match(line)
    assert match, line
    return match, line[match.end():]


def test_without_metrics_it_is_the_six_operational_members_in_their_order(program, published):
    _, rest = payload(program, published, b"")
    assert rest == b"}"


def test_metrics_follow_in_their_order_and_as_written(program, published):
    _, rest = payload(program, published, b'{ "risk_score" : 0.20, "approved":1 }\n{"b":2,"a":1E+3}')
    assert rest == b',"risk_score":0.20,"approved":1,"b":2,"a":1E+3}'


def test_it_is_ascii_whatever_the_names_are(program, published):
    names = '\u00e9 \u4e2d \U0001f600 \x7f \u2028 quote\\" back\\\\ slash/ tab\\t nl\\n cr\\r nul\\u0000 del\\u007f'
    match, rest = payload(program, published, f'{{"{names}":1}}'.encode())
    line = match.group() + rest
    assert all(0x20 <= byte < 0x7f for byte in line)
    assert rest.lower() == (rb',"\u00e9 \u4e2d \ud83d\ude00 \u007f \u2028 quote\" back\\ slash/ tab\t nl\n cr\r '
                            rb'nul\u0000 del\u007f":1}')
    [name] = list(read_json(line))[6:]
    assert name == '\u00e9 \u4e2d \U0001f600 \x7f \u2028 quote" back\\ slash/ tab\t nl\n cr\r nul\x00 del\x7f'


def test_the_timestamp_is_the_launch_in_utc_whatever_the_time_zone(program, published):
    source = "import time; open('launched', 'w').write(repr(time.time()))"
    before = datetime.datetime.now(datetime.timezone.utc)
    program.python(source, ref=published, env={"TZ": "Asia/Kathmandu"}, status=0)
    stamp = read_json(program.insights()[-1])["timestamp"]
    moment = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    started = datetime.datetime.fromtimestamp(
        float((program.directory / "launched").read_text()), datetime.timezone.utc)
    assert before <= moment <= started


def test_durations_have_no_more_than_three_decimals_and_no_needless_ones(program, published):
    texts = []
    for _ in range(30):
        program.run("exec", published, "--", "true", status=0)
    for line in program.insights():
        texts.append(HEAD.match(line).group(3).decode())
    assert not [text for text in texts if re.search(r"\.\d*0$|\.$|e", text, re.I)]
    assert any("." in text for text in texts)


def test_the_report_holds_the_very_bytes_that_were_written(program, published):
    program.stream(b'{"a":0.10,"\xc3\xa9":-0}', ref=published)
    report = (program.directory / "report.json").read_bytes()
    assert b'"payload":' + program.insights()[-1] + b"," in report


def test_it_is_in_the_report_whether_or_not_it_is_published(program):
    program.run("publish", "o/quiet", "--no-insights", "--", "true", status=0)
    _, report = program.stream(b'{"a":1}', ref="o/quiet")
    assert report["payload"]["a"] == 1 and report["delivery"]["state"] == "insights_off"
    assert program.insights() == []
    assert sorted(path.name for path in program.home.iterdir() if "insights" in path.name) == []


def test_without_a_version_there_is_none_and_nothing_is_written(program):
    _, report = program.stream(b'{"a":1}')
    assert report["payload"] is None and report["delivery"]["state"] == "insights_off"
    assert report["algorithm"] is None and report["metrics"] == {"a": 1}
    assert not program.home.exists()


def test_the_switch_decides_from_the_next_execution_on(program, published):
    for word, expected in [("on", 1), ("off", 1), ("off", 1), ("on", 2)]:
        program.run("insights", word, published, status=0)
        program.run("exec", published, "--", "true", status=0)
        assert len(program.insights()) == expected


@pytest.mark.parametrize("command, state", [
    (["sh", "-c", "exit 3"], "written"), (["sh", "-c", "kill -9 $$"], "written"), (["no-such-program"], None)])
def test_every_execution_that_started_is_published_and_no_other(program, published, command, state):
    _, report = program.report(published, "--", *command)
    if state:
        assert report["delivery"] == {"state": state} and len(program.insights()) == 1
    else:
        assert report["outcome"] == "failed_to_start" and report["payload"] is None
        assert report["delivery"]["state"] == "insights_off" and program.insights() == []


def test_traceparent_is_the_childs_as_well_and_not_in_the_payload(program, published):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    outcome = program.run("exec", published, "--", "printenv", "TRACEPARENT", env={"TRACEPARENT": parent}, status=0)
    assert outcome.stdout.decode() == parent + "\n"
    assert parent.encode() not in program.insights()[0]


def test_the_payload_of_the_example_script_is_the_one_of_the_contract(program, published):
    source = "import os\nos.write(int(os.environ['ALGO_METRICS_FD']), b'{\"risk_score\": 0.2}\\n{\"approved\": 1}\\n')"
    program.run("exec", published, "--", PYTHON, "-c", source, status=0)
    assert program.insights()[0].endswith(b',"algorithm_version":"1.0.0","risk_score":0.2,"approved":1}')


EXTENDED = ["outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes"]


def extended(program, published, *arguments):
    """The report of an execution with the extended format, and its payload from the file."""
    program.run("connection", "set", "--type", "file", "--payload-format", "extended", status=0)
    _, report = program.report(published, *arguments)
    payload = read_json(program.insights()[-1])
    assert report["payload"] == payload
    schemas.validate("payload-extended", json.loads(program.insights()[-1]))
    schemas.validate("report", json.loads((program.directory / "report.json").read_bytes()))
    return report, payload


@pytest.mark.parametrize("script, timeout, outcome", [
    ("true", "1m", "succeeded"), ("exit 3", "1m", "failed"), ("kill -9 $$", "1m", "signaled"),
    ("sleep 60", "100ms", "timed_out")])
def test_in_the_extended_format_values_alone_distinguish_failures_from_successes(
        program, published, script, timeout, outcome):
    report, payload = extended(
        program, published, "--timeout", timeout, "--", "sh", "-c", "echo '{\"a\":0.10}' >&3; " + script)
    known = [name for name in EXTENDED if report[name] is not None]
    assert list(payload)[6:] == [*known, "a"]
    assert [payload[name] for name in known] == [report[name] for name in known]
    assert payload["outcome"] == outcome and payload["a"].text == "0.10"
    assert ("exit_code" in payload) == (outcome in ("succeeded", "failed"))


def test_the_extended_format_reserves_its_names_also_where_the_member_is_absent(program, published):
    stream = "echo '{\"exit_code\":1,\"queue_milliseconds\":2,\"a\":3}' >&3; kill -9 $$"
    report, payload = extended(program, published, "--", "sh", "-c", stream)
    assert "exit_code" not in payload and "queue_milliseconds" not in payload and payload["a"] == 3
    assert [(r["name"], r["reason"]) for r in report["rejected_metrics"]] == [
        ("exit_code", "reserved_name"), ("queue_milliseconds", "reserved_name")]
    assert all("payload format extended" in r["detail"] for r in report["rejected_metrics"])


def test_in_a_batch_the_extended_format_counts_the_attempts(program, published):
    program.run("connection", "set", "--type", "file", "--payload-format", "extended", status=0)
    (program.directory / "q.ndjson").write_text("1\n")
    program.run("batch", published, "q.ndjson", "--output", "o", "--retries", "1", "--progress", "none", "--", "sh", "-c",
                "test -e again || { touch again; exit 1; }", status=0)
    payload = json.loads(program.insights()[-1])
    schemas.validate("payload-extended", payload)
    assert (payload["attempts"], payload["outcome"], payload["exit_code"]) == (2, "succeeded", 0)
