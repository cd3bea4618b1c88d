# SPDX-License-Identifier: Apache-2.0
"""The worker of Tests/bindings/test_workers.py: an input is a word that asks for something, or is counted."""

import queue
import subprocess
import sys
import threading
import time

import algo_run

kept = None
# The thread, with the event that lets it report, and the child of the request before.
previous = None
calls, returned = queue.SimpleQueue(), queue.SimpleQueue()


def call_of_no_request():
    """A thread that is older than all requests, and that no pool of ours gives a context."""
    while True:
        calls.get()()
        returned.put(None)


def in_thread_of_no_request(function):
    calls.put(function)
    returned.get()


def isolated(number):
    """Reports in every way, and has the thread and the child of the request before report now."""
    global previous
    algo_run.report(now=number)
    on_time = threading.Thread(target=algo_run.report, kwargs={"thread": number})
    on_time.start()
    on_time.join()
    request = algo_run.current()
    in_thread_of_no_request(lambda: request.report(handle=number))
    in_thread_of_no_request(lambda: algo_run.report(late_pool=number))
    if previous is not None:
        may_report, thread, child = previous
        may_report.set()
        thread.join()
        child.communicate()
    may_report = threading.Event()
    late = threading.Thread(target=lambda: (may_report.wait(), algo_run.report(late_thread=number)), daemon=True)
    late.start()
    command = ["sh", "-c", f"read line; echo '{{\"late_child\":{number}}}' >&3"]
    previous = may_report, late, subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[3])


def apply(word):
    global kept
    verb, _, rest = word.partition(" ")
    if verb == "fail":
        raise ValueError("no cats\nat all")
    elif verb == "print":
        print("printed")
    elif verb == "leave":
        sys.exit(3)
    elif verb == "current":
        request = algo_run.current()
        left = request.deadline and request.deadline - time.monotonic()
        end = "none" if left is None else "soon" if 0 < left <= 90 else "wrong"
        return f"{request.id} {request.reference} {end} {request.traceparent}"
    elif verb == "keep":
        kept = algo_run.current()
    elif verb == "late":
        kept.report(late=1)
    elif verb == "isolated":
        return isolated(int(rest))
    algo_run.report(letters=len(word))
    return f"<{word}>"


threading.Thread(target=call_of_no_request, daemon=True).start()
algo_run.serve(apply)
