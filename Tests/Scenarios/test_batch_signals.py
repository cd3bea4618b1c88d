# SPDX-License-Identifier: Apache-2.0
"""Stopping a batch: the first signal lets running requests finish, the second stops them (docs/contract.md 9)."""

import json
import signal
import time
import subprocess

import pytest

from harness import processes
from harness.batches import Batches, await_lines, descriptors, interrupt, outcomes, parse
from harness.program import PYTHON
from harness.terminal import Terminal

# Prints that it runs, then waits for a file; prints when it is asked to stop. It has a child of its own.
PATIENT = """
import os, signal, subprocess, sys, time
def asked(*_):
    open("asked", "a").write("x")
    if not os.path.exists("stubborn"): os._exit(7)
signal.signal(signal.SIGTERM, asked)
subprocess.Popen(["sleep", "600"])
open("started", "a").write("x")
while not os.path.exists("go"): time.sleep(0.005)
print("finished")
"""


@pytest.fixture
def batches(program):
    return Batches(program, insights=True)


def start(batches, *options, count=20):
    batches.write("r.ndjson", [f"{number}" for number in range(count)])
    process = batches.start(
        "r.ndjson", "--jobs", "2", "--output", "out.ndjson", *options, command=[PYTHON, "-S", "-c", PATIENT])
    await_text(batches, "started", 2)
    return process


def await_text(batches, name, length):
    path = batches.directory / name
    processes.await_until(lambda: path.exists() and len(path.read_text()) >= length, f"{name} has {length}")


def await_message(process, words):
    # Progress is still printed, so that each line comes in time although the one awaited never may.
    deadline = time.monotonic() + processes.LIMIT
    while words not in processes.read_line(process.stderr.fileno()):
        assert time.monotonic() < deadline, f"no message with {words!r}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_running_requests_finish_and_starts_no_other(batches, number):
    process = start(batches)
    interrupt(process, number)
    await_message(process, "interrupted")
    (batches.directory / "go").touch()
    assert batches.program.finish(process).status == 130
    results = batches.results("out.ndjson")
    assert outcomes(results) == ["succeeded"] * 2
    assert [result["result"] for result in results] == ["finished\n"] * 2
    assert len(batches.payloads()) == 2, "the payloads of finished requests are published"
    assert not (batches.directory / "asked").exists(), "no child was disturbed"


def test_the_second_signal_stops_the_children_and_their_results_are_complete(batches):
    process = start(batches)
    interrupt(process)
    await_message(process, "interrupted")
    interrupt(process)
    assert batches.program.finish(process).status == 130
    results = batches.results("out.ndjson")
    assert outcomes(results) == ["failed"] * 2 and [result["exit_code"] for result in results] == [7, 7]
    assert len(batches.payloads()) == 2
    # That nothing of it runs any more, the grandchildren included, is what the fixture proves.


def test_a_child_that_ignores_the_stop_is_killed_after_the_grace(batches):
    (batches.directory / "stubborn").touch()
    process = start(batches, "--grace", "200ms")
    interrupt(process)
    await_message(process, "interrupted")
    interrupt(process)
    assert batches.program.finish(process).status == 130
    results = batches.results("out.ndjson")
    assert [(result["outcome"], result["signal"]) for result in results] == [("signaled", 9)] * 2


def test_the_third_signal_kills_immediately(batches):
    (batches.directory / "stubborn").touch()
    process = start(batches, "--grace", "10m")
    interrupt(process)
    await_message(process, "interrupted")
    interrupt(process)
    await_text(batches, "asked", 2)
    interrupt(process)
    assert batches.program.finish(process).status == 130
    assert [result["signal"] for result in batches.results("out.ndjson")] == [9, 9]


