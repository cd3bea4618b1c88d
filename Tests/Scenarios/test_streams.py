# SPDX-License-Identifier: Apache-2.0
"""`exec` gives the child its own standard streams, unchanged: no copy, no buffering (docs/contract.md 4)."""

import os
import pty
import subprocess

import pytest

from harness import processes
from harness.program import PYTHON

IDENTITIES = "import os; found = [(s.st_dev, s.st_ino, s.st_rdev) for s in map(os.fstat, (0, 1, 2))]\n" \
             "print(found, file=open('seen', 'w'))"


def identity(descriptor):
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino, status.st_rdev)


@pytest.mark.parametrize("by_reference", [False, True])
def test_the_child_has_the_very_pipes_that_algo_run_was_given(program, published, by_reference):
    pipes = [os.pipe() for _ in range(3)]
    ends = [pipes[0][0], pipes[1][1], pipes[2][1]]
    try:
        program.python(IDENTITIES, ref=published if by_reference else (), stdin=ends[0], stdout=ends[1],
                       stderr=ends[2], status=0)
        assert (program.directory / "seen").read_text() == f"{[identity(end) for end in ends]}\n"
    finally:
        for end in sum(pipes, ()):
            os.close(end)


def test_a_terminal_stays_the_same_terminal_on_all_three(program):
    ours, theirs = pty.openpty()
    try:
        source = "import os; print([os.ttyname(d) for d in (0, 1, 2)], file=open('seen', 'w'))"
        program.python(source, stdin=theirs, stdout=theirs, stderr=theirs, status=0)
        assert (program.directory / "seen").read_text() == f"{[os.ttyname(theirs)] * 3}\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_file_keeps_its_offset_and_its_append_mode(program):
    path = program.directory / "data"
    path.write_bytes(b"first\nsecond\nthird\n")
    with open(path, "rb", buffering=0) as file:
        file.seek(6)
        assert program.run("exec", "--", "head", "-c", "7", stdin=file, status=0).stdout == b"second\n"
        assert file.tell() == 13, "what the child read is read for its caller as well"
    with open(path, "ab") as file:
        program.run("exec", "--", "echo", "fourth", stdout=file, status=0)
    assert path.read_bytes() == b"first\nsecond\nthird\nfourth\n"


def test_binary_data_passes_untouched_in_both_directions(program):
    data = bytes(range(256)) * 8192
    assert program.run("exec", "--", "cat", input=data, status=0).stdout == data
    assert program.run("exec", "--", "sh", "-c", "exec cat >&2", input=data, status=0).stderr == data


def test_output_of_the_child_is_there_immediately_and_not_when_it_ends(program):
    process = program.start("exec", "--", "sh", "-c", "echo first; read answer; echo $answer",
                            stdin=subprocess.PIPE)
    assert processes.read_line(process.stdout.fileno()) == "first"
    outcome = program.finish(process, b"second\n")
    assert (outcome.status, outcome.stdout) == (0, b"second\n")


def test_algo_run_reads_nothing_of_the_childs_input(program, published):
    reader, writer = os.pipe()
    os.write(writer, b"left for another reader")
    os.close(writer)
    program.run("exec", published, "--", "true", stdin=reader, status=0)
    assert os.read(reader, 100) == b"left for another reader"
    os.close(reader)


def test_algo_run_adds_nothing_to_stdout_or_to_a_quiet_stderr(program, published):
    outcome = program.run("exec", published, "--", "sh", "-c", "echo '{\"a\":1}' >&3", status=0)
    assert (outcome.stdout, outcome.stderr) == (b"", b"")


def test_a_reader_that_went_away_ends_the_child_as_it_would_without_algo_run(program):
    reader, writer = os.pipe()
    os.close(reader)
    outcome = program.run("exec", "--", "sh", "-c", "echo lost; exit 3", stdout=writer)
    bare = subprocess.run(["sh", "-c", "echo lost; exit 3"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert outcome.status == bare.returncode


def test_input_opens_a_file_as_stdin(program):
    data = bytes(range(256)) * 100
    (program.directory / "request").write_bytes(data)
    assert program.run("exec", "--input", "request", "--", "cat", input=b"not this", status=0).stdout == data
    source = "import os; print(os.path.samefile('/proc/self/fd/0', 'request'))"
    assert program.python(source, "--input", "request", status=0).stdout == b"True\n"


def test_a_stream_that_is_closed_stays_closed_in_the_child(program, published):
    source = """
import os
def is_open(d):
    try: os.fstat(d)
    except OSError: return False
    return True
# Looked at first: the file for the report takes the lowest number that is free.
seen = repr([is_open(d) for d in (0, 1, 2, 3)]).encode()
os.write(os.open('seen', os.O_WRONLY | os.O_CREAT | os.O_TRUNC), seen)
"""
    # Without Python's own preparations, which would open /dev/null if a stream is missing.
    for ref in ([], [published]):
        for closed in ([0], [1], [2], [3], [0, 1, 2], [0, 1, 2, 3]):
            (program.directory / "seen").unlink(missing_ok=True)
            close = " ".join(f"{d}>&-" for d in closed)
            script = f'exec "$0" exec "$@" {close}'
            subprocess.run(
                ["sh", "-c", script, str(program.binary), *ref, "--", PYTHON, "-c", source], check=True,
                env=program.environment(), cwd=program.directory, timeout=processes.LIMIT, stdin=subprocess.DEVNULL)
            # Descriptor 3 is the metrics channel whether or not the caller had one.
            expected = [d not in closed or d == 3 for d in (0, 1, 2, 3)]
            assert (program.directory / "seen").read_text() == repr(expected), f"closed {closed}, {ref}"


def test_a_message_never_lands_in_a_file_that_took_the_place_of_a_closed_stderr(program, published):
    for closed in ("2>&-", "0>&- 1>&- 2>&-"):
        script = f'exec "$0" exec {published} --report report.json -- sh -c \'echo "[]" >&3\' {closed}'
        subprocess.run(["sh", "-c", script, str(program.binary)], env=program.environment(), cwd=program.directory,
                       timeout=processes.LIMIT, check=True, stdin=subprocess.DEVNULL)
        for path in [*program.home.iterdir(), program.directory / "report.json"]:
            assert not path.is_file() or b"algo-run: metric" not in path.read_bytes(), path
    assert len(program.insights()) == 2
