# SPDX-License-Identifier: Apache-2.0
"""Named pipes are waited for as `<` and `>` do, and nothing vanishes in them (docs/contract.md 4, 8, 9)."""

import errno
import fcntl
import json
import os
import signal
import subprocess

import pytest

from harness import processes
from harness import schemas
from harness.batches import Batches, parse


class Pipe:
    """A named pipe, and this process as its reader or writer. Nothing here waits for longer than the limit."""

    def __init__(self, directory, name="ff"):
        self.path = directory / name
        os.mkfifo(self.path)
        self._ends = []

    def reader(self):
        """A descriptor for reading."""
        self._ends.append(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))
        return self._ends[-1]

    def writer(self):
        """A descriptor for writing, once there is a reader."""
        def opened():
            try:
                return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                assert error.errno == errno.ENXIO
                return None
        self._ends.append(processes.await_until(opened, f"{self.path} has a reader"))
        os.set_blocking(self._ends[-1], True)
        return self._ends[-1]

    def write(self, content):
        """Writes all of it, as a process of its own would, and closes the pipe."""
        writer = self.writer()
        os.write(writer, content)
        os.close(writer)

    def content(self, reader):
        """Everything up to the end of the last writer."""
        content = b""
        while piece := processes.read_piece(reader):
            content += piece
        return content

    def close(self):
        for end in self._ends:
            try:
                os.close(end)
            except OSError:
                pass


@pytest.fixture
def pipe(program):
    pipe = Pipe(program.directory)
    yield pipe
    pipe.close()


@pytest.fixture
def batches(program):
    batches = Batches(program)
    batches.write("r.ndjson", ["1", "2", "3"])
    return batches


def await_opening(process, path):
    """Waits until a process has a pipe open, or a thread that waits for the other side."""
    def is_open():
        if len(os.listdir(f"/proc/{process.pid}/task")) > 1:
            return True
        return str(path) in processes.open_files(process.pid)
    processes.await_until(is_open, f"{path} is being opened")


def lines(content):
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content.splitlines()]


# The sink

def sink_to(program, pipe, *options):
    program.run("connection", "set", "--type", "file", "--path", pipe.path, *options, status=0)


def test_a_sink_without_a_reader_makes_payloads_wait_until_there_is_one(program, published, pipe):
    sink_to(program, pipe)
    outcome, report = program.report(published, "--", "sh", "-c", "exit 7", status=7)
    assert report["delivery"]["state"] == "queued"
    assert f"no process reads the named pipe {pipe.path}" in outcome.messages[0]
    failed = program.run("connection", "test", status=1).stdout.decode()
    assert "no process reads the named pipe" in failed
    reader = pipe.reader()
    program.run("connection", "test", status=0)
    assert program.run("outbox", "deliver", status=0).messages[-1] == "1 delivered"
    [payload] = lines(pipe.content(reader))
    assert payload["request_id"] == report["request_id"]


def test_a_sink_with_a_reader_gets_whole_lines(program, published, pipe):
    sink_to(program, pipe)
    reader = pipe.reader()
    _, report = program.report(published, "--", "true", status=0)
    assert report["delivery"] == {"state": "written"}
    [payload] = lines(pipe.content(reader))
    assert payload["request_id"] == report["request_id"]


def test_payloads_of_a_batch_wait_for_the_reader_of_the_sink(program, pipe):
    batches = Batches(program, insights=True)
    sink_to(program, pipe)
    batches.write("r.ndjson", [f"{number}" for number in range(2000)])
    process = batches.start("r.ndjson", "-o", "out.ndjson", command=["true"])
    while f"no process reads the named pipe {pipe.path}" not in processes.read_line(process.stderr.fileno()):
        pass
    reader = pipe.reader()
    content = bytearray()

    def is_complete():
        try:
            content.extend(os.read(reader, 65536))
        except BlockingIOError:
            pass
        return content.count(b"\n") >= 2000
    processes.await_until(is_complete, "all payloads are read")
    assert program.finish(process).status == 0
    results = batches.results("out.ndjson")
    assert sorted(payload["request_id"] for payload in lines(content)) == sorted(
        result["request_id"] for result in results)


# Input, report, output and summary

def test_the_child_reads_what_another_process_writes_into_the_pipe(program, pipe):
    process = program.start("exec", "--input", pipe.path, "--", "cat")
    pipe.write(b"x" * 50_000)
    outcome = program.finish(process)
    assert (outcome.status, outcome.stdout) == (0, b"x" * 50_000)


def test_the_child_starts_once_there_is_a_writer_and_before_it_has_written(program, pipe):
    process = program.start("exec", "--input", pipe.path, "--", "sh", "-c", "echo ready; exec cat")
    writer = pipe.writer()
    assert processes.read_line(process.stdout.fileno()) == "ready"
    os.write(writer, b"answer")
    os.close(writer)
    assert program.finish(process).stdout == b"answer"


def test_the_input_stays_blocking_for_the_child(program, pipe):
    process = program.start("exec", "--input", pipe.path, "--", "python3", "-c",
                            "import fcntl, os; print(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK)")
    pipe.write(b"")
    assert program.finish(process).stdout == b"0\n"


