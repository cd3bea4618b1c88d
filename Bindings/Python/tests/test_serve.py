# SPDX-License-Identifier: Apache-2.0
"""A worker answers many requests; each has its own metrics, and an exception fails one request alone."""

import json
import os
import signal

import pytest
from algo_run import _value
from workers import cold, host

ECHO = "def apply(input): return input"


def test_ready_names_the_language_the_version_and_how_descriptors_come():
    with host(ECHO) as worker:
        ready = worker.ready()
        assert ready["language"].startswith("python/3.") and ready["descriptors"] == "socket" and ready["version"] == 1
        assert worker.close() == 0


def test_nothing_is_answered_before_the_program_is_loaded_and_its_output_is_printed():
    with host("print('loaded')\n" + ECHO) as worker:
        worker.ready()
        assert worker.printed()[0] == b"loaded\n"


INPUTS = [
    (b'{"a":[1,null]}', None, "{'a': [1, None]}"),
    (b' "text" ', None, "'text'"),
    (b"NaN", None, "'NaN'"),
    (b"[1", None, "'[1'"),
    (b"", None, "''"),
    ("é".encode(), None, "'é'"),
    (b"\xff", None, r"b'\xff'"),
    (b"[" * 5000, None, repr("[" * 5000)),
    (b"12", "application/json", "12"),
    (b"12", "text/plain; charset=utf-8", "'12'"),
    (b"12", "application/octet-stream", "b'12'"),
    (b"12", "application/problem+json", "12"),
]


@pytest.mark.parametrize("data, kind, value", INPUTS, ids=range(len(INPUTS)))
def test_an_input_is_json_text_or_bytes(data, kind, value):
    with host("def apply(input): return ascii(input)") as worker:
        worker.ready()
        answer = worker.run(data, **({"type": kind} if kind else {}))
        assert answer.body.decode() == ascii(eval(value))
    if kind is None:
        assert cold("def apply(input): return ascii(input)", data).stdout.decode() == ascii(eval(value))


RESULTS = [
    ("'text'", b"text", "text/plain"),
    ("b'\\xff'", b"\xff", "application/octet-stream"),
    ("bytearray(b'ab')", b"ab", "application/octet-stream"),
    ("{'a': 1.5, 'b': [None, True]}", b'{"a":1.5,"b":[null,true]}', "application/json"),
    ("None", b"null", "application/json"),
    ("__import__('numpy').float32(0.5)", b"0.5", "application/json"),
    ("{'n': __import__('numpy').arange(3)}", b'{"n":[0,1,2]}', "application/json"),
]


@pytest.mark.parametrize("result, body, kind", RESULTS, ids=[result for result, _, _ in RESULTS])
def test_a_result_is_json_text_or_bytes(result, body, kind):
    source = f"def apply(input): return {result}"
    with host(source) as worker:
        worker.ready()
        answer = worker.run()
        assert (answer.verb, answer.body, answer.keys) == ("done", body, {"type": kind})
    assert cold(source).stdout == body


@pytest.mark.parametrize(
    "result, kind, message",
    [("object()", "TypeError", b"the result holds a value of type object"), ("[float('nan')]", "ValueError", b"the result holds NaN")],
)
def test_a_result_that_is_not_json_fails_its_request_with_the_remedy(result, kind, message):
    source = f"def apply(input): return {result}"
    with host(source) as worker:
        worker.ready()
        answer = worker.run()
        assert (answer.verb, answer.keys) == ("fail", {"type": kind}) and answer.body.startswith(message)
        assert b"; return " in answer.body.splitlines()[0]
    assert message in cold(source, status=1).stderr


def holds_itself():
    value = {}
    value["self"] = [value]
    return value


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [None, 2.5, {"a": 1, "é\ud800": [True, (2, 3)]}, {1: 2, None: 3, True: 4}, [float("inf")], object(), {(1, 2): 3}, [1.5] * 1000,
     holds_itself(), deep()],
    ids=range(10),
)  # fmt: skip
def test_a_result_is_what_the_json_module_makes_of_it(value, monkeypatch):
    """Its fast encoder is used directly: results and errors are those of the documented way."""

    def outcome():
        try:
            return _value.encoded(value)
        except Exception as error:
            return type(error), str(error)

    assert _value._pieces is not None
    direct = outcome()
    monkeypatch.setattr(_value, "_pieces", None)
    assert direct == outcome()


def test_an_exception_fails_one_request_with_its_traceback_and_the_worker_continues():
    source = """
def apply(input):
    algo_run.report(seen=1)
    if input == 'bad': raise KeyError('no cats')
    return input"""
    with host(source) as worker:
        worker.ready()
        answer = worker.run(b"bad")
        assert (answer.verb, answer.keys, answer.metrics) == ("fail", {"type": "KeyError"}, b'{"seen":1}\n')
        message, first, *_, last = answer.body.decode().splitlines()
        assert (message, first, last) == ("'no cats'", "Traceback (most recent call last):", "KeyError: 'no cats'")
        assert "_worker.py" not in answer.body.decode()
        assert worker.run(b"good").body == b"good"
        assert worker.close() == 0


