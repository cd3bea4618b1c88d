# SPDX-License-Identifier: Apache-2.0
"""A batch with requests that fail: retries, giving up, limits (docs/contract.md 9)."""

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import processes
from harness.batches import Batches, outcomes, parse

# Fails until it has been tried as often as its input demands; counts its attempts in a file of its own.
FLAKY = """
import os, sys
need = int(sys.stdin.read())
with open("tries-" + os.environ["ALGO_REQUEST_ID"], "a+") as file:
    file.write("x")
    file.flush()
    file.seek(0)
    tries = len(file.read())
print(tries)
os.write(3, b'{"tries": %d}\\n' % tries)
sys.exit(0 if tries >= need else 9)
"""


@pytest.fixture
def batches(program):
    return Batches(program, insights=True)


def test_a_failed_request_is_tried_again_under_one_identifier_and_publishes_one_payload(batches):
    batches.write("r.ndjson", "1\n3\n9\n")
    outcome = batches.python(
        "r.ndjson", "--retries", "2", "--retry-delay", "10ms", "--keep-order", source=FLAKY, status=1)
    results = outcome.results
    assert [result["attempts"] for result in results] == [1, 3, 3]
    assert outcomes(results) == ["succeeded", "succeeded", "failed"]
    # Of the final attempt, not of the first.
    assert [result["result"] for result in results] == [1, 3, 3]
    payloads = {payload["request_id"]: payload for payload in batches.payloads()}
    assert len(batches.payloads()) == 3
    assert [payloads[result["request_id"]]["tries"] for result in results] == [1, 3, 3]


def test_without_retries_a_request_is_tried_once(batches):
    batches.write("r.ndjson", "2\n")
    [result] = batches.python("r.ndjson", source=FLAKY, status=1).results
    assert (result["attempts"], result["outcome"]) == (1, "failed")


def test_every_attempt_reads_the_whole_input_again(batches):
    content = "y" * 500_000
    batches.write("r.ndjson", [content])
    source = """
import os, sys
text = sys.stdin.read()
print(len(text))
first = not os.path.exists("tried")
open("tried", "w")
sys.exit(first)
"""
    [result] = batches.python("r.ndjson", "--retries", "1", "--retry-delay", "1ms", source=source, status=0).results
    assert (result["attempts"], result["result"]) == (2, len(content))


def test_a_request_that_timed_out_is_tried_again(batches):
    batches.write("r.ndjson", "x\n")
    source = "import os, time\nif not os.path.exists('tried'):\n open('tried', 'w')\n time.sleep(60)"
    [result] = batches.python(
        "r.ndjson", "--timeout", "1s", "--retries", "1", "--retry-delay", "1ms", source=source, status=0).results
    assert (result["attempts"], result["outcome"]) == (2, "succeeded")


def test_a_command_that_is_not_there_is_not_tried_again(batches):
    batches.write("r.ndjson", "x\n")
    [result] = batches.run("r.ndjson", "--retries", "5", command=["/nonexistent/program"], status=1).results
    assert (result["attempts"], result["outcome"]) == (1, "failed_to_start")


def test_waiting_for_a_retry_holds_no_slot(batches):
    batches.write("r.ndjson", ["fail", *(["ok"] * 20)])
    results = batches.run(
        "r.ndjson", "--jobs", "1", "--retries", "1", "--retry-delay", "1s",
        command=["sh", "-c", 'read word; test "$word" = ok'], status=1).results
    assert [result["index"] for result in results] == [*range(1, 21), 0]


@pytest.mark.parametrize("rule, started", [("3", 3), ("100%", 20), ("15%", 3)])
def test_a_batch_gives_up_after_the_given_number_of_failures(batches, rule, started):
    batches.write("r.ndjson", ["x"] * 500)
    outcome = batches.run(
        "r.ndjson", "--jobs", "1", "--halt-after", rule, "--summary", "s.json", command=["false"], status=1)
    assert len(outcome.results) == started
    assert any("halting after" in message for message in outcome.messages)
    assert json.loads((batches.directory / "s.json").read_text())["ended_early"] == "halted"


