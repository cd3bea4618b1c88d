# SPDX-License-Identifier: Apache-2.0
"""--resume runs what is missing or failed, by content, whatever happened before (docs/contract.md 9)."""

import fcntl
import os
import signal
import subprocess
import time

import pytest

from harness import processes
from harness.batches import Batches, await_lines, decoded, outcomes, parse


@pytest.fixture
def batches(program):
    return Batches(program, insights=True)


def essence(results):
    """The part that must be the same after any number of interruptions."""
    return sorted(
        (result["index"], result["source"], result["input_sha256"], result["outcome"], str(result["result"]))
        for result in results)


# Takes a moment now and then, and counts every execution.
WORK = """
import os, sys, time
text = sys.stdin.read()
time.sleep(len(text) % 7 / 500)
open("executions", "a").write(text + "\\n")
print(text * 3)
"""


def work(batches):
    return ["python3", "-S", "-c", WORK]


@pytest.mark.slow
@pytest.mark.soak
def test_killed_at_random_points_it_ends_as_if_it_never_was(batches, chance, request):
    limit = request.config.getoption("kills")
    count = 3 * limit
    # Equal inputs among them: their occurrence distinguishes them.
    lines = ["x" * chance.randrange(1, 12) if chance.random() < 0.5 else f"request {number}" for number in range(count)]
    batches.write("r.ndjson", lines)
    undisturbed = batches.run("r.ndjson", "--output", "whole.ndjson", command=work(batches), status=0)
    executions = batches.directory / "executions"
    executions.write_text("")
    for _ in range(limit):
        process = batches.start(
            "r.ndjson", "--output", "killed.ndjson", "--resume", "--jobs", "3", command=work(batches))
        # Killed by its progress, not by a clock: a slow machine is killed as often as a fast one.
        enough = executions.read_text().count("\n") + chance.randrange(0, 5)
        processes.await_until(
            lambda: executions.read_text().count("\n") >= enough or process.poll() is not None, "some executions")
        # A moment in what comes after an execution.
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        assert batches.program.finish(process).status in (0, -signal.SIGKILL)
    batches.run("r.ndjson", "--output", "killed.ndjson", "--resume", command=work(batches), status=0)
    assert essence(batches.results("killed.ndjson")) == essence(batches.results("whole.ndjson"))
    # At each kill at most the three that ran are run again, and what was finished but not written yet.
    total = executions.read_text().count("\n")
    assert total <= count + limit * 10, f"{total} executions for {count} requests and {limit} kills"
    # A result on disk never names a payload that was lost.
    published = {payload["request_id"] for payload in batches.payloads()}
    assert {result["request_id"] for result in batches.results("killed.ndjson")} <= published
    assert undisturbed.status == 0


@pytest.mark.slow
def test_killed_while_it_writes_large_results_no_line_is_torn_for_long(batches):
    batches.write("r.ndjson", [f"{number}" for number in range(12)])
    flood = ["python3", "-S", "-c", "import sys; n = sys.stdin.read(); print((n + ' ') * 3_000_000)"]
    out = batches.directory / "out.ndjson"
    torn = 0
    for _ in range(60):
        process = batches.start("r.ndjson", "--output", out, "--resume", "--jobs", "2", command=flood)
        before = out.stat().st_size if out.exists() else 0
        try:
            processes.await_until(
                lambda: process.poll() is not None or (out.exists() and out.stat().st_size > before), "it writes")
        finally:
            process.kill()
        status = batches.program.finish(process).status
        content = out.read_bytes()
        torn += content != b"" and not content.endswith(b"\n")
        if status == 0:
            break
    batches.run("r.ndjson", "--output", out, "--resume", command=flood, status=0)
    assert sorted(result["index"] for result in batches.results(out)) == list(range(12))


def test_what_succeeded_is_not_run_again(batches):
    batches.write("r.ndjson", ["a", "b", "c"])
    batches.run("r.ndjson", "--output", "out.ndjson", status=0)
    before = (batches.directory / "out.ndjson").read_bytes()
    outcome = batches.run("r.ndjson", "--output", "out.ndjson", "--resume", command=["false"], status=0)
    assert (batches.directory / "out.ndjson").read_bytes() == before
    assert any("3 had succeeded before" in message for message in outcome.messages)


