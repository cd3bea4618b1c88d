# SPDX-License-Identifier: Apache-2.0
"""isolation="process": the program loads once, and each request runs in a fork of it."""

import os
import signal

import pytest
from workers import host

ISOLATE = {"ALGO_WORKER_ISOLATION": "process"}


def isolating(source, env=None):
    return host(source, env={**ISOLATE, **(env or {})})


def answered(worker, *arguments):
    answer = worker.run(*arguments)
    return answer, worker.reap(answer.pid)


def test_each_request_has_a_process_whose_parent_is_the_supervisor_and_a_group_of_its_own():
    source = "def apply(input): return [os.getpid(), os.getppid(), os.getpgrp()]"
    with isolating(source) as worker:
        assert worker.ready()["isolation"] == "process"
        for _ in range(3):
            answer, status = answered(worker)
            assert answer.body.decode() == f"[{answer.pid},{os.getpid()},{answer.pid}]" and status == 0
        assert worker.close() == 0


def test_apply_is_not_called_before_the_supervisor_is_the_parent():
    source = """
fork = os.fork
def fork_late():
    child = fork()
    if child: time.sleep(0.2)  # The process in between takes its time.
    return child
os.fork = fork_late
def apply(input): return os.getppid()"""
    with isolating(source) as worker:
        worker.ready()
        assert answered(worker)[0].body == b"%d" % os.getpid()


def test_it_works_as_well_where_memory_cannot_be_shared_with_the_process_in_between():
    source = """
import algo_run._orphan
algo_run._orphan._STACK_POINTERS.clear()
def apply(input): return [os.getpid(), os.getppid()]"""
    with isolating(source) as worker:
        worker.ready()
        for _ in range(2):
            answer, status = answered(worker)
            assert answer.body == b"[%d,%d]" % (answer.pid, os.getpid()) and status == 0


def test_apply_has_the_stack_of_the_program():
    source = """
import resource
def depth(number): return 0 if number == 0 else 1 + max(map(depth, [number - 1]))  # Each level takes stack of C.
def apply(input):
    sys.setrecursionlimit(100_000)
    return depth(input)"""
    with isolating(source) as worker:
        worker.ready()
        assert answered(worker, b"5000")[0].body == b"5000"


def test_a_fork_in_apply_has_no_thread_but_its_own():
    source = """
def apply(input):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    child = os.fork()
    if child == 0: os._exit(threading.active_count())
    return [threading.active_count(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]"""
    with isolating(source) as worker:
        worker.ready()
        assert answered(worker)[0].body == b"[2,1]"


def test_the_program_may_ask_for_it_itself():
    with host('def apply(input): return 1\nalgo_run.serve(apply, isolation="process")') as worker:
        assert worker.ready()["isolation"] == "process"
        assert answered(worker)[0].body == b"1"


def test_no_state_passes_from_a_request_to_the_next():
    source = "seen = []\ndef apply(input):\n  seen.append(input)\n  algo_run.report(seen=len(seen))\n  return seen"
    with isolating(source) as worker:
        worker.ready()
        for number in (b"1", b"2"):
            answer, _ = answered(worker, number)
            assert (answer.body, answer.metrics) == (b"[%s]" % number, b'{"seen":1}\n')


@pytest.mark.parametrize(
    "end, status",
    [("sys.exit(3)", 3 << 8), ("os._exit(4)", 4 << 8), ("os.kill(os.getpid(), 11)", 11), ("os.kill(os.getpid(), 2)", 2)],
)
def test_a_request_that_ends_its_process_leaves_the_loaded_program(end, status):
    source = f"""
import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def apply(input):
    if input == 1:
        print("pid", os.getpid(), flush=True)
        {end}
    return input"""
    with isolating(source) as worker:
        worker.ready()
        worker.send(b"1")
        pid = int(worker.printed(until=b"\n")[0].split()[1])
        assert worker.reap(pid) == status
        worker._frame()  # Its `forked`.
        assert answered(worker, b"2")[0].body == b"2"


def test_an_exception_fails_one_request():
    with isolating("def apply(input): raise ValueError('no cats')") as worker:
        worker.ready()
        answer, status = answered(worker)
        assert (answer.verb, answer.keys, status) == ("fail", {"type": "ValueError"}, 0)


def test_a_killed_group_takes_what_the_request_started():
    source = """
import subprocess
def apply(input):
    child = subprocess.Popen(["sleep", "600"])
    print("pids", os.getpid(), child.pid, flush=True)
    time.sleep(600)  # And not in wait(), which might reap it first."""
    with isolating(source) as worker:
        worker.ready()
        worker.send()
        pid, child = map(int, worker.printed(until=b"\n")[0].split()[1:])
        os.killpg(pid, signal.SIGKILL)
        assert worker.reap(pid) == signal.SIGKILL
        assert worker.reap(child) == signal.SIGKILL
        assert worker.process.poll() is None


def test_random_numbers_differ_between_requests():
    source = "import random, numpy\ndef apply(input): return [random.random(), float(numpy.random.random())]"
    with isolating(source, env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}) as worker:
        worker.ready()
        drawn = {text for _ in range(4) for text in answered(worker)[0].body.decode().strip("[]").split(",")}
        assert len(drawn) == 8


def test_a_program_with_a_thread_is_refused_with_its_name_and_the_remedy():
    source = "threading.Thread(target=time.sleep, args=(600,), name='poller', daemon=True).start()\ndef apply(input): pass"
    with isolating(source) as worker:
        assert worker.wait() == 1
        told = worker.printed()[1].decode()
        assert 'thread "poller"' in told and "OMP_NUM_THREADS=1" in told and told.count("\n") == 1


def test_threads_of_a_library_are_counted():
    source = """
import _thread
_thread.start_new_thread(time.sleep, (600,))
def apply(input): pass"""
    with isolating(source) as worker:
        assert worker.wait() == 1
        assert "1 native thread of a library" in worker.printed()[1].decode()


def test_garbage_is_frozen_before_the_first_fork():
    with isolating("import gc\ndef apply(input): return gc.get_freeze_count() > 1000") as worker:
        worker.ready()
        assert answered(worker)[0].body == b"true"


def test_output_buffered_before_ready_is_printed_once():
    with isolating("sys.stdout.write('loaded\\n')\ndef apply(input): print('one')") as worker:
        worker.ready()
        assert answered(worker)[0].stdout == b"one\n"
        assert worker.printed()[0] == b"loaded\none\n"


FIRST_FORK = """
import ctypes
def refuse(*_):
    ctypes.set_errno(11)
    return -1
class Library(ctypes.PyDLL):
    def __getattribute__(self, name):
        return refuse if name == "clone" else super().__getattribute__(name)
ctypes.PyDLL = Library"""

SECOND_FORK = """
def refuse(): raise BlockingIOError(11, "Resource temporarily unavailable")
os.fork = refuse"""


@pytest.mark.parametrize("refused, kind", [(FIRST_FORK, "BlockingIOError"), (SECOND_FORK, "OSError")])
def test_a_fork_that_fails_is_the_answer(refused, kind):
    source = "def apply(input): pass" + refused
    with isolating(source) as worker:
        worker.ready()
        answer = worker.run()
        assert (answer.verb, answer.keys, answer.pid) == ("fail", {"type": kind}, None)
