# SPDX-License-Identifier: Apache-2.0
"""Every request has one result line with all there is to know, however large its output (docs/contract.md 9)."""

import json
import os
import resource
import subprocess

import pytest

from harness import processes
from harness import schemas
from harness.batches import Batches, decoded, outcomes, peak_memory, reason, sha256
from harness.program import PYTHON

MEMBERS = {
    "index", "source", "input_sha256", "request_id", "algorithm", "outcome", "exit_code", "signal", "cause", "error", "attempts",
    "timestamp", "duration_milliseconds", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes",
    "metrics", "rejected_metrics", "delivery", "stderr_tail", "result",
}


@pytest.fixture
def batches(program):
    return Batches(program)


def test_a_result_has_every_member_of_the_contract(batches):
    batches.write("r.ndjson", "x\n")
    source = """
import os, sys
os.write(3, b'{"cats": 0.10, "request_id": 1}\\n')
os.write(2, b"careful\\n")
print('{"ok": true}')
"""
    [result] = batches.python("r.ndjson", source=source, status=0).results
    assert set(result) == MEMBERS
    assert result["algorithm"] == "demo/echo/1.0.0" and result["outcome"] == "succeeded"
    assert (result["exit_code"], result["signal"], result["attempts"]) == (0, None, 1)
    assert result["metrics"] == {"cats": 0.10}
    assert [rejected["reason"] for rejected in result["rejected_metrics"]] == ["reserved_name"]
    assert result["delivery"] == {"state": "insights_off"}
    assert (result["stderr_tail"], result["result"]) == ("careful\n", {"ok": True})


def test_every_kind_of_result_matches_its_schema(program):
    batches = Batches(program, insights=True)
    batches.write("r.ndjson", ["exit 0", "exit 3", "kill -9 $$", "sleep 60", "printf '\\377'", "exit 0",
                               "yes | head -c 5000", "echo '{\"a\":1,\"b\":\"x\"}' >&3; echo '[1, 2]'"])
    outcome = batches.run(
        "r.ndjson", "--timeout", "300ms", "--jobs", "4", "--max-output", "1000", command=["sh"], status=1)
    assert len(outcome.results) == 8
    for result in outcome.results:
        schemas.validate("batch-result", result)
    assert {"occurrence", "result_encoding", "result_truncated"} <= set().union(*outcome.results)


def test_numbers_in_a_json_result_stay_as_written_and_the_line_one_line(batches):
    batches.write("r.ndjson", "x\n")
    outcome = batches.run("r.ndjson", command=["printf", r'{\n  "n": [0.10,\t12345678901234567890] \n}\n'], status=0)
    assert outcome.stdout.endswith(b'"result":{"n":[0.10,12345678901234567890]}}\n')


@pytest.mark.parametrize("output, member", [
    (b"", ""), (b"text\n", "text\n"), (b"NaN", "NaN"), (b"1\n2\n", "1\n2\n"), (b"[1,]", "[1,]"), (b'"s"', "s"),
    ("é\u2028\x1b[0m".encode(), "é\u2028\x1b[0m"), (b" true ", True),
])
def test_output_is_json_if_it_is_json_and_text_if_it_is_text(batches, output, member):
    batches.write("out.bin", output)
    result = batches.run("out.bin", status=0).results[0]
    assert result["result"] == member and "result_encoding" not in result


def test_output_that_is_not_text_is_base64(batches):
    content = os.urandom(100_000) + b"\xff"
    batches.write("out.bin", content)
    result = batches.run("out.bin", status=0).results[0]
    assert result["result_encoding"] == "base64" and decoded(result) == content


def test_output_beyond_the_limit_is_dropped_and_the_child_never_blocks(batches):
    batches.write("r.ndjson", "x\n")
    flood = "import os\nfor _ in range(80): os.write(1, b'x' * (1 << 20))"
    [result] = batches.python("r.ndjson", source=flood, status=0).results
    assert result["result_truncated"] is True
    assert len(result["result"]) == 64 << 20 and set(result["result"]) == {"x"}


def test_the_limit_is_the_one_that_was_set(batches):
    batches.write("r.ndjson", "0123456789\n")
    [result] = batches.run("r.ndjson", "--max-output", "4", status=0).results
    assert (result["result"], result["result_truncated"]) == ("0123", True)
    [result] = batches.run("r.ndjson", "--max-output", "10", status=0).results
    assert decoded(result) == b"123456789" or result["result"] == "0123456789"