@pytest.mark.parametrize(
    "error, kind",
    [
        ("type('E', (Exception,), {'error_type': 'NoCats'})('x')", "NoCats"),
        ("type('E', (Exception,), {'__str__': lambda self: 1 / 0})()", "E"),
        ("__import__('asyncio').CancelledError()", "CancelledError"),
        ("RecursionError('\\ud800')", "RecursionError"),
    ],
)
def test_exceptions_of_all_kinds_fail_one_request(error, kind):
    with host(f"def apply(input):\n  if input == 1: raise {error}\n  return input") as worker:
        worker.ready()
        assert worker.run(b"1").keys == {"type": kind}
        assert worker.run(b"2").body == b"2"


def test_exit_in_apply_ends_the_worker_with_that_status_and_keeps_its_metrics():
    with host("def apply(input):\n  algo_run.report(a=1)\n  sys.exit(3)") as worker:
        worker.ready()
        worker.send()
        assert worker.wait() == 3
        assert os.read(worker._held[1], 100) == b'{"a":1}\n'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_in_a_request_as_it_ends_any_program(number):
    with host("def apply(input):\n  print('asleep', flush=True)\n  time.sleep(600)") as worker:
        worker.ready()
        worker.send()
        worker.printed(until=b"asleep")
        os.kill(worker.process.pid, number)
        assert worker.wait() == -number


def test_output_is_printed_before_the_answer():
    with host("def apply(input):\n  print(input)\n  print('problem', file=sys.stderr)") as worker:
        worker.ready()
        for number in range(20):
            answer = worker.run(b"%d" % number)
            assert (answer.stdout, answer.stderr) == (b"%d\n" % number, b"problem\n")


def test_large_inputs_and_results_pass_whole():
    data = os.urandom(5_000_000)
    with host(ECHO) as worker:
        worker.ready()
        assert worker.run(data, type="application/octet-stream").body == data


def test_current_knows_the_request():
    source = """
def apply(input):
    request = algo_run.current()
    left = request.deadline and 0 < request.deadline - time.monotonic() <= 60
    return [request.id, request.reference, left, request.traceparent]
assert algo_run.current() is None"""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with host(source) as worker:
        worker.ready()
        first = worker.run(id="req é", timeout=60_000, traceparent=trace)
        assert json.loads(first.body) == ["req é", "alice/cats/1.2.3", True, trace]
        assert json.loads(worker.run(id="r2").body) == ["r2", "alice/cats/1.2.3", None, None]
    given = {"ALGO_REQUEST_ID": "r3", "ALGO_OWNER": "o", "ALGO_NAME": "n", "ALGO_VERSION": "1.0.0", "TRACEPARENT": trace}
    assert json.loads(cold(source, env=given).stdout) == ["r3", "o/n/1.0.0", None, trace]


def test_the_worker_hides_its_protocol_from_what_apply_starts():
    source = """
import subprocess
def apply(input):
    look = 'import os; print("ALGO_WORKER" in os.environ, [n for n in "456" if os.path.exists("/proc/self/fd/" + n)])'
    return subprocess.run([sys.executable, "-c", look], close_fds=False, stdout=subprocess.PIPE, text=True).stdout"""
    with host(source) as worker:
        worker.ready()
        assert worker.run().body.startswith(b"False []")


def test_a_program_that_has_the_offer_without_its_pipes_runs_cold():
    assert cold(ECHO, b"12", env={"ALGO_WORKER": "1:4:5:6"}).stdout == b"12"


def test_an_offer_that_cannot_be_taken_is_one_clear_sentence():
    ended = cold(ECHO, env={"ALGO_WORKER": "0:4:5:6"}, status=1)
    assert ended.stderr.count(b"\n") == 1 and b"offers version 0" in ended.stderr and b"update" in ended.stderr
    with host(ECHO, offer="7") as worker:
        assert worker.ready()["version"] == 1


def test_malformed_requests_end_the_worker_with_one_clear_sentence():
    with host(ECHO) as worker:
        worker.ready()
        os.write(worker._requests, b"walk 1 0\n")
        assert worker.wait() == 1
        assert b"walk 1 0" in worker.printed()[1] and worker.printed()[1].count(b"\n") == 1


def test_cold_an_exception_is_a_traceback_and_status_1():
    ended = cold("def apply(input): raise ValueError('no cats')", status=1)
    assert ended.stdout == b"" and ended.stderr.endswith(b"ValueError: no cats\n")


def test_an_unknown_isolation_is_refused():
    assert b'write isolation="process"' in cold(ECHO, env={"ALGO_WORKER_ISOLATION": "jail"}, status=1).stderr


def test_a_worker_keeps_no_descriptor_of_a_request():
    with host("def apply(input): return len(os.listdir('/proc/self/fd'))") as worker:
        worker.ready()
        assert len({worker.run().body for _ in range(300)}) == 1
