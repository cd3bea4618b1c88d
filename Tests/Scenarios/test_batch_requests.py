# SPDX-License-Identifier: Apache-2.0
"""A request list, whatever it is made of, reaches the children byte for byte (docs/contract.md 9)."""

import json
import os
import shlex
import subprocess

import pytest

from harness import processes
from harness.batches import Batches, await_lines, decoded, outcomes, parse, reason, sha256


@pytest.fixture
def batches(program):
    return Batches(program)


def test_each_line_is_a_request_and_the_raw_line_its_input(batches):
    lines = [b'{"a":  1.50}', b"plain text", b'"x"', b"\xff\x00\xfe", b"with return\r", b" spaces "]
    batches.write("r.ndjson", b"\n".join(lines) + b"\n")
    results = batches.run("r.ndjson", "--keep-order", status=0).results
    assert [result["input_sha256"] for result in results] == [sha256(line) for line in lines]
    assert [decoded(result) for result in results[1:]] == [b"plain text", b"x", *lines[3:]]
    assert [result["source"] for result in results] == [f"r.ndjson:{number}" for number in range(1, 7)]
    assert [result["index"] for result in results] == list(range(6))


@pytest.mark.parametrize("name", ["r.ndjson", "r.jsonl"])
def test_a_last_line_without_newline_is_a_request_too(batches, name):
    batches.write(name, "a\nb")
    assert sorted(decoded(result) for result in batches.run(name, status=0).results) == [b"a", b"b"]


def test_standard_input_is_a_list_of_lines_with_or_without_a_dash(batches):
    for arguments in (["-"], []):
        results = batches.run(*arguments, "--keep-order", input=b"a\nb\n", status=0).results
        assert [(result["source"], result["result"]) for result in results] == [("-:1", "a"), ("-:2", "b")]


def test_any_other_file_is_one_request(batches):
    batches.write("picture.png", bytes(range(256)) * 1000)
    batches.write("list.ndjson", "1\n2\n")
    batches.write("empty.txt", "")
    results = batches.run("picture.png", "list.ndjson", "empty.txt", "--keep-order", status=0).results
    assert [result["source"] for result in results] == ["picture.png", "list.ndjson:1", "list.ndjson:2", "empty.txt"]
    assert decoded(results[0]) == bytes(range(256)) * 1000
    assert results[3]["result"] == ""


def test_the_child_reads_a_file_from_its_start_whatever_the_size(batches):
    lines = ["x" * size for size in (1, 65_536, 65_537, 3_000_000)]
    batches.write("r.ndjson", lines)
    source = "import sys, os, stat; print(stat.S_ISREG(os.fstat(0).st_mode), os.lseek(0, 0, 1), len(sys.stdin.read()))"
    results = batches.python("r.ndjson", "--keep-order", source=source, status=0).results
    assert [result["result"] for result in results] == [f"True 0 {len(line)}\n" for line in lines]


def test_blank_lines_are_not_requests(batches):
    batches.write("r.ndjson", "a\n\n \t\nb\r\n\r\n\n")
    outcome = batches.run("r.ndjson", "--keep-order", status=0)
    assert [result["source"] for result in outcome.results] == ["r.ndjson:1", "r.ndjson:4"]
    assert [result["index"] for result in outcome.results] == [0, 1]
    assert outcome.messages[0].startswith("2 requests in ") and outcome.messages[0].endswith(": 2 succeeded"), outcome


def test_a_byte_order_mark_before_the_first_request_is_not_part_of_it(batches):
    marked = b"\xef\xbb\xbf" + b'{"input":1}\n'
    batches.write("r.ndjson", marked)
    for outcome in (batches.run("r.ndjson", status=0), batches.run("-", input=marked, status=0)):
        assert outcome.results[0]["input_sha256"] == sha256('{"input":1}')
    assert batches.run("r.ndjson", "--envelope", status=0).results[0]["result"] == 1


def test_an_envelope_gives_identifier_and_input_as_written(batches):
    batches.write("r.ndjson", '{"request_id": "one", "input": {"a": [1,  2.50]}}\n{"input": "text"}\n{"input":7}\n')
    source = "import sys, os; sys.stdout.write(os.environ['ALGO_REQUEST_ID'] + ' ' + sys.stdin.read())"
    results = batches.python("r.ndjson", "--envelope", "--keep-order", source=source, status=0).results
    assert results[0]["request_id"] == "one"
    assert results[0]["result"] == 'one {"a": [1,  2.50]}'
    assert results[0]["input_sha256"] == sha256('{"a": [1,  2.50]}')
    assert results[1]["result"].endswith(' "text"') and results[1]["request_id"].startswith("req-")
    assert results[2]["result"].endswith(" 7")


