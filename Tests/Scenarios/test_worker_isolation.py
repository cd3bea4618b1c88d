# SPDX-License-Identifier: Apache-2.0
"""`--isolate`: each request in a fork of the loaded program (docs/contract.md 11)."""

import array
import fcntl
import os
import signal
import termios

import pytest

from harness import processes
from harness.workers import Workers


@pytest.fixture
def workers(program):
    return Workers(program)


def outcomes(results):
    return [(result["outcome"], result["cause"]) for result in results]


SUCCEEDED = ("succeeded", None)


def test_the_program_loads_once_and_each_request_has_a_process_of_its_own(workers):
    workers.apply("seen.append(value); algo_run.report(n=value); return [os.getpid(), os.getpgid(0), len(seen)]",
                  "--isolate", "--no-check", before="mark('loaded'); seen = []")
    outcome = workers.batch(range(20), "--jobs", "1", status=0)
    pids = [result["result"][0] for result in outcome.results]
    assert len(set(pids)) == 20 and workers.marks("loaded") == "x"
    assert all(result["result"][1] == result["result"][0] for result in outcome.results), "a group of its own"
    assert all(result["result"][2] == 1 for result in outcome.results), "no state passes from one to the next"
    assert [result["metrics"] for result in outcome.results] == [{"n": number} for number in range(20)]


def test_a_version_that_is_not_isolated_may_be_run_isolated_and_the_reverse(workers):
    workers.apply("return os.getpid()")
    pids = [result["result"] for result in workers.batch(range(3), "--jobs", "1", "--isolate", status=0).results]
    assert len(set(pids)) == 3
    workers.apply("return os.getpid()", "--isolate")
    pids = [result["result"] for result in workers.batch(range(3), "--jobs", "1", "--no-isolate", status=0).results]
    assert len(set(pids)) == 1


def test_a_time_limit_kills_the_request_and_not_the_loaded_program(workers):
    workers.apply("algo_run.report(n=value)\nif value == 1: time.sleep(600)\nreturn value", "--isolate", "--no-check",
                  before="mark('loaded')")
    outcome = workers.batch([0, 1, 2], "--jobs", "1", "--timeout", "1s", "--grace", "50ms", status=1)
    assert outcomes(outcome.results) == [SUCCEEDED, ("timed_out", "time_limit"), SUCCEEDED]
    assert outcome.results[1]["metrics"] == {"n": 1} and workers.marks("loaded") == "x"


@pytest.mark.parametrize("body, outcome, member, value", [
    ("sys.exit(3)", "failed", "exit_code", 3),
    ("os._exit(0)", "failed", "exit_code", 1),
    ("os.kill(os.getpid(), signal.SIGKILL)", "signaled", "signal", 9),
    ("import ctypes; ctypes.string_at(0)", "signaled", "signal", 11),
])
def test_the_end_of_a_request_is_its_own_with_its_exact_status(workers, body, outcome, member, value):
    workers.apply(f"if value == 1:\n    {body}\nreturn value", "--isolate", "--no-check",
                  before="mark('loaded')")
    results = workers.batch([0, 1, 2], "--jobs", "1", status=1).results
    assert outcomes(results) == [SUCCEEDED, (outcome, "worker_exited"), SUCCEEDED]
    assert results[1][member] == value and workers.marks("loaded") == "x"


def test_memory_and_processor_time_are_those_of_the_request(workers):
    workers.apply("""
if value == 1: kept = bytearray(os.urandom(1 << 20) * 200)
if value == 2: sum(range(20_000_000))
return value
""", "--isolate")
    small, large, busy, last = workers.batch(range(4), "--jobs", "1", status=0).results
    assert large["max_rss_bytes"] > 200 << 20 > 2 * last["max_rss_bytes"]
    assert busy["cpu_user_milliseconds"] > 10 * small["cpu_user_milliseconds"]


def test_what_a_request_started_ends_with_it(workers):
    workers.apply("""
for _ in range(50):
    if os.fork() == 0: time.sleep(600)
return value
""", "--isolate")
    batch = workers.start("--jobs", "1")
    batch.ask(1)
    processes.await_until(lambda: len(workers.running()) <= 2, "the request's processes are gone")
    assert batch.end().status == 0


def test_random_numbers_differ_from_one_request_to_the_next(workers):
    workers.apply("return random.random()", "--isolate", before="import random; random.seed(1)")
    numbers = [result["result"] for result in workers.batch(range(10), "--jobs", "1", status=0).results]
    assert len(set(numbers)) == 10


def test_a_program_with_threads_is_refused_with_their_names_and_what_to_do(workers):
    outcome = workers.publish("""
import threading
threading.Thread(target=time.sleep, args=(600,), name="watcher", daemon=True).start()
algo_run.serve(lambda value: value)
""", "--isolate", status=1)
    assert b"watcher" in outcome.stderr and b"isolat" in outcome.stderr


def test_numpy_is_not_refused_for_threads_of_its_own(workers):
    # Without OPENBLAS_NUM_THREADS=1, which algo-run sets, its threads would refuse it.
    workers.apply("""
return {name: os.environ.get(name) for name in
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
""", "--isolate")
    [result] = workers.batch([1], env={"OMP_NUM_THREADS": "3"}, status=0).results
    assert result["result"] == {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "1"}


def test_a_killed_program_fails_its_request_and_is_loaded_again(workers):
    workers.apply("mark('requests', f'{os.getpid()} '); wait_for('go'); return value", "--isolate", "--no-check",
                  before="mark('loaded', f'{os.getpid()} ')")
    batch = workers.start("--jobs", "1")
    batch.send(1)
    processes.await_until(lambda: workers.marks("requests"), "the request runs")
    os.kill(int(workers.marks("loaded").split()[-1]), 9)
    workers.go()
    batch.result()
    assert outcomes([batch.ask(2)]) == [SUCCEEDED]
    assert len(workers.marks("loaded").split()) >= 2
    batch.end()


def test_no_request_survives_a_supervisor_that_is_killed(workers):
    workers.apply("mark('started'); time.sleep(600)", "--isolate")
    batch = workers.start("--jobs", "2")
    batch.send(1)
    batch.send(2)
    processes.await_until(lambda: len(workers.marks("started")) == 2, "both requests run")
    batch.process.kill()
    batch.process.wait()
    assert processes.await_none(workers.program.marker) == []
    batch.process.stdin.close()


def test_a_request_does_not_begin_under_a_supervisor_that_was_killed_before_it_watched_its_process(workers):
    workers.apply("if value == 'loaded': return os.getpid()\n"
                  "mark('started'); subprocess.Popen(['sleep', '600']); time.sleep(600)", "--isolate", "--no-check",
                  before="import subprocess; mark('loaded', str(os.getpid()))")
    batch = workers.start("--jobs", "1")
    batch.ask("loaded")
    loaded = int(workers.marks("loaded"))
    processes.suspend(loaded)
    batch.send(1)
    processes.await_until(lambda: unread(loaded, 4), "the request is in its pipe")
    processes.suspend(batch.process.pid)
    os.kill(loaded, signal.SIGCONT)

    def forks():
        return [process for process in workers.running() if process.parent == batch.process.pid and process.pid != loaded]

    processes.await_until(forks, "its process is forked and belongs to the supervisor")
    batch.process.kill()
    batch.process.wait()
    assert processes.await_none(workers.program.marker) == []
    assert workers.marks("started") == ""
    batch.process.stdin.close()


def unread(pid, descriptor):
    """Bytes in a pipe of another process."""
    size = array.array("i", [0])
    reader = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.ioctl(reader, termios.FIONREAD, size)
    os.close(reader)
    return size[0]