def test_what_failed_is_run_again_and_keeps_one_line(batches):
    batches.write("r.ndjson", ['{"input":1}', '{"input":2}', '{"input":3}', "[]"])
    script = 'read word; test "$word" != 2 || test -e fixed'
    arguments = ["r.ndjson", "--envelope", "--output", "out.ndjson"]
    batches.run(*arguments, command=["sh", "-c", script], status=1)
    (batches.directory / "fixed").touch()
    batches.run(*arguments, "--resume", command=["sh", "-c", script], status=1)
    results = sorted(batches.results("out.ndjson"), key=lambda result: result["index"])
    assert [result["index"] for result in results] == [0, 1, 2, 3]
    assert outcomes(results) == ["succeeded"] * 3 + ["failed_to_start"]


def test_an_edited_list_never_runs_the_wrong_thing(batches):
    batches.write("r.ndjson", ["a", "b", "c", "d"])
    batches.run("r.ndjson", "--output", "out.ndjson", status=0)
    # Moved, removed, changed, new, and one more of what was there once.
    batches.write("r.ndjson", ["new", "d", "a", "changed c", "a"])
    ran = ["sh", "-c", "tee -a ran; echo >> ran"]
    batches.run("r.ndjson", "--output", "out.ndjson", "--resume", "--jobs", "1", command=ran, status=0)
    assert (batches.directory / "ran").read_text().split("\n")[:-1] == ["new", "changed c", "a"]
    assert len(batches.results("out.ndjson")) == 7


def test_equal_inputs_are_each_run_once(batches):
    batches.write("r.ndjson", ["same"] * 5)
    batches.run("r.ndjson", "--output", "out.ndjson", "--limit", "2", status=0)
    outcome = batches.run("r.ndjson", "--output", "out.ndjson", "--resume", status=0)
    assert any("2 had succeeded before" in message for message in outcome.messages)
    assert sorted(result["index"] for result in batches.results("out.ndjson")) == [0, 1, 2, 3, 4]


def test_another_version_starts_anew(batches):
    batches.write("r.ndjson", ["a", "b"])
    batches.run("r.ndjson", "--output", "out.ndjson", status=0)
    batches.program.run("publish", "demo/echo", "--", "cat", status=0)
    batches.run("r.ndjson", "--output", "out.ndjson", "--resume", status=0)
    algorithms = sorted(result["algorithm"] for result in batches.results("out.ndjson"))
    assert algorithms == ["demo/echo/1.0.0"] * 2 + ["demo/echo/1.0.1"] * 2


@pytest.mark.parametrize("cut", [1, 2, 30, 200, -1])
def test_a_torn_last_line_is_cut_and_its_request_run_again(batches, cut):
    batches.write("r.ndjson", ["a", "b", "c"])
    batches.run("r.ndjson", "--output", "out.ndjson", "--keep-order", status=0)
    out = batches.directory / "out.ndjson"
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:2]) + lines[2][:cut])
    batches.run("r.ndjson", "--output", "out.ndjson", "--resume", status=0)
    content = out.read_bytes().splitlines(keepends=True)
    assert content[:2] == lines[:2]
    assert [result["result"] for result in parse(b"".join(content))] == ["a", "b", "c"]


def test_a_cut_line_that_another_line_follows_is_run_again(batches):
    batches.write("r.ndjson", ["a", "b"])
    batches.run("r.ndjson", "--output", "out.ndjson", "--keep-order", status=0)
    out = batches.directory / "out.ndjson"
    first, second = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(first[:-2] + b"\n" + second)
    outcome = batches.run("r.ndjson", "--output", "out.ndjson", "--resume", status=0)
    assert "1 line of out.ndjson left as found: no results of a batch." in outcome.messages
    *_, added = out.read_bytes().splitlines()
    assert [result["result"] for result in parse(second + added + b"\n")] == ["b", "a"]


def test_without_earlier_results_it_is_a_first_run(batches):
    batches.write("r.ndjson", ["a"])
    batches.run("r.ndjson", "--output", "out.ndjson", "--resume", status=0)
    assert len(batches.results("out.ndjson")) == 1