def test_bad_envelopes_are_results_with_a_reason_and_stop_nothing(batches):
    bad = ["[1]", "{", '{"inputs":1}', '{"request_id":"a"}', '{"input":1,"request_id":2}', '{"input":1} x']
    batches.write("r.ndjson", [*bad, '{"input":1}'])
    results = batches.run("r.ndjson", "--envelope", "--keep-order", status=1).results
    assert outcomes(results) == ["failed_to_start"] * len(bad) + ["succeeded"]
    assert all("envelope" in reason(result) for result in results[:-1])
    assert [result["input_sha256"] for result in results[:-1]] == [sha256(line) for line in bad]


def test_a_slow_producer_gets_each_result_before_it_sends_the_next_request(batches):
    process = batches.start("-", "--progress", "none", stdin=subprocess.PIPE)
    for number in range(5):
        process.stdin.write(f"{number}\n".encode())
        process.stdin.flush()
        assert json.loads(processes.read_line(process.stdout.fileno()))["result"] == number
    assert batches.program.finish(process).status == 0


def test_a_named_pipe_of_bytes_is_one_request(batches):
    os.mkfifo(batches.directory / "pipe")
    process = batches.start("pipe")
    content = os.urandom(300_000)
    (batches.directory / "pipe").write_bytes(content)
    [result] = parse(batches.program.finish(process).stdout)
    assert decoded(result) == content


def test_results_keep_the_order_of_requests_when_asked_to(batches):
    batches.write("r.ndjson", [f"{(7 * number) % 10 / 100}" for number in range(40)])
    slow = "import sys, time; time.sleep(float(sys.stdin.read()))"
    results = batches.python("r.ndjson", "--keep-order", "--jobs", "8", source=slow, status=0).results
    assert [result["index"] for result in results] == list(range(40))


def test_a_slow_first_request_holds_no_other_back(batches):
    go, done = batches.directory / "go", batches.directory / "done"
    batches.write("r.ndjson", ["wait", *(str(number) for number in range(300))])
    script = 'read word; echo >> done; test "$word" != wait || until test -e go; do sleep 0.01; done'
    process = batches.start("r.ndjson", "--keep-order", "--jobs", "2", command=["sh", "-c", script])
    await_lines(done, 301)
    go.write_text("")
    outcome = batches.program.finish(process)
    assert [result["index"] for result in parse(outcome.stdout)] == list(range(301))


def test_a_dry_run_prints_what_would_run_and_touches_nothing(batches):
    batches.write("r.ndjson", '{"input":1}\n[]\n{"input":2}\n')
    outcome = batches.run(
        "r.ndjson", "--envelope", "--dry-run", "--output", "out.ndjson", command=["touch", "ran"], status=0)
    assert [(line["index"], line["runs"]) for line in outcome.results] == [(0, True), (1, False), (2, True)]
    assert [line["input_bytes"] for line in outcome.results] == [1, 0, 1]
    assert not (batches.directory / "out.ndjson").exists() and not (batches.directory / "ran").exists()
    assert any("would run 2 requests" in message for message in outcome.messages)


@pytest.mark.parametrize("name", ["missing.ndjson", "."])
def test_a_file_that_cannot_be_read_is_reported_before_anything_runs(batches, name):
    batches.write("r.ndjson", "a\n")
    outcome = batches.run("r.ndjson", name, "--output", "out.ndjson", command=["touch", "ran"], status=125)
    assert len(outcome.messages) == 1
    assert not (batches.directory / "ran").exists()


@pytest.mark.parametrize("arguments", [
    ["--jobs", "0"], ["--retries", "-1"], ["--halt-after", "0"], ["--halt-after", "101%"], ["--max-output", "lots"],
    ["--limit", "x"], ["--resume"], ["--output", "o", "--resume", "--overwrite"], ["--progress", "loud"],
    ["--timeout", "soon"], ["--stop-signal", "NOPE"],
])
def test_what_cannot_be_meant_is_a_usage_error(batches, arguments):
    batches.write("r.ndjson", "a\n")
    outcome = batches.run("r.ndjson", *arguments, command=["touch", "ran"], status=64)
    assert outcome.stdout == b"" and not (batches.directory / "ran").exists()


def spellings(directory):
    """Names of r.ndjson that a person may take for other files."""
    (directory / "soft").symlink_to("r.ndjson")
    os.link(directory / "r.ndjson", directory / "hard")
    (directory / "folder").symlink_to(".")
    return ["r.ndjson", "./r.ndjson", str(directory / "r.ndjson"), "folder/r.ndjson", "soft", "hard"]


def test_a_list_is_never_overwritten_by_its_results(batches):
    batches.write("r.ndjson", "a\n")
    batches.write("other.txt", "b\n")
    for name in spellings(batches.directory):
        for options in ([], ["--overwrite"], ["--resume"], ["--dry-run"]):
            outcome = batches.run("other.txt", "r.ndjson", "--output", name, *options, status=64)
            [message] = outcome.messages
            assert "--output would write over" in message and "r.ndjson" in message
            assert (batches.directory / "r.ndjson").read_text() == "a\n"


