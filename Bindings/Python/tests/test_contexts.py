# SPDX-License-Identifier: Apache-2.0
"""A report belongs to the request whose code makes it, and a late one to none."""

import pytest
from workers import host

METRIC = b'{"a":1}\n'


@pytest.mark.parametrize(
    "body",
    [
        "algo_run.report(a=1)",
        "algo_run.current().report({'a': 1})",
        "algo_run.current().report(a=1)",
        "run_thread(lambda: algo_run.report(a=1))",
        "run_thread(lambda: run_thread(lambda: algo_run.report(a=1)))",
        "request = algo_run.current(); run_raw(lambda: request.report(a=1))",
        "pool.submit(algo_run.report, a=1).result()",
        "list(pool.map(lambda _: algo_run.report(a=1), [0]))",
        "timer = threading.Timer(0, algo_run.report, kwargs={'a': 1}); timer.start(); timer.join()",
        "asyncio.run(reports())",
        "asyncio.run(reports_in_executor())",
        "contextvars.Context().run(algo_run.report, a=1)",
        "os.system('echo \\'{\"a\":1}\\' >&3')",
        "os.waitpid(os.fork() or (algo_run.report(a=1), os._exit(0)), 0)",
    ],
)
def test_threads_tasks_and_children_report_to_their_request(body):
    source = f"""
import asyncio, contextvars
import _thread
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
pool.submit(int).result()  # Its thread is older than all requests.
def run_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
def run_raw(function):
    done = threading.Lock()
    done.acquire()
    _thread.start_new_thread(lambda: (function(), done.release()), ())
    done.acquire()
async def reports():
    await asyncio.create_task(reports_now())
async def reports_now():
    algo_run.report(a=1)
async def reports_in_executor():
    await asyncio.get_running_loop().run_in_executor(None, lambda: algo_run.report(a=1))
def apply(input):
    {body}"""
    with host(source) as worker:
        worker.ready()
        for _ in range(3):
            answer = worker.run()
            assert (answer.verb, answer.metrics) == ("done", METRIC), answer
        assert worker.late() == b""


def test_calls_of_a_pool_that_the_first_request_imports_report_to_their_requests():
    source = """
def apply(input):
    global pool
    assert input > 1 or "concurrent.futures.thread" not in sys.modules
    from concurrent.futures import ThreadPoolExecutor
    if input == 1: pool = ThreadPoolExecutor(1)
    pool.submit(algo_run.report, a=1).result()
    pool.submit(algo_run.report, b=1).result()"""
    with host(source) as worker:
        worker.ready()
        for number in (b"1", b"2"):
            assert worker.run(number).metrics == b'{"a":1}\n{"b":1}\n'
        assert worker.late() == b""


def test_late_threads_and_children_are_never_credited_to_another_request():
    source = """
import subprocess
def apply(input):
    algo_run.report(own=input)
    go = threading.Event()
    def late():
        go.wait()
        algo_run.report(late=input)
    threading.Thread(target=late).start()
    child = subprocess.Popen(["sh", "-c", f"read go; echo '{{\\"child\\":{input}}}' >&3"], stdin=-1, pass_fds=[3])
    waiting.append((go, child))
    if len(waiting) > 1:
        earlier, child = waiting.pop(0)
        earlier.set()
        child.stdin.write(b"go\\n")
        child.stdin.close()
        child.wait()
waiting = []"""
    with host(source) as worker:
        worker.ready()
        answers = [worker.run(b"%d" % number) for number in range(1, 301)]
        assert [answer.metrics for answer in answers] == [b'{"own":%d}\n' % number for number in range(1, 301)]
        assert [worker.end_of(answer) for answer in answers[:-1]] == [b'{"child":%d}\n' % n for n in range(1, 300)]
        # Threads write in any order.
        expected = [b'\x1e%d {"late":%d}\n' % (number, number) for number in range(1, 300)]
        for line in expected:
            worker.late(until=line)
        assert sorted(worker.late().splitlines(True)) == sorted(expected)
        assert worker.printed()[1].count(b"late_report") == 1


def test_between_requests_descriptor_3_is_the_pipe_of_the_worker_and_that_of_the_request_is_closed():
    source = """
go = threading.Event()
def write():
    go.wait()
    os.write(3, b'{"raw":1}\\n')
threading.Thread(target=write).start()
def apply(input):
    request = os.fstat(3)
    def watch():
        while os.path.samestat(os.fstat(3), request): pass
        go.set()
    threading.Thread(target=watch).start()"""
    with host(source) as worker:
        worker.ready()
        answer = worker.run()
        assert worker.late(until=b"raw") == b'{"raw":1}\n'
        assert (answer.metrics, worker.end_of(answer)) == (b"", b"")


def test_a_thread_of_no_request_gets_the_remedy_and_credits_nothing():
    source = """
turn, warned = threading.Semaphore(0), threading.Semaphore(0)
def loop():
    while turn.acquire():
        algo_run.report(a=1)
        warned.release()
threading.Thread(target=loop, daemon=True).start()
def apply(input):
    turn.release()
    warned.acquire()"""
    with host(source) as worker:
        worker.ready()
        assert [worker.run().metrics for _ in range(3)] == [b""] * 3
        assert worker.late() == b'\x1e0 {"a":1}\n' * 3
        told = worker.printed()[1].decode()
        assert told.count("late_report") == 1 and "algo_run.current()" in told


def test_what_apply_sets_in_its_context_is_not_seen_by_the_next_request():
    source = """
import contextvars
seen = contextvars.ContextVar("seen", default=0)
def apply(input):
    before = seen.get()
    seen.set(input)
    return before"""
    with host(source) as worker:
        worker.ready()
        assert [worker.run(b"7").body for _ in range(2)] == [b"0", b"0"]


def test_a_report_that_is_a_mistake_fails_its_request():
    with host("def apply(input): algo_run.report(a='x')") as worker:
        worker.ready()
        assert worker.run().keys == {"type": "TypeError"}


def test_echo_prints_the_line_of_a_worker():
    with host("def apply(input): algo_run.report(a=1)", env={"ALGO_METRICS_ECHO": "1"}) as worker:
        worker.ready()
        answer = worker.run()
        assert (answer.metrics, answer.stderr) == (METRIC, METRIC)
