# SPDX-License-Identifier: Apache-2.0
"""A metric is credited to the request that reported it, or to none (docs/contract.md 11)."""

import json
import re

import pytest

from harness import processes
from harness.batches import descriptors, peak_memory
from harness.workers import Workers

# Each request reports its own number immediately, and leaves a thread and a grandchild that report it again, late: past the
# answer, while the next requests run. The grandchild knows nothing of the binding.
LATE = """
import subprocess, threading
def late(value):
    time.sleep(0.0015)
    algo_run.report(late_thread=value)
def apply(value):
    algo_run.report(own=value)
    if value % EVERY == 0:
        threading.Thread(target=late, args=(value,), daemon=True).start()
        if os.fork() == 0:
            time.sleep(0.0015)
            os.write(3, b'{"late_child": %d}\\n' % value)
            os._exit(0)
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0: break
        except ChildProcessError: break
    return value
algo_run.serve(apply)
"""

@pytest.fixture
def workers(program):
    return Workers(program)


def wrong(results):
    """The metrics that were credited to another request than the one that reported them."""
    return [(result["result"], result["metrics"]) for result in results
            if any(value != result["result"] for value in result["metrics"].values())]


def run(workers, source, count, every, *options, insights=False):
    workers.publish(source.replace("EVERY", str(every)), "--no-check", *(["--insights"] if insights else []), status=0)
    path = workers.directory / "summary.json"
    outcome = workers.batch(range(count), "--jobs", "4", "--summary", path, *options, status=0, limit=300)
    return outcome, json.loads(path.read_text())


def late_count(outcome):
    lines = [message for message in outcome.messages if "late" in message]
    assert len(lines) >= 1, outcome
    return int(re.search(r"[\d,]+", lines[-1])[0].replace(",", ""))


def check(outcome, summary, count):
    results = outcome.results
    assert len(results) == count and {result["outcome"] for result in results} == {"succeeded"}
    assert wrong(results) == [], "metrics credited to a wrong request"
    assert all(result["metrics"]["own"] == result["result"] for result in results), "a metric was lost"
    assert summary["late_metrics"] == late_count(outcome) > 0


def test_late_metrics_of_threads_and_grandchildren_are_credited_to_no_request_and_counted(workers):
    check(*run(workers, LATE, 300, 1), 300)


@pytest.mark.slow
def test_of_10000_requests_whose_threads_and_grandchildren_report_late_none_is_credited_wrongly(workers):
    outcome, summary = run(workers, LATE, 10_000, 1, insights=True)
    check(outcome, summary, 10_000)
    payloads = [json.loads(line) for line in workers.program.insights()]
    assert len(payloads) == 10_000 and all(
        payload.get("late_child", payload["own"]) == payload["own"] for payload in payloads)


@pytest.mark.slow
def test_the_same_experiment_finds_wrong_credit_in_a_worker_with_one_channel_for_all_requests(workers):
    # The negative control: this binding keeps the first request's descriptor and writes every request's lines there by
    # the supervisor's rule for shared channels, framed with the number of the request that runs.
    outcome, _ = run(workers, """
number = 0
import threading
permanent = os.dup(3)
def shared(line): os.write(permanent, b"\\x1e%d " % number + line)
def late(value):
    time.sleep(0.0015)
    shared(b'{"late_thread": %d}\\n' % value)
def apply(value):
    global number
    number += 1
    shared(b'{"own": %d}\\n' % value)
    threading.Thread(target=late, args=(value,), daemon=True).start()
    return value
algo_run.serve(apply)
""", 2000, 1)
    assert wrong(outcome.results), "the experiment cannot distinguish a shared channel from one for each request"


def test_a_report_by_the_handle_of_a_request_counts_from_any_thread_while_it_runs(workers):
    workers.apply("""
import threading
request = algo_run.current()
thread = threading.Thread(target=lambda: request.report(by_thread=value))
thread.start(); thread.join()
return value
""")
    outcome = workers.batch(range(50), "--jobs", "2", status=0)
    assert all(result["metrics"] == {"by_thread": result["result"]} for result in outcome.results)


def test_a_child_of_a_request_reports_on_descriptor_3_as_under_a_process(workers):
    workers.apply("""
import subprocess
subprocess.run(["sh", "-c", "echo '{\\"child\\": '$0'}' >&$ALGO_METRICS_FD", str(value)], pass_fds=[3], check=True)
return value
""")
    outcome = workers.batch(range(20), "--jobs", "2", status=0)
    assert all(result["metrics"] == {"child": result["result"]} for result in outcome.results)


def test_a_late_writer_is_not_ended_by_a_closed_pipe(workers):
    # A shell gets SIGPIPE if the channel is closed immediately; telemetry does no harm.
    workers.apply("""
import subprocess
subprocess.Popen(["sh", "-c", "until [ -e go ]; do sleep 0.01; done; echo '{\\"late\\": 1}' >&3 && touch wrote"],
                 pass_fds=[3], start_new_session=True)
return value
""")
    batch = workers.start("--jobs", "1")
    batch.ask(1)
    batch.ask(2)
    workers.go()
    processes.await_until((workers.directory / "wrote").exists, "the late writer goes on")
    assert batch.end().status == 0


def test_late_lines_are_reported_while_a_batch_runs_and_in_all_at_its_end(workers):
    workers.apply("""
if os.fork() == 0:
    wait_for("go")
    os.write(3, b'{"late": 1}\\n')
    mark("wrote")
    os._exit(0)
return value
""")
    batch = workers.start("--jobs", "1")
    batch.ask(1)
    batch.ask(2)
    workers.go()
    assert "late" in processes.read_line(batch.process.stderr.fileno())
    processes.await_until(lambda: len(workers.marks("wrote")) == 2, "both children have reported")
    assert late_count(batch.end()) == 2


def test_rejections_are_those_of_a_process(workers):
    source = "import os; os.write(3, b'{\"a\": 1, \"b\": \"x\", \"timestamp\": 2}\\n')"
    workers.apply(source + "; return 1")
    _, warm = workers.report(status=0)
    _, cold = workers.program.report("--", "python3", "-c", source, status=0)
    assert warm["rejected_metrics"] == cold["rejected_metrics"] != []
    assert warm["metrics"] == cold["metrics"]


@pytest.mark.slow
@pytest.mark.soak
def test_memory_descriptors_and_processes_do_not_grow_with_the_number_of_requests(workers, request):
    count = request.config.getoption("requests")
    workers.publish("algo_run.serve(lambda value: algo_run.report(n=1))\n", "--no-check", "--insights", status=0)
    path = workers.directory / "requests.ndjson"
    path.write_text("1\n" * count)
    output = workers.directory / "out.ndjson"
    running = workers.program.start(
        "batch", workers.ref, path, "--jobs", "2", "--output", output, "--progress", "none")

    def figures(done):
        processes.await_until(lambda: output.exists() and output.stat().st_size > done * 200, "results", 7200)
        return [(descriptors(pid), peak_memory(pid)) for pid in
                (running.pid, *sorted(process.pid for process in workers.running()))]

    early, late = figures(count // 10), figures(count // 10 * 9)
    assert workers.program.finish(running, limit=3600).status == 0
    assert len(late) == len(early) == 3
    print("descriptors and peak memory of algo-run and its workers after a tenth and nine tenths:", early, late)
    for (files, memory), (later_files, later_memory) in zip(early, late):
        assert later_files <= files + 8 and later_memory <= memory * 1.2 + 4096, (early, late)
    with open(output, "rb") as results:
        assert sum(b'"outcome":"succeeded"' in line for line in results) == count
