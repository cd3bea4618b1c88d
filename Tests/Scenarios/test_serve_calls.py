# SPDX-License-Identifier: Apache-2.0
"""Calls over HTTP: answers, limits, cancellation, payloads (docs/http-api.md)."""

import base64
import gzip
import json
import signal
import socket

import pytest

from harness import processes
from harness.program import PYTHON
from harness.server import Server


def publish(program, source, *options, name="o/n"):
    program.run("publish", name, *options, "--", PYTHON, "-c", source, status=0)


ECHO = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"


@pytest.mark.parametrize("sent, form, result", [
    (b'{"a": [1.50, 1e400]}', "json", None), (b"plain \xc3\xa9 text", "text", "plain \u00e9 text"), (b"", "text", ""),
    (b"\xff\x00", "binary", base64.b64encode(b"\xff\x00").decode())])
def test_a_result_is_json_text_or_binary_and_the_answer_is_ascii(program, sent, form, result):
    publish(program, ECHO)
    with Server(program) as server:
        status, headers, body = server.request("POST", "/v1/algo/o/n", sent, server.headers())
        assert status == 200 and headers["Content-Type"] == "application/json", body
        assert body.isascii() and b"null" not in body
        answer = json.loads(body)
        assert set(answer) == {"result", "metadata"}
        assert answer["metadata"]["content_type"] == form
        assert answer["metadata"]["request_id"] == headers["X-Algo-Request-ID"]
        assert isinstance(answer["metadata"]["duration"], float)
        if form == "json":
            assert b"1.50, 1e400" in body, "numbers stay as they were written"
        else:
            assert answer["result"] == result


def test_a_large_input_and_result_go_through_files(program):
    publish(program, ECHO)
    with Server(program) as server:
        sent = "é".encode() * 1_000_000
        assert server.call("o/n", sent)["result"].encode() == sent
        status, headers, body = server.request("POST", "/v1/algo/o/n?output=raw", sent)
        assert (status, headers["Content-Type"], body) == (200, "text/plain; charset=utf-8", sent)
        binary = bytes(range(256)) * 4001
        assert base64.b64decode(server.call("o/n", binary)["result"]) == binary


@pytest.mark.parametrize("reference, status", [
    ("o/n", 200), ("o/n/", 200), ("o/n/1.0.0", 200), ("o/n/1.0.*", 200), ("o/n/1", 200), ("o/n/latest", 200),
    ("o/n/latestPrivate", 200), ("o/n/2", 404), ("o/x", 404), ("o/n/x", 404), ("o/n/1/2", 404), ("o", 404)])
def test_a_version_is_chosen_as_clients_of_the_original_service_do(program, reference, status):
    publish(program, ECHO)
    with Server(program) as server:
        answer = server.call(reference, b"1", status=status)
        if status == 404:
            assert isinstance(answer["error"]["message"], str)


def test_a_hash_that_was_given_out_chooses_its_version(program):
    publish(program, "print(1)")
    publish(program, "print(2)")
    with Server(program) as server:
        for version in ["1.0.0", "1.0.1"]:
            info = server.get(f"/v1/algorithms/o/n/versions/{version}")["version_info"]
            assert server.call(f"o/n/{info['git_hash']}")["result"] == int(version[-1]) + 1


