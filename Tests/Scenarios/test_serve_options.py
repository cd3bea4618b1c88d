# SPDX-License-Identifier: Apache-2.0
"""Options of `serve`, and headers that go from a caller to the execution and its payload (docs/serve.md)."""

import json
import resource
import signal
import socket
import sqlite3

import pytest

from harness import processes
from harness.outboxes import connect
from harness.program import PYTHON
from harness.server import Server

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SHOWS_TRACE = """
import json, os
print(json.dumps([os.environ.get('TRACEPARENT'), os.environ.get('TRACESTATE'), os.environ['ALGO_REQUEST_ID']]))
"""


def publish(program, source, *options):
    program.run("publish", "o/n", *options, "--directory", program.directory, "--", PYTHON, "-c", source, status=0)


def sends_headers(program, **headers):
    """The execution's own trace, and the headers of its payload, for a call with these headers."""
    with Server(program) as server:
        shown = server.call("o/n", **headers)["result"]
    with sqlite3.connect(program.home / "outbox.db") as outbox:
        [(record,)] = outbox.execute("SELECT headers FROM payload").fetchall()
    words, texts = record, []
    while words:
        count = int.from_bytes(words[:4], "little")
        texts.append(words[4:4 + count].decode())
        words = words[4 + count:]
    return shown, dict(zip(texts[::2], texts[1::2]))


@pytest.fixture
def waiting(program, unreachable):
    """Payloads stay in the outbox, where their headers can be seen."""
    connect(program, unreachable)
    publish(program, SHOWS_TRACE, "--insights")


def test_a_trace_of_the_caller_goes_to_the_execution_and_the_payload_with_a_step_of_its_own(program, waiting):
    shown, headers = sends_headers(program, traceparent=PARENT, tracestate="vendor=a,other=b")
    version, trace, step, flags = shown[0].split("-")
    assert (version, trace, flags) == tuple(PARENT.split("-")[i] for i in (0, 1, 3))
    assert step != PARENT.split("-")[2] and len(step) == 16 and int(step, 16)
    assert shown[1] == headers["tracestate"] == "vendor=a,other=b"
    assert headers["traceparent"] == shown[0]


@pytest.mark.parametrize("given", [
    {}, {"traceparent": PARENT[:-1]}, {"traceparent": PARENT.upper()}, {"traceparent": "ff" + PARENT[2:]},
    {"traceparent": "00-" + "0" * 32 + PARENT[35:]}, {"tracestate": "vendor=a"}])
def test_without_a_valid_trace_there_is_none(program, waiting, given):
    shown, headers = sends_headers(program, **given)
    assert shown[:2] == [None, None] and "traceparent" not in headers and "tracestate" not in headers


def test_two_traces_are_none(program):
    publish(program, SHOWS_TRACE)
    with Server(program) as server:
        connection = server.connect()
        connection.putrequest("POST", "/v1/algo/o/n")
        for name, value in [*server.headers().items(), ("traceparent", PARENT), ("traceparent", PARENT)]:
            connection.putheader(name, value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        assert json.loads(connection.getresponse().read())["result"][:2] == [None, None]


def test_a_trace_of_the_server_itself_is_not_the_one_of_its_calls(program):
    publish(program, SHOWS_TRACE)
    with Server(program, env={"TRACEPARENT": PARENT, "TRACESTATE": "vendor=a"}) as server:
        assert server.call("o/n")["result"][:2] == [None, None]


def test_the_callers_request_id_is_in_response_log_and_payload_and_never_its_key(program, waiting):
    shown, headers = sends_headers(program, X_Request_ID="order/17@shop")
    assert headers["http_request_id"] == "order/17@shop" and shown[2].startswith("req-")


@pytest.mark.parametrize("given", ["a b", "é".encode(), "x" * 129])
def test_a_request_id_that_is_none_goes_nowhere(program, waiting, given):
    _, headers = sends_headers(program, X_Request_ID=given)
    assert "http_request_id" not in headers


def test_the_stop_signal_is_the_first_one_that_an_execution_gets(program):
    publish(program, """
import signal, sys
def stop(number, frame):
    print('signal', number, file=sys.stderr, flush=True)
    sys.exit(7)
for number in (signal.SIGTERM, signal.SIGUSR1): signal.signal(number, stop)
while True: signal.pause()
""")
    with Server(program, "--stop-signal", "USR1") as server:
        answer = server.call("o/n?timeout=1")
        assert answer["error"]["error_type"] == "TimeoutError"
        assert answer["error"]["stacktrace"] == f"signal {signal.SIGUSR1}\n"


def test_the_grace_period_is_followed_by_sigkill(program):
    publish(program, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()")
    with Server(program, "--grace", "100ms") as server:
        assert server.call("o/n?timeout=1")["error"]["error_type"] == "TimeoutError"


@pytest.mark.parametrize("name", ["a b", "", "http://a", "a/b"])
def test_a_name_that_no_client_can_send_is_refused(program, name):
    outcome = program.run("serve", "--allowed-host", name, status=64)
    assert "--allowed-host" in outcome.messages[0]


def test_a_low_limit_of_open_files_is_reported_with_what_it_allows(program):
    publish(program, "pass")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))}
    with Server(program, "--jobs", "8", **limit) as server:
        assert "connections and 1 execution at a time; raise it (ulimit -n) for more." in server.messages[0]


