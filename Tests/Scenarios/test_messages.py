# SPDX-License-Identifier: Apache-2.0
"""No message of algo-run holds anything up, whatever becomes of its stderr (docs/contract.md 1, 4)."""

import fcntl
import os
import signal
import subprocess

import pytest

from harness import processes
from harness.batches import Batches, await_lines

REJECTED = "echo '[]' >&3; echo '{\"a\":true}' >&3; exit 5"


def fill(writer):
    """Leaves no room in a pipe. The descriptor is blocking again afterwards."""
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, b"." * 4096)
    except BlockingIOError:
        pass
    fcntl.fcntl(writer, fcntl.F_SETFL, flags)


@pytest.fixture
def full_pipe():
    """A pipe without room whose reader reads nothing: (reader, writer)."""
    reader, writer = os.pipe()
    fill(writer)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_exec_ends_with_its_child_while_nothing_reads_its_messages(program, published, full_pipe):
    _, writer = full_pipe
    for ref in ([], [published]):
        program.run("exec", *ref, "--", "sh", "-c", REJECTED, stderr=writer, status=5)
    program.run("exec", "--timeout", "100ms", "--", "sleep", "60", stderr=writer, status=124)
    program.run("exec", "--", "no-such-program", stderr=writer, status=127)
    # A payload that waits is one more message.
    program.run("connection", "set", "--type", "file", "--path", program.directory, status=0)
    program.run("exec", published, "--", "sh", "-c", REJECTED, stderr=writer, status=5)


@pytest.mark.parametrize("progress", ["auto", "bar", "plain"])
def test_a_batch_ends_while_nothing_reads_its_messages(program, full_pipe, progress):
    batches = Batches(program)
    batches.write("r.ndjson", [f"{number}" for number in range(30)])
    batches.run("r.ndjson", "-o", "out.ndjson", "--progress", progress, command=["sh", "-c", REJECTED],
                stderr=full_pipe[1], status=1)
    assert len(batches.results("out.ndjson")) == 30


def test_the_next_message_that_is_read_has_the_number_of_dropped_ones(program, full_pipe):
    reader, writer = full_pipe
    batches = Batches(program)
    process = batches.start("-", "-o", "out.ndjson", command=["sh", "-c", "echo '[]' >&3"], stdin=subprocess.PIPE,
                            stderr=writer)
    process.stdin.write(b"1\n2\n3\n")
    process.stdin.flush()
    await_lines(batches.directory / "out.ndjson", 3)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while os.read(reader, 65536):
            pass
    process.send_signal(signal.SIGUSR1)
    line = processes.read_line(reader)
    assert line == "algo-run: 3 earlier message(s) could not be written here."
    process.stdin.close()
    process.stdin = None
    assert process.wait(processes.LIMIT) == 0


def test_a_stderr_that_has_gone_ends_nothing(program, published):
    """Also of the commands that watch no child."""
    reader, writer = os.pipe()
    os.close(reader)
    sink = program.directory / "sink"
    sink.mkdir()
    program.run("connection", "set", "--type", "file", "--path", sink, stderr=writer, status=0)
    program.run("exec", published, "--", "sh", "-c", REJECTED, stderr=writer, status=5)
    sink.rmdir()
    program.run("outbox", "deliver", stderr=writer, status=0)
    assert sink.read_bytes().count(b"\n") == 1
    os.close(writer)