def memory_of(batches, command, *options):
    """The peak memory in KiB of a batch of one request, read while its list is still open."""
    out = batches.directory / "out.ndjson"
    out.unlink(missing_ok=True)
    process = batches.start("-", "--output", out, *options, command=command, stdin=subprocess.PIPE)
    process.stdin.write(b"x\n")
    process.stdin.flush()
    processes.await_until(lambda: out.exists() and out.read_bytes()[-1:] == b"\n", "the result is written", 300)
    memory = peak_memory(process.pid)
    assert batches.program.finish(process).status == 0
    return memory


@pytest.mark.slow
def test_300_megabytes_of_output_take_no_more_memory_than_none(batches):
    little = memory_of(batches, ["true"])
    flood = "import os\nfor _ in range(300): os.write(1, b'line of text\\n' * 80660)"
    much = memory_of(batches, [PYTHON, "-c", flood], "--max-output", "1GiB")
    assert (batches.directory / "out.ndjson").stat().st_size > 300_000_000
    assert much < little + 4096, f"{little} KiB without output, {much} KiB with 300 MB"


@pytest.mark.slow
def test_a_request_of_2_gigabytes_takes_no_more_memory_than_a_small_one(batches):
    with open(batches.directory / "large.bin", "wb") as file:
        file.truncate(2 << 30)
    batches.write("small.bin", b"x")
    peaks = {}
    for name in ("small.bin", "large.bin"):
        process = batches.start(name, "-", "--output", f"{name}.out", command=["wc", "-c"], stdin=subprocess.PIPE)
        out = batches.directory / f"{name}.out"
        processes.await_until(lambda: out.exists() and out.read_bytes()[-1:] == b"\n", "the result is written", 300)
        peaks[name] = peak_memory(process.pid)
        assert batches.program.finish(process).status == 0
    [result] = batches.results("large.bin.out")
    assert result["result"] == 2 << 30
    assert result["input_sha256"] == "a7c744c13cc101ed66c29f672f92455547889cc586ce6d44fe76ae824958ea51"
    assert peaks["large.bin"] < peaks["small.bin"] + 1024, peaks


def test_a_line_of_100_megabytes_takes_no_more_memory_than_a_short_one(batches):
    def peak(length):
        out = batches.directory / "out.ndjson"
        out.unlink(missing_ok=True)
        process = batches.start("-", "--output", out, command=["wc", "-c"], stdin=subprocess.PIPE)
        for _ in range(length // 1_000_000):
            process.stdin.write(b"x" * 1_000_000)
        process.stdin.write(b"\n")
        process.stdin.flush()
        processes.await_until(lambda: out.exists() and out.read_bytes()[-1:] == b"\n", "the result is written", 300)
        memory = peak_memory(process.pid)
        batches.program.finish(process)
        assert batches.results("out.ndjson")[0]["result"] == length
        return memory
    assert peak(100_000_000) < peak(1_000_000) + 1024


@pytest.mark.parametrize("order", [[], ["--keep-order"]])
def test_output_that_the_disk_has_no_room_for_gives_no_result_and_its_request_runs_again(program, order):
    batches = Batches(program, insights=True)
    # A limit on the size of files replaces the full disk. The third request's output is too much for it.
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))}
    batches.write("r.ndjson", ["10", "20", "300000", "30", "40"])
    source = "import sys; n = int(sys.stdin.readline()); sys.stdout.write('x' * n)"
    run = ["r.ndjson", "--output", "out.ndjson", "--jobs", "1", *order]
    outcome = batches.python(*run, source=source, status=125, **full)
    assert "r.ndjson:3: its output could not be kept" in outcome.messages[0]
    assert "cannot keep data in a temporary file: File too large; point TMPDIR" in outcome.messages[-1]
    assert [result["source"] for result in batches.results("out.ndjson")] == ["r.ndjson:1", "r.ndjson:2"]
    # It ran all the same, and what was measured is not lost.
    assert len(batches.payloads()) == 3
    batches.python(*run, "--resume", source=source, status=0)
    results = batches.results("out.ndjson")
    assert [(result["source"], len(result["result"])) for result in results] == [
        ("r.ndjson:1", 10), ("r.ndjson:2", 20), ("r.ndjson:3", 300_000), ("r.ndjson:4", 30), ("r.ndjson:5", 40)]


