# SPDX-License-Identifier: Apache-2.0
"""The child gets descriptor 3 as its metrics channel and no other descriptor above 2 (docs/contract.md 4)."""

import os
import resource
import stat
import subprocess

import pytest

from harness import processes
from harness.program import PYTHON

# Open descriptors, without the one that looking itself needs.
OPEN = """
import os
def is_open(d):
    try: os.fstat(d)
    except OSError: return False
    return True
print([d for d in sorted(map(int, os.listdir('/proc/self/fd'))) if is_open(d)])
"""


@pytest.mark.parametrize("options", [[], ["--report", "report.json", "--input", "/dev/null"]])
def test_the_child_has_descriptors_0_to_3_and_no_other(program, published, options):
    assert program.python(OPEN, *options, status=0).stdout == b"[0, 1, 2, 3]\n"
    assert program.python(OPEN, *options, ref=published, status=0).stdout == b"[0, 1, 2, 3]\n"


def test_descriptors_that_the_caller_leaks_do_not_reach_the_child(program, published):
    leaked = []
    opened = os.open("/dev/null", os.O_RDONLY)
    try:
        for number in [*range(4, 21), 60, 255, 1000]:
            if number != opened:
                try:
                    os.fstat(number)
                    continue
                except OSError:
                    os.dup2(opened, number)
            leaked.append(number)
        for ref in ((), published):
            assert program.python(OPEN, ref=ref, pass_fds=leaked, status=0).stdout == b"[0, 1, 2, 3]\n"
    finally:
        for number in leaked:
            os.close(number)
    assert len(leaked) > 5


def test_a_descriptor_3_of_the_caller_is_replaced_by_the_channel_and_not_written_to(program):
    path = program.directory / "callers"
    script = 'exec "$0" exec --report report.json -- sh -c \'echo "{\\"a\\":1}" >&3\' 3>"$1"'
    subprocess.run(["sh", "-c", script, str(program.binary), str(path)], env=program.environment(),
                   cwd=program.directory, check=True, timeout=processes.LIMIT)
    assert path.read_bytes() == b""
    assert b'"a":1' in (program.directory / "report.json").read_bytes()


@pytest.mark.parametrize("closed", ["0>&-", "1>&-", "2>&-", "0>&- 1>&- 2>&-", "0>&- 1>&- 2>&- 3>&-", "0>&- 2>&- 3>&-"])
def test_metrics_arrive_whichever_of_the_callers_descriptors_are_closed(program, published, closed):
    script = f'exec "$0" exec {published} --report report.json -- sh -c \'echo "{{\\"a\\":1}}" >&3\' {closed}'
    subprocess.run(["sh", "-c", script, str(program.binary)], env=program.environment(), cwd=program.directory,
                   timeout=processes.LIMIT, check=True, stdin=subprocess.DEVNULL)
    assert b'"metrics":{"a":1}' in (program.directory / "report.json").read_bytes()
    assert len(program.insights()) == 1 and program.insights()[0].endswith(b'"a":1}')


def test_output_of_the_child_never_lands_in_the_metrics_channel(program):
    # Where stdout is closed, the next descriptor to be opened would take its number.
    script = 'exec "$0" exec --report report.json -- sh -c \'echo "{\\"stray\\":1}"; exit 0\' 1>&-'
    subprocess.run(["sh", "-c", script, str(program.binary)], env=program.environment(), cwd=program.directory,
                   timeout=processes.LIMIT, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert b"stray" not in (program.directory / "report.json").read_bytes()


def test_the_channel_is_for_writing_and_blocks_like_any_pipe(program):
    source = "import fcntl, os, sys; f = fcntl.fcntl(3, fcntl.F_GETFL); " \
             "print(os.fstat(3).st_mode, f & os.O_ACCMODE == os.O_WRONLY, f & os.O_NONBLOCK, fcntl.fcntl(3, 1))"
    mode, writable, nonblocking, flags = program.python(source, status=0).stdout.split()
    assert stat.S_ISFIFO(int(mode)) and (writable, nonblocking, flags) == (b"True", b"0", b"0")


def test_opening_the_channel_again_through_proc_works(program):
    # Java and R have no other way to write to a descriptor that they did not open.
    _, report = program.report("--", "sh", "-c", "echo '{\"a\":1}' > /proc/self/fd/3", status=0)
    assert report["metrics"] == {"a": 1}


@pytest.mark.parametrize("limit, options", [(10, []), (13, ["--input", "/dev/null", "--report", "report.json"])])
def test_an_execution_needs_hardly_any_open_files(program, published, limit, options):
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))}
    outcome = program.run("exec", published, *options, "--", PYTHON, "-c", OPEN, **limited)
    assert (outcome.status, outcome.stdout) == (0, b"[0, 1, 2, 3]\n"), outcome
    assert len(program.insights()) == 1


def test_a_limit_on_open_files_below_that_is_named(program):
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))}
    outcome = program.run("exec", "--", "true", status=125, **limited)
    [message] = outcome.messages
    assert "ulimit -n" in message
