# SPDX-License-Identifier: Apache-2.0
"""The process that guards the children is a help, and never a danger to them."""

import os
import resource
import shutil
import signal
import subprocess

import pytest

from harness import processes
from harness.batches import Batches


def test_children_started_after_the_guardian_was_killed_run_as_before(program):
    batches = Batches(program)
    requests = batches.write("two.ndjson", ["1", "2", "3"])
    go_on = batches.directory / "go-on"
    running = batches.start(
        requests, "--jobs", "1", "--progress", "none",
        command=["sh", "-c", f"echo x >> ran; until [ -e {go_on} ]; do sleep 0.01; done"])
    ran = batches.directory / "ran"
    processes.await_until(ran.exists, "the first request runs")
    # It takes its name as soon as it runs, which may be after the first request does.
    [guardian] = processes.await_until(
        lambda: [process for process in processes.marked(program.marker) if process.name == "algo-run-guard"],
        "the guardian has its name")
    os.kill(guardian.pid, signal.SIGKILL)
    go_on.touch()
    outcome = program.finish(running)
    assert outcome.status == 0, repr(outcome)
    assert ran.read_text() == "x\n" * 3


@pytest.mark.slow
def test_more_groups_than_fit_into_two_thousand_are_killed_with_algo_run(program):
    count = 2100
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = count * 7 + 200
    if hard < files and os.getuid() != 0:
        pytest.skip(f"needs {files} open files (ulimit -Hn)")
    # A child that takes back its death with its parent, as a setuid program does unasked: only the guardian reaches it.
    (program.directory / "stays.c").write_text("""
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void) {
  prctl(PR_SET_PDEATHSIG, 0);
  return write(open("started", O_WRONLY | O_CREAT | O_APPEND, 0600), "x", 1) == 1 && pause();
}
""")
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    subprocess.run([compiler, "-static-libgcc", "-o", program.directory / "stays", program.directory / "stays.c"], check=True)
    batches = Batches(program)
    requests = batches.write("many.ndjson", [str(number) for number in range(count)])
    running = batches.start(
        requests, "--jobs", str(count), "--progress", "none", command=["./stays"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, hard))))
    started = program.directory / "started"
    processes.await_until(lambda: started.exists() and started.stat().st_size == count, "all run")
    running.kill()
    running.wait()
    assert processes.await_none(program.marker) == []