HOLDS = "import os, time\nopen('started', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)"


def test_during_the_drain_delay_calls_are_taken_and_readiness_fails(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--drain-delay", "1h") as server:
        server.process.send_signal(signal.SIGTERM)
        processes.await_until(lambda: server.request("GET", "/readyz", headers={})[0] == 503, "not ready")
        assert server.request("GET", "/livez", headers={})[0] == 200
        assert server.call("o/n", b"1")["result"] == 1, "a new connection and a new call"
        # A second signal skips the delay.
        assert server.stop() == 0


def test_without_a_drain_delay_no_connection_is_taken_after_the_signal(program):
    publish(program, HOLDS)
    with Server(program) as server:
        connection = server.connect()
        connection.request("POST", "/v1/algo/o/n", b"", server.headers())
        processes.await_until((program.directory / "started").exists, "it runs")
        server.process.send_signal(signal.SIGTERM)

        def is_refused():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", server.port)) != 0

        processes.await_until(is_refused, "no more connections")
        (program.directory / "go").touch()
        assert connection.getresponse().status == 200
        assert server.process.wait(60) == 0


def test_a_drain_ends_what_still_runs_when_its_time_is_over(program):
    publish(program, HOLDS, "--insights")
    with Server(program, "--drain", "100ms", "--grace", "100ms") as server:
        connection = server.connect()
        connection.request("POST", "/v1/algo/o/n", b"", server.headers())
        processes.await_until((program.directory / "started").exists, "it runs")
        server.process.send_signal(signal.SIGTERM)
        answer = json.loads(connection.getresponse().read())
        assert answer["error"]["error_type"] == "SystemExit"
        assert server.process.wait(60) == 0
    assert len(program.insights()) == 1


@pytest.mark.slow
def test_retry_after_follows_the_median_duration_of_the_last_executions(program):
    publish(program, "import os, sys, time\nword = sys.stdin.read()\nopen('started', 'w').close()\n"
            "if word: time.sleep(float(word))\nelse:\n  while not os.path.exists('go'): time.sleep(0.01)\n")
    with Server(program, "--jobs", "1", "--queue", "0", "--max-body", "1KiB") as server:
        def refused():
            (program.directory / "go").unlink(missing_ok=True)
            (program.directory / "started").unlink(missing_ok=True)
            holder = server.call("o/n?output=void")["request_id"]
            processes.await_until((program.directory / "started").exists, "the slot is taken")
            status, headers, _ = server.request("POST", "/v1/algo/o/n", b"0")
            assert status == 429
            (program.directory / "go").touch()
            server.get(f"/v1/executions/{holder}?wait=60s")
            return int(headers["Retry-After"])

        assert refused() == 1, "nothing is known yet"
        server.call("o/n", b"2")
        server.call("o/n", b"2")
        # The median of a short one and two of 2 s; the mean is below.
        assert refused() >= 3
