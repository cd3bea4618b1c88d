# SPDX-License-Identifier: Apache-2.0
"""How the program starts: its command line reaches it under every circumstance, and it loads nothing it does not need."""

import os
import re
import shutil
import subprocess

import pytest

from harness import processes
from harness.mounts import mounted


def test_without_proc_the_command_line_is_known_and_the_algorithm_runs(program):
    hidden = 'mount -t tmpfs tmpfs /proc && "$A" exec -- sh -c \'echo "$0"; exit 3\' word; status=$?; "$A" --version; exit $status'
    status, shown, _ = mounted(program, hidden)
    assert status == 3
    assert re.fullmatch(r"word\n(algo-run )?[0-9.]+.*\n", shown, re.DOTALL)


def test_under_a_library_that_changes_the_environment_the_algorithm_runs(program):
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    (program.directory / "early.c").write_text("""
#include <stdlib.h>
/* As libfaketime does: a variable set before main moves the environment away from the stack. */
__attribute__((constructor)) static void change(void) { setenv("SET_EARLY", "yes", 1); }
""")
    library = program.directory / "early.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, program.directory / "early.c"], check=True)
    outcome = program.run("exec", "--", "sh", "-c", "echo $0 $SET_EARLY; exit 3", "word", env={"LD_PRELOAD": str(library)})
    assert (outcome.status, outcome.stdout) == (3, b"word yes\n"), outcome


def test_a_caller_that_passes_no_command_line_gets_125_and_one_sentence(program):
    # No arguments at all become one that is empty (Linux 5.18).
    finished = subprocess.run(["bash", "-c", 'exec -a "" "$0"', program.binary], check=False, capture_output=True,
                              env=program.environment(), timeout=processes.LIMIT)
    assert (finished.returncode, finished.stdout) == (125, b"")
    assert finished.stderr.count(b"\n") == 1 and b"command line" in finished.stderr


def test_the_program_needs_no_library_beyond_libc_and_libm_and_looks_for_none_beside_itself(program):
    shown = subprocess.run(["readelf", "--dynamic", "--wide", program.binary], check=True, capture_output=True,
                           env={**os.environ, "LC_ALL": "C"}).stdout.decode()
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", shown))
    assert {"libc.so.6"} <= needed <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
    assert "RUNPATH" not in shown and "RPATH" not in shown


def test_a_short_execution_looks_neither_at_its_memory_map_nor_at_the_terminal(program):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    trace = program.directory / "trace"
    finished = subprocess.run(
        ["strace", "-f", "-o", trace, "-e", "trace=open,openat", program.binary, "exec", "--", "true"], check=False,
        env=program.environment(), capture_output=True)
    assert finished.returncode == 0, finished.stderr
    opened = re.findall(r'"([^"]*)"', trace.read_text())
    assert not [path for path in opened if path.startswith(("/dev/tty", "/proc/self", "/sys/"))], opened