def test_a_list_on_standard_input_is_never_overwritten_either(batches):
    batches.write("r.ndjson", "a\n")
    for option in ("--output", "--summary"):
        with open(batches.directory / "r.ndjson", "rb") as file:
            outcome = batches.run("-", option, "./r.ndjson", stdin=file, status=64)
        assert f"{option} would write over" in outcome.messages[0]
        assert (batches.directory / "r.ndjson").read_text() == "a\n"


def test_results_on_standard_output_are_not_added_to_the_list_they_are_made_from(batches):
    # Each result would be the next request, without end.
    for name in ("r.ndjson", "-"):
        batches.write("r.ndjson", "a\n")
        with open(batches.directory / "r.ndjson", "rb") as read, open(batches.directory / "r.ndjson", "ab") as added:
            outcome = batches.run(name, stdin=read, stdout=added, status=64)
        assert "standard output goes into the file of the requests" in outcome.messages[0]
        assert (batches.directory / "r.ndjson").read_text() == "a\n"
    with open(batches.directory / "out.ndjson", "ab") as results:
        outcome = batches.run("r.ndjson", "--summary", "out.ndjson", stdout=results, status=64)
        assert "--summary would write over the results on standard output" in outcome.messages[0]
        batches.run("r.ndjson", stdout=results, status=0)
    await_lines(batches.directory / "out.ndjson", 1)


def test_payloads_are_not_appended_to_the_list_they_come_from(program):
    batches = Batches(program, insights=True)
    batches.write("r.ndjson", "a\n")
    for name in spellings(batches.directory):
        program.run("connection", "set", "--type", "file", "--path", "r.ndjson", status=0)
        outcome = batches.run(name, status=64)
        assert "payloads of this version are appended to the file of the requests" in outcome.messages[0]
        assert (batches.directory / "r.ndjson").read_text() == "a\n"
    program.run("insights", "disable", batches.ref)
    program.run("connection", "remove", status=0)


def test_closed_streams_take_no_results_and_give_no_requests(batches):
    batches.write("r.ndjson", "a\n")
    command = " ".join(map(shlex.quote, [str(batches.program.binary), *batches.arguments("r.ndjson")]))
    outcome = subprocess.run(["sh", "-c", command + " >&-"], env=batches.program.environment(), cwd=batches.directory,
                             stderr=subprocess.PIPE, check=False, timeout=processes.LIMIT)
    assert outcome.returncode == 125 and b"standard output is closed, so results would be lost" in outcome.stderr
    outcome = subprocess.run(["sh", "-c", command.replace("r.ndjson", "-") + " <&-"], check=False,
                             env=batches.program.environment(), cwd=batches.directory, capture_output=True,
                             timeout=processes.LIMIT)
    assert outcome.returncode == 125 and b"standard input is closed" in outcome.stderr
    outcome = subprocess.run(["sh", "-c", command + " -o out.ndjson >&-"], env=batches.program.environment(),
                             cwd=batches.directory, stderr=subprocess.PIPE, check=False, timeout=processes.LIMIT)
    assert outcome.returncode == 0 and len(batches.results("out.ndjson")) == 1


def test_a_dash_is_standard_output(batches):
    batches.write("r.ndjson", "a\n")
    assert len(batches.run("r.ndjson", "--output", "-", status=0).results) == 1
    assert not (batches.directory / "-").exists()
    assert "--output FILE" in batches.run("r.ndjson", "-o", "-", "--resume", status=64).messages[0]
    batches.run("r.ndjson", "--summary", "-", status=64)


def test_a_summary_overwrites_neither_the_list_nor_the_results(batches):
    batches.write("r.ndjson", "a\n")
    for name in spellings(batches.directory):
        outcome = batches.run("r.ndjson", "--summary", name, status=64)
        assert "--summary would write over" in outcome.messages[0]
        assert (batches.directory / "r.ndjson").read_text() == "a\n"
    # Neither of these is there yet.
    for name in ("out.ndjson", "./out.ndjson", "folder/out.ndjson"):
        outcome = batches.run("r.ndjson", "--output", "out.ndjson", "--summary", name, status=64)
        assert "--summary would write over the results" in outcome.messages[0]
        assert not (batches.directory / "out.ndjson").exists()
    batches.run("r.ndjson", "--output", "out.ndjson", "--summary", "s.json", status=0)
    batches.run("r.ndjson", "--output", "/dev/null", "--summary", "/dev/null", status=0)


def test_results_are_overwritten_only_when_asked_to(batches):
    batches.write("r.ndjson", "a\n")
    batches.run("r.ndjson", "--output", "out.ndjson", status=0)
    before = (batches.directory / "out.ndjson").read_bytes()
    outcome = batches.run("r.ndjson", "--output", "out.ndjson", status=125)
    assert "--resume" in outcome.messages[0] and (batches.directory / "out.ndjson").read_bytes() == before
    batches.run("r.ndjson", "--output", "out.ndjson", "--overwrite", status=0)
    await_lines(batches.directory / "out.ndjson", 1)
    assert len(batches.results("out.ndjson")) == 1
