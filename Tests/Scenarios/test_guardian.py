"""The process that guards the children is a help, and never a danger to them."""

import os
import signal

from harness import processes
from harness.batches import Batches


def test_children_started_after_somebody_killed_the_guardian_run_as_ever(program):
    batches = Batches(program)
    requests = batches.write("two.ndjson", ["1", "2", "3"])
    go_on = batches.directory / "go-on"
    running = batches.start(
        requests, "--jobs", "1", "--progress", "none",
        command=["sh", "-c", f"echo x >> ran; until [ -e {go_on} ]; do sleep 0.01; done"])
    ran = batches.directory / "ran"
    processes.await_until(ran.exists, "the first request runs")
    guardians = [process for process in processes.marked(program.marker) if process.name == "algo-run-guard"]
    assert len(guardians) == 1
    os.kill(guardians[0].pid, signal.SIGKILL)
    go_on.touch()
    outcome = program.finish(running)
    assert outcome.status == 0, repr(outcome)
    assert ran.read_text() == "x\n" * 3