def test_an_interrupted_batch_is_resumed_to_its_end(batches):
    process = start(batches, count=6)
    interrupt(process)
    await_message(process, "interrupted")
    interrupt(process)
    batches.program.finish(process)
    (batches.directory / "go").touch()
    batches.run(
        "r.ndjson", "--jobs", "2", "--output", "out.ndjson", "--resume", command=[PYTHON, "-S", "-c", PATIENT],
        status=0)
    results = batches.results("out.ndjson")
    assert sorted(result["index"] for result in results) == list(range(6))
    assert outcomes(results) == ["succeeded"] * 6


def test_a_request_that_waits_for_a_retry_is_finished_by_the_first_signal(batches):
    batches.write("r.ndjson", "x\n")
    process = batches.start(
        "r.ndjson", "--retries", "3", "--retry-delay", "1h", "--output", "out.ndjson",
        command=["sh", "-c", "echo > ran; exit 4"])
    await_text(batches, "ran", 1)
    processes.await_until(lambda: len(processes.marked(batches.program.marker)) <= 2, "the child has ended")
    interrupt(process)
    assert batches.program.finish(process).status == 130
    [result] = batches.results("out.ndjson")
    assert (result["outcome"], result["exit_code"], result["attempts"]) == ("failed", 4, 1)


def test_a_batch_that_waits_for_its_list_ends_immediately(batches):
    process = batches.start("-", stdin=subprocess.PIPE)
    process.stdin.write(b"a\n")
    process.stdin.flush()
    assert json.loads(processes.read_line(process.stdout.fileno()))["result"] == "a"
    interrupt(process)
    process.wait(processes.LIMIT)
    assert process.returncode == 130


def test_a_child_of_a_batch_that_asks_on_the_terminal_fails_immediately(batches):
    batches.write("r.ndjson", ["1", "2"])
    source = "import errno\ntry: open('/dev/tty')\nexcept OSError as error: print(errno.errorcode[error.errno])"
    arguments = batches.arguments("r.ndjson", "-o", "out.ndjson", command=[PYTHON, "-c", source])
    with Terminal([str(batches.program.binary), *map(str, arguments)], batches.program.environment(TERM="dumb"),
                  batches.directory) as terminal:
        assert terminal.end() == 0
    assert [result["result"] for result in batches.results("out.ndjson")] == ["ENXIO\n"] * 2


def test_killed_outright_it_leaves_no_child(batches):
    process = start(batches)
    process.kill()
    process.wait()
    assert processes.await_none(batches.program.marker) == []


def test_a_reader_that_goes_stops_the_batch(batches):
    batches.write("r.ndjson", [f"{number}" for number in range(100_000)])
    process = batches.start("r.ndjson")
    processes.read_line(process.stdout.fileno())
    process.stdout.close()
    process.stdout = None
    process.wait(processes.LIMIT)
    assert process.returncode == 125
    assert b"the reader of the results has gone" in process.stderr.read()


def test_a_reader_that_does_not_read_holds_up_results_but_neither_signals_nor_children(batches):
    batches.write("r.ndjson", ["x" * 5000 for _ in range(1000)])
    process = batches.start("r.ndjson")
    # The pipe is full once no more children come and go.
    insights = batches.program.home / "insights.ndjson"
    processes.await_until(lambda: insights.exists() and insights.read_bytes().count(b"\n") > 20, "it has begun")
    interrupt(process)
    await_message(process, "interrupted")
    outcome = batches.program.finish(process)
    assert outcome.status == 130
    assert 20 < len(parse(outcome.stdout)) < 1000


def test_descriptors_do_not_grow_with_the_number_of_requests(batches):
    out = batches.directory / "out.ndjson"
    process = batches.start("-", "--jobs", "2", "--output", out, command=["wc", "-c"], stdin=subprocess.PIPE)
    counts = []
    for hundreds in (1, 2, 3):
        # Each beyond what is kept in memory, so that each has a file of its own.
        process.stdin.write((b"x" * 70_000 + b"\n") * 100)
        process.stdin.flush()
        await_lines(out, hundreds * 100)
        counts.append(descriptors(process.pid))
    assert batches.program.finish(process).status == 0
    assert max(counts) <= min(counts) + 1, counts