def test_a_file_of_something_else_is_not_touched(batches):
    batches.write("r.ndjson", ["a"])
    for content in ("name,value\nx,1\n", '{"cats": 1}\n', "no newline"):
        batches.write("out.ndjson", content)
        batches.run("r.ndjson", "--output", "out.ndjson", "--resume", command=["touch", "ran"], status=125)
        assert (batches.directory / "out.ndjson").read_text() == content
    assert not (batches.directory / "ran").exists()


def test_a_second_batch_on_the_same_output_is_refused(batches):
    process = batches.start("-", "--output", "out.ndjson", stdin=subprocess.PIPE)
    process.stdin.write(b"a\n")
    process.stdin.flush()
    await_lines(batches.directory / "out.ndjson", 1)
    batches.write("r.ndjson", ["b"])
    outcome = batches.run("r.ndjson", "--output", "out.ndjson", "--resume", status=125)
    assert "another batch" in outcome.messages[0]
    assert batches.program.finish(process).status == 0
    assert len(batches.results("out.ndjson")) == 1


def test_a_lock_that_a_killed_batch_left_to_its_starting_child_is_waited_for(batches):
    # A child inherits the lock and has it until its exec. Here this test is that child.
    batches.write("out.ndjson", [])
    batches.write("r.ndjson", ["a"])
    with open(batches.directory / "out.ndjson") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = batches.start("r.ndjson", "--output", "out.ndjson", "--resume")

        def waits():
            """Whether it sleeps with the file open, or has given up."""
            found = processes.find(process.pid)
            files = processes.open_files(process.pid)
            return process.poll() is not None or found.state == "S" and any("out.ndjson" in name for name in files)

        processes.await_until(waits, "the batch waits for the lock")
    assert batches.program.finish(process).status == 0
    assert len(batches.results("out.ndjson")) == 1


def test_a_symbolic_link_stays_one_and_permissions_stay(batches):
    batches.write("r.ndjson", ["a", "b"])
    (batches.directory / "out.ndjson").symlink_to("real.ndjson")
    script = 'read word; test "$word" != b || test -e fixed'
    batches.run("r.ndjson", "--output", "out.ndjson", command=["sh", "-c", script], status=1)
    (batches.directory / "real.ndjson").chmod(0o640)
    (batches.directory / "fixed").touch()
    batches.run("r.ndjson", "--output", "out.ndjson", "--resume", command=["sh", "-c", script], status=0)
    assert (batches.directory / "out.ndjson").is_symlink()
    assert (batches.directory / "real.ndjson").stat().st_mode & 0o777 == 0o640
    assert len(batches.results("real.ndjson")) == 2
    assert sorted(path.name for path in batches.directory.iterdir() if "ndjson" in path.name) == [
        "out.ndjson", "r.ndjson", "real.ndjson"]


def test_nothing_beside_the_results_is_touched_by_a_resume(batches):
    batches.write("r.ndjson", ["exit 0", "exit 1"])
    batches.run("r.ndjson", "--output", "out", command=["sh"], status=1)
    for name in ("out.resuming", "out.tmp", "out~", ".out.swp"):
        batches.write(name, "another's\n")
    batches.run("r.ndjson", "--output", "out", "--resume", command=["sh"], status=1)
    for name in ("out.resuming", "out.tmp", "out~", ".out.swp"):
        assert (batches.directory / name).read_text() == "another's\n"


def test_a_dry_run_of_a_resume_prints_what_is_left(batches):
    batches.write("r.ndjson", ["a", "b", "c"])
    batches.run("r.ndjson", "--output", "out.ndjson", "--limit", "2", status=0)
    lines = batches.run("r.ndjson", "--output", "out.ndjson", "--resume", "--dry-run", status=0).results
    assert [line["runs"] for line in lines] == [False, False, True]


def test_results_read_back_are_those_that_were_written(batches):
    content = os.urandom(200_000)
    batches.write("large.bin", content)
    batches.run("large.bin", "--output", "out.ndjson", status=0)
    outcome = batches.run("large.bin", "--output", "out.ndjson", "--resume", command=["false"], status=0)
    assert any("1 had succeeded before" in message for message in outcome.messages)
    assert decoded(batches.results("out.ndjson")[0]) == content