@pytest.mark.parametrize("source, message, kind", [
    ("import sys; print('why', file=sys.stderr); sys.exit(3)", "exited with code 3", "AlgorithmError"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9", "SystemExit")])
def test_an_execution_that_fails_is_an_error_with_status_200_and_500_if_raw(program, source, message, kind):
    publish(program, source)
    with Server(program) as server:
        answer = server.call("o/n")
        assert message in answer["error"]["message"] and answer["error"]["error_type"] == kind
        assert "result" not in answer and answer["metadata"]["request_id"].startswith("req-")
        if kind == "AlgorithmError":
            assert answer["error"]["stacktrace"] == answer["error"]["stack_trace"] == "why\n"
        raw = server.call("o/n?output=raw", status=500)
        assert message in raw["error"]["message"]


def test_a_call_that_exceeds_its_limit_times_out_and_names_the_limit(program):
    publish(program, "import time; time.sleep(1000)", "--timeout", "1500ms")
    with Server(program) as server:
        for query, limit in [("?timeout=1", "1"), ("", "1.5")]:
            error = server.call("o/n" + query)["error"]
            assert (error["message"], error["error_type"]) == (f"the algorithm timed out after {limit} s", "TimeoutError")


@pytest.mark.parametrize("query", ["timeout=0", "timeout=3001", "timeout=x", "output=xml"])
def test_a_parameter_that_cannot_be_used_is_refused(program, query):
    publish(program, ECHO)
    with Server(program) as server:
        status, headers, body = server.request("POST", f"/v1/algo/o/n?{query}", b"")
        assert status == 400
        assert json.loads(body)["error"]["message"] == headers["X-Error-Message"]


def test_inputs_of_other_types_are_refused_and_those_of_curl_accepted(program):
    publish(program, ECHO)
    with Server(program) as server:
        server.call("o/n", b"<a/>", status=415, Content_Type="application/xml")
        for kind in ["application/x-www-form-urlencoded", "application/json; charset=UTF-8", "application/text"]:
            assert server.call("o/n", b"7", Content_Type=kind)["result"] == 7


def test_a_compressed_input_is_refused_instead_of_run(program):
    publish(program, ECHO)
    with Server(program) as server:
        answer = server.call("o/n", gzip.compress(b"7"), status=415, Content_Type="application/json", Content_Encoding="gzip")
        assert "gzip" in answer["error"]["message"]
        assert server.call("o/n", b"7", Content_Type="application/json", Content_Encoding="identity")["result"] == 7


def test_stdout_of_the_caller_is_what_a_command_wrote_to_stderr(program):
    publish(program, "import sys; print(1); print('note', file=sys.stderr)")
    with Server(program) as server:
        assert server.call("o/n?stdout=True")["metadata"]["stdout"] == "note\n"
        assert "stdout" not in server.call("o/n")["metadata"]


def test_each_call_of_a_version_with_insights_has_one_payload_before_its_answer(program):
    publish(program, "import os; os.write(3, b'{\"m\": 1.5}\\n'); print(1)", "--insights")
    with Server(program) as server:
        for count in range(1, 4):
            request = server.call("o/n")["metadata"]["request_id"]
            payloads = program.insights()
            assert len(payloads) == count
            assert json.loads(payloads[-1])["request_id"] == request and b'"m":1.5' in payloads[-1]


def test_every_execution_is_in_the_history(program):
    publish(program, ECHO)
    with Server(program) as server:
        ids = [server.call("o/n", b"1")["metadata"]["request_id"] for _ in range(3)]
        listed = program.run("runs", "--json", status=0).stdout.splitlines()
        assert [json.loads(line)["request_id"] for line in listed] == ids[::-1]


WAITS_FOR_FILE = """
import os, sys, time
print('started', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
"""


def test_beyond_slots_and_queue_a_call_is_refused_until_one_ends(program):
    publish(program, WAITS_FOR_FILE, "--directory", program.directory)
    with Server(program, "--jobs", "1", "--queue", "1") as server:
        ids = [server.call("o/n?output=void")["request_id"] for _ in range(2)]
        status, headers, body = server.request("POST", "/v1/algo/o/n", b"")
        assert status == 429 and int(headers["Retry-After"]) >= 1, body
        assert server.get(f"/v1/executions/{ids[1]}")["state"] == "queued"
        (program.directory / "go").touch()
        for request in ids:
            assert server.get(f"/v1/executions/{request}?wait=60s")["state"] == "succeeded"
        assert server.call("o/n")["result"] == "started\n"


def test_a_call_whose_limit_ends_in_the_queue_never_starts(program):
    publish(program, WAITS_FOR_FILE, "--directory", program.directory, "--insights")
    with Server(program, "--jobs", "1", "--queue", "1") as server:
        server.call("o/n?output=void")
        answer = server.call("o/n?timeout=1", status=503)
        assert answer["error"]["error_type"] == "TimeoutError"
        assert program.insights() == []


def test_an_execution_can_be_canceled_and_shown_again(program):
    publish(program, "import time; time.sleep(1000)")
    with Server(program) as server:
        request = server.call("o/n?output=void")["request_id"]
        for _ in range(2):
            status, _, body = server.request("DELETE", f"/v1/executions/{request}")
            assert status == 200 and json.loads(body)["state"] == "canceled", body
        assert server.get("/v1/executions/req-none", status=404)


@pytest.mark.parametrize("action", ["cancel", "continue"])
def test_a_caller_that_leaves_cancels_its_execution_by_default(program, action):
    publish(program, "import os, time; open('pid', 'w').write(str(os.getpid())); os.rename('pid', 'started')\n"
            + WAITS_FOR_FILE, "--directory", program.directory, "--insights")
    with Server(program, "--on-disconnect", action) as server:
        connection = server.connect()
        connection.request("POST", "/v1/algo/o/n", b"", server.headers())
        started = program.directory / "started"
        processes.await_until(started.exists, "the child starts")
        child = int(started.read_text())
        connection.close()
        if action == "continue":
            processes.await_until(lambda: any(" 499 " in line for line in server.messages), "the server notices")
            assert processes.is_running(child)
            (program.directory / "go").touch()
        processes.await_until(lambda: len(program.insights()) == 1, "the payload")
        assert not processes.is_running(child)


def test_the_end_of_the_server_loses_no_answer(program):
    publish(program, WAITS_FOR_FILE, "--directory", program.directory, "--insights")
    with Server(program, "--jobs", "2") as server:
        calls = [server.connect() for _ in range(3)]
        for call in calls:
            call.request("POST", "/v1/algo/o/n", b"", server.headers())
        processes.await_until(
            lambda: b"executions_running 2" in server.request("GET", "/metrics")[2], "two run")
        processes.await_until(
            lambda: b"executions_waiting 1" in server.request("GET", "/metrics")[2], "one waits")
        server.process.send_signal(signal.SIGTERM)
        processes.await_until(lambda: is_refused(server.port), "no more connections")
        (program.directory / "go").touch()
        for call in calls:
            response = call.getresponse()
            assert response.status == 200 and response.headers["Connection"] == "close"
            assert json.loads(response.read())["result"] == "started\n"
        assert server.process.wait(60) == 0
    assert len(program.insights()) == 3


def is_refused(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) != 0


CRASHES = """
import os, sys, time
text = sys.stdin.read()
if text == 'crash': os.abort()
if text == 'kill': os.kill(os.getpid(), 9)
if text == 'hang': os.close(1); time.sleep(1000)
if text == 'close': os.closerange(0, 10)
if text == 'flood':
    for _ in range(3000): os.write(2, b'x' * 1024); os.write(3, b'{"m": 1}\\n' * 100)
if text == 'large': os.write(1, b'x' * 2_000_000)
print('"' + text + '"')
"""


def test_a_child_that_crashes_hangs_or_floods_costs_only_its_call(program):
    publish(program, CRASHES, "--insights")
    with Server(program, "--jobs", "1", "--max-output", "1MiB", "--grace", "100ms") as server:
        assert server.call("o/n", b"one")["result"] == "one"
        assert "signal 6" in server.call("o/n", b"crash")["error"]["message"]
        assert "signal 9" in server.call("o/n", b"kill")["error"]["message"]
        assert server.call("o/n?timeout=1", b"hang")["error"]["error_type"] == "TimeoutError"
        server.call("o/n", b"close")
        assert server.call("o/n", b"flood")["result"] == "flood"
        assert "--max-output" in server.call("o/n", b"large")["error"]["message"]
        assert server.call("o/n", b"two")["result"] == "two"
        assert len(program.insights()) == 8
        assert server.stop() == 0