def test_a_report_goes_to_the_reader_of_the_pipe(program, pipe):
    process = program.start("exec", "--report", pipe.path, "--", "true")
    schemas.validate("report", json.loads(pipe.content(pipe.reader())))
    assert program.finish(process).status == 0


def test_a_reader_that_goes_before_the_report_costs_one_line(program, pipe):
    process = program.start("exec", "--report", pipe.path, "--", "sh", "-c", "echo ran; read go; exit 7",
                            stdin=subprocess.PIPE)
    reader = pipe.reader()
    assert processes.read_line(process.stdout.fileno()) == "ran"
    os.close(reader)
    outcome = program.finish(process, b"go\n")
    assert outcome.status == 7 and "Broken pipe; choose another file with --report" in outcome.messages[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reader_that_does_not_read_a_report_is_waited_for_until_a_signal(program, pipe, number):
    flood = "i=0; while [ $i -lt 2000 ]; do echo \"{\\\"name-of-a-metric-$i\\\":true}\"; i=$((i+1)); done >&3; exit 7"
    process = program.start("exec", "--report", pipe.path, "--", "sh", "-c", flood)
    reader = pipe.reader()
    told = processes.read_line(process.stderr.fileno())
    while "more rejected" not in told:
        told = processes.read_line(process.stderr.fileno())
    # No more room: the report is longer than the pipe.
    processes.await_until(lambda: unread(reader) >= fcntl.fcntl(reader, 1032), "the pipe is full")
    assert process.poll() is None
    process.send_signal(number)
    outcome = program.finish(process)
    assert outcome.status == 7 and "cannot write to" in outcome.messages[-1]


def unread(reader):
    import termios
    return int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4), "little")


def test_results_and_summary_go_to_the_readers_of_their_pipes(batches, pipe):
    summary = Pipe(batches.directory, "summary")
    process = batches.start("r.ndjson", "-o", pipe.path, "--summary", summary.path)
    totals = summary.reader()
    assert sorted(result["result"] for result in parse(pipe.content(pipe.reader()))) == [1, 2, 3]
    assert json.loads(summary.content(totals))["requests"] == 3
    assert batches.program.finish(process).status == 0


@pytest.mark.parametrize("name", ["ff", "ff.ndjson"])
def test_requests_come_from_a_pipe(batches, name):
    pipe = Pipe(batches.directory, name)
    process = batches.start("r.ndjson", pipe.path)
    pipe.write(b"4\n5\n")
    outcome = batches.program.finish(process)
    assert outcome.status == 0
    assert len(parse(outcome.stdout)) == (4 if name == "ff" else 5)


WAITS = {
    "the input of exec": (["exec", "--input", "ff", "--", "touch", "ran"], None),
    "the report of exec": (["exec", "--report", "ff", "--", "touch", "ran"], None),
    "the output of a batch": (["batch", "demo/echo", "r.ndjson", "-o", "ff", "--", "touch", "ran"], 130),
    "the summary of a batch": (["batch", "demo/echo", "r.ndjson", "--summary", "ff", "--", "touch", "ran"], 130),
    "a request file": (["batch", "demo/echo", "ff", "--", "touch", "ran"], 130),
    "a list of requests": (["batch", "demo/echo", "ff.ndjson", "--", "touch", "ran"], 130),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("file", WAITS)
def test_the_first_signal_ends_the_wait_for_the_other_side(batches, pipe, file, number):
    arguments, status = WAITS[file]
    path = pipe.path
    if "ff.ndjson" in arguments:
        path = Pipe(batches.directory, "ff.ndjson").path
    process = batches.program.start(*arguments)
    await_opening(process, path)
    process.send_signal(number)
    outcome = batches.program.finish(process)
    # exec ends by the signal itself, as a program whose `<` waits does.
    assert outcome.status == (-number if status is None else status), outcome
    assert not (batches.directory / "ran").exists()


@pytest.mark.parametrize("file, status", [
    ("the input of exec", 124), ("the report of exec", 124), ("the output of a batch", 125)])
def test_the_wait_for_the_other_side_counts_against_the_time_limit(batches, pipe, file, status):
    arguments, _ = WAITS[file]
    outcome = batches.program.run(*arguments[:-3], "--timeout", "200ms", *arguments[-3:], status=status)
    assert len(outcome.messages) == 1 and "within 200ms (--timeout)" in outcome.messages[0], outcome
    assert not (batches.directory / "ran").exists()


@pytest.mark.parametrize("output", ["ff", "/dev/stdout", "-"])
def test_a_reader_of_results_that_goes_ends_the_batch(batches, pipe, output):
    batches.write("many.ndjson", [f"{number}" for number in range(3000)])
    process = batches.start("many.ndjson", "-o", output)
    if output == "ff":
        reader = pipe.reader()
        processes.read_line(reader)
        os.close(reader)
    else:
        processes.read_line(process.stdout.fileno())
        process.stdout.close()
        process.stdout = None
    outcome = batches.program.finish(process)
    assert outcome.status == 125
    assert any("the reader of the results has gone" in message for message in outcome.messages), outcome


def test_a_pipe_cannot_be_resumed_and_is_not_waited_for(batches, pipe):
    for extra in ([], ["--dry-run"]):
        outcome = batches.run("r.ndjson", "-o", pipe.path, "--resume", *extra, status=125)
        assert "--resume reads the results back" in outcome.messages[0]