@pytest.mark.parametrize("rule, failed", [("5", 5), ("10%", 2)])
def test_failures_that_wait_for_another_attempt_let_no_others_start_that_may_fail_too(batches, rule, failed):
    batches.write("r.ndjson", ["x"] * 500)
    outcome = batches.run(
        "r.ndjson", "--jobs", "2", "--halt-after", rule, "--retries", "2", "--retry-delay", "50ms", command=["false"],
        status=1)
    # Two run at the same time, so that one more may have failed.
    assert failed <= len(outcome.results) <= failed + 1
    assert {result["attempts"] for result in outcome.results[:failed]} == {3}


def test_when_it_gives_up_running_requests_finish(batches):
    batches.write("r.ndjson", ["slow", "fail", *["never"] * 50])
    script = 'read word; case $word in slow) sleep 0.5; echo done;; fail) exit 1;; *) sleep 60;; esac'
    outcome = batches.run("r.ndjson", "--jobs", "2", "--halt-after", "1", command=["sh", "-c", script], status=1)
    assert {result["source"]: result["result"] for result in outcome.results} == {
        "r.ndjson:1": "done\n", "r.ndjson:2": ""}


def test_a_share_is_that_of_the_finished_requests(batches):
    # One failure in ten never reaches 15 %.
    batches.write("r.ndjson", (["exit 1"] + ["exit 0"] * 9) * 10)
    outcome = batches.run("r.ndjson", "--jobs", "1", "--halt-after", "15%", command=["sh"], status=1)
    assert len(outcome.results) == 100


def test_a_limit_runs_that_number_of_requests_and_no_more(batches):
    batches.write("r.ndjson", [f"{number}" for number in range(10)])
    results = batches.run("r.ndjson", "--limit", "4", "--keep-order", status=0).results
    assert [result["index"] for result in results] == [0, 1, 2, 3]
    assert batches.run("r.ndjson", "--limit", "0", status=0).results == []


def test_an_empty_list_is_a_success(batches):
    batches.write("r.ndjson", "")
    outcome = batches.run("r.ndjson", status=0)
    assert outcome.results == []


def test_jobs_requests_run_at_the_same_time_and_never_more(batches):
    batches.write("r.ndjson", ["x"] * 30)
    # The first ones wait until there are four, which would be for ever if there were never four.
    source = """
import os, time
os.mkdir(f"running-{os.getpid()}")
running = 0
while True:
    running = len([name for name in os.listdir() if name.startswith("running-")])
    if running >= 4: open("four", "w")
    if os.path.exists("four"): break
    time.sleep(0.01)
print(running)
os.rmdir(f"running-{os.getpid()}")
"""
    results = batches.python("r.ndjson", "--jobs", "4", source=source, status=0).results
    assert max(result["result"] for result in results) == 4


# It counts the processes of a user.
@pytest.mark.alone
def test_where_the_system_has_no_more_processes_fewer_requests_run_at_a_time_and_none_fails(program):
    # The limit does not apply to root: a user without rights runs it, in a directory of his own.
    directory = Path(tempfile.mkdtemp(prefix="algo-run-processes-"))
    try:
        directory.chmod(0o777)
        binary = shutil.copy(program.binary, directory)
        # A user without other processes.
        user = 100_000 + os.getpid() if os.geteuid() == 0 else os.geteuid()
        (directory / "r.ndjson").write_text("0.02\n" * 40)

        def become():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            # algo-run, its guardian, and three children.
            limit = tasks_of(user) + 5
            resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))

        environment = {**program.environment(), "ALGO_RUN_HOME": str(directory / "home"), "TMPDIR": str(directory)}
        options = {"cwd": directory, "env": environment, "preexec_fn": become, "timeout": processes.LIMIT}
        subprocess.run([binary, "publish", "demo/nap", "--", "sh", "-c", "read t; exec sleep $t"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, **options)
        batch = [binary, "batch", "demo/nap", "r.ndjson", "--jobs", "16", "--summary", "s.json"]
        outcome = subprocess.run(batch, capture_output=True, check=False, **options)
        assert outcome.returncode == 0, outcome
        results = parse(outcome.stdout)
        assert outcomes(results) == ["succeeded"] * 40 and {result["attempts"] for result in results} == {1}
        assert json.loads((directory / "s.json").read_text())["retries"] == 0
    finally:
        shutil.rmtree(directory)


def tasks_of(user):
    """Processes and threads of a user, which is what his limit counts."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            if int(re.search(r"^Uid:\s+(\d+)", text, re.M)[1]) == user:
                count += int(re.search(r"^Threads:\s+(\d+)", text, re.M)[1])
    return count