def test_of_stderr_the_last_4_kib_are_kept(batches):
    batches.write("r.ndjson", "x\n")
    source = "import os; os.write(2, b'a' * 100000 + b'b' * 4095 + b'\\n')"
    [result] = batches.python("r.ndjson", source=source, status=0).results
    assert result["stderr_tail"] == "b" * 4095 + "\n"


def test_outcomes_show_how_each_request_ended(batches):
    batches.write("r.ndjson", ["exit 0", "exit 3", "kill -9 $$", "sleep 60"])
    results = batches.run(
        "r.ndjson", "--keep-order", "--timeout", "300ms", "--jobs", "4", command=["sh"], status=1).results
    assert outcomes(results) == ["succeeded", "failed", "signaled", "timed_out"]
    assert [result["exit_code"] for result in results[:3]] == [0, 3, None]
    assert results[2]["signal"] == 9


@pytest.mark.parametrize("command, words", [
    (["/nonexistent/program"], "no such program"), (["/etc/passwd"], "make it executable"),
])
def test_a_command_that_cannot_start_fails_each_request_with_its_reason(batches, command, words):
    batches.write("r.ndjson", "a\nb\n")
    outcome = batches.run("r.ndjson", command=command, status=1)
    assert outcomes(outcome.results) == ["failed_to_start"] * 2
    assert all(words in reason(result) for result in outcome.results)


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--progress", "none"]])
@pytest.mark.parametrize("command, words", [
    (["/nonexistent/program"], "there is no such program; check the spelling"),
    (["/etc/passwd"], "make it executable"),
])
def test_the_reason_for_requests_that_never_started_is_printed_once(batches, command, words, options):
    batches.write("r.ndjson", [f"{number}" for number in range(40)])
    outcome = batches.run("r.ndjson", *options, command=command, status=1)
    told = [message for message in outcome.messages if words in message]
    assert len(told) == 1 and told[0].startswith("40 requests never started: cannot run "), outcome
    assert all(words in reason(result) for result in outcome.results)


def test_each_reason_is_printed_with_the_number_of_requests_it_stopped(batches):
    batches.write("r.ndjson", ['{"input":1}', "[]", '{"input":2}', "[]"])
    outcome = batches.run("r.ndjson", "--envelope", command=["/nonexistent/program"], status=1)
    told = [message.split(":")[0] for message in outcome.messages if "never started" in message]
    assert sorted(told) == ["2 requests never started"] * 2, outcome
    outcome = batches.run("r.ndjson", "--envelope", "--limit", "2", status=1)
    assert any(message.startswith("1 request never started: the envelope is not") for message in outcome.messages)


@pytest.mark.parametrize("extra", [[], ["--keep-order"], ["--retries", "2", "--retry-delay", "1ms"]])
def test_what_never_started_has_no_result_whatever_the_reason(batches, extra):
    batches.write("r.ndjson", ['{"input":1}', "[]"])
    batches.write("whole.bin", "x")
    results = batches.run("r.ndjson", "whole.bin", "--envelope", *extra, command=["/nonexistent/program"], status=1).results
    assert outcomes(results) == ["failed_to_start"] * 3
    for result in results:
        assert result["result"] is None and result["stderr_tail"] == ""
        schemas.validate("batch-result", result)
        # Exactly that, and nothing in its place.
        for wrong in ({"result": ""}, {"result": 1}, {"result_truncated": True}, {"stderr_tail": "x"}):
            assert not schemas.is_valid("batch-result", {**result, **wrong}), wrong
    # A child that ran and wrote nothing has an empty text, and one that wrote null has null.
    [silent] = batches.run("whole.bin", command=["true"], status=0).results
    [null] = batches.run("whole.bin", command=["echo", "null"], status=0).results
    assert (silent["result"], null["result"]) == ("", None)
    for result in (silent, null):
        schemas.validate("batch-result", result)


def test_one_payload_a_request_and_its_delivery_in_the_result(program):
    batches = Batches(program, insights=True)
    batches.write("r.ndjson", [f"{number}" for number in range(50)])
    outcome = batches.run("r.ndjson", status=0)
    assert {result["delivery"]["state"] for result in outcome.results} == {"written"}
    assert sorted(payload["request_id"] for payload in batches.payloads()) == sorted(
        result["request_id"] for result in outcome.results)
    assert any("50 delivered, 0 waiting" in message for message in outcome.messages)


def test_what_never_started_publishes_nothing(program):
    batches = Batches(program, insights=True)
    batches.write("r.ndjson", "a\n\n")
    batches.run("r.ndjson", command=["/nonexistent/program"], status=1)
    assert batches.payloads() == []


def test_rejected_metrics_are_printed_twenty_times_and_counted(batches):
    batches.write("r.ndjson", [f"{number}" for number in range(30)])
    outcome = batches.run("r.ndjson", command=["sh", "-c", "echo '{\"a\":\"x\"}' >&3"], status=0)
    assert sum("not_a_number" in message for message in outcome.messages) == 20
    assert any("30 metrics rejected" in message for message in outcome.messages)
    assert all(result["rejected_metrics"] for result in outcome.results)


def test_the_summary_is_printed_and_written_as_json(batches):
    batches.write("r.ndjson", ["rm gone.sh"] + ["exit 0"] * 7 + ["exit 1", "kill -9 $$"])
    batches.write("gone.sh", "exit 0")
    outcome = batches.run("r.ndjson", "gone.sh", "--jobs", "1", "--summary", "summary.json", command=["sh"], status=1)
    text = " ".join(outcome.messages)
    assert "11 requests" in text and "8 succeeded, 1 failed, 1 signaled, 1 failed_to_start" in text
    assert "p50" in text and "p95" in text and "p99" in text
    summary = json.loads((batches.directory / "summary.json").read_text())
    assert summary["outcomes"] == {
        "succeeded": 8, "failed": 1, "signaled": 1, "timed_out": 0, "canceled": 0, "failed_to_start": 1}
    assert (summary["requests"], summary["exit_status"], summary["ended_early"]) == (11, 1, None)
    assert 0 < summary["duration_milliseconds"]["p50"] <= summary["duration_milliseconds"]["p99"]


def test_a_summary_that_cannot_be_written_is_a_failure(batches):
    batches.write("r.ndjson", "a\n")
    outcome = batches.run("r.ndjson", "--summary", "/dev/full", status=125)
    assert len(outcome.results) == 1 and "No space left on device; choose another file with --summary" in outcome.messages[-1]


def test_the_summary_matches_its_schema(batches):
    batches.write("r.ndjson", ["exit 0"] * 3 + ["exit 1"] * 5)
    for options in ([], ["--halt-after", "2", "--jobs", "1"], ["--limit", "0"]):
        batches.run("r.ndjson", *options, "--summary", "s.json", command=["sh"])
        summary = json.loads((batches.directory / "s.json").read_text())
        schemas.validate("batch-summary", summary)
    batches.run("r.ndjson", "--halt-after", "2", "--jobs", "1", "--summary", "s.json", command=["sh"], status=1)
    summary = json.loads((batches.directory / "s.json").read_text())
    assert (summary["ended_early"], summary["requests"]) == ("halted", 5)
    lines = batches.run("r.ndjson", "--dry-run", status=0).results
    assert len(lines) == 8
    for line in lines:
        schemas.validate("batch-preview", line)


def test_quiet_counts_rejected_metrics_that_were_not_printed_one_by_one(batches):
    batches.write("r.ndjson", [f"{number}" for number in range(30)])
    outcome = batches.run("r.ndjson", "--quiet", command=["sh", "-c", "echo '{\"a\":\"x\"}' >&3"], status=0)
    assert len(outcome.messages) == 21 and outcome.messages[-1] == "30 metrics rejected; see the results"


def test_quiet_prints_nothing_when_all_is_well(batches):
    batches.write("r.ndjson", "a\n")
    assert batches.run("r.ndjson", "--quiet", status=0).stderr == b""


def test_the_digest_is_that_of_the_input_even_if_it_is_empty(batches):
    batches.write("empty.txt", b"")
    assert batches.run("empty.txt", status=0).results[0]["input_sha256"] == sha256(b"")
