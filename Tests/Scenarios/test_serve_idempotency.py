# SPDX-License-Identifier: Apache-2.0
"""Calls with an Idempotency-Key: once each, also across a restart (docs/http-api.md)."""

import json
import signal
import sqlite3

import pytest

from harness import processes
from harness.program import PYTHON
from harness.server import Server

# Leaves a mark for each execution, and ends when `go` is there.
COUNTS = """
import os, sys, time
body = sys.stdin.read()
with open('ran', 'a') as file: file.write(os.environ['ALGO_REQUEST_ID'] + '\\n')
while body == 'wait' and not os.path.exists('go'): time.sleep(0.01)
sys.stdout.write(body * 100_000 if body == 'large' else body)
"""


@pytest.fixture
def counted(program):
    """Publishes an algorithm that counts; a function for the request IDs of its executions."""
    program.run("publish", "o/n", "--insights", "--directory", program.directory, "--", PYTHON, "-c", COUNTS, status=0)
    marks = program.directory / "ran"
    return lambda: marks.read_text().split() if marks.exists() else []


def send(server, body=b"x", path="o/n", key="k1", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request(
        "POST", f"/v1/algo/{path}", body, server.headers(**{"Content-Type": "text/plain", "Idempotency-Key": key, **headers}))


@pytest.mark.parametrize("body, path, status", [
    (b"x", "o/n", 200), (b"large", "o/n", 200), (b"large", "o/n?output=raw", 200), (b"x", "o/n?output=void", 200)])
def test_a_call_that_is_sent_again_runs_once_and_gets_the_same_answer_also_after_a_restart(
        program, counted, body, path, status):
    with Server(program, key=False) as server:
        first = send(server, body, path)
        again = send(server, body, path)
        processes.await_until(lambda: len(program.insights()) == 1, "the payload")
        assert server.stop() == 0
    with Server(program, key=False) as server:
        later = send(server, body, path)
        processes.await_until(lambda: len(counted()) == 1, "the execution")
        assert send(server, body, path, key="k2")[0] == 200
        processes.await_until(lambda: len(counted()) == 2, "another key runs again")
        assert server.stop() == 0
    assert first[0] == again[0] == later[0] == status
    assert first[2] == again[2] == later[2]
    assert first[1]["Idempotency-Replayed"] is None
    for replayed in [again, later]:
        assert replayed[1]["Idempotency-Replayed"] == "true"
        assert replayed[1]["Content-Type"] == first[1]["Content-Type"]
        assert replayed[1]["X-Algo-Request-ID"] == first[1]["X-Algo-Request-ID"] == counted()[0]
    assert len(program.insights()) == 2


@pytest.mark.parametrize("other", [
    {"body": b"y"}, {"path": "o/n/1.0.0"}, {"path": "o/n?timeout=7"}, {"Content_Type": "application/octet-stream"}])
def test_another_request_with_the_same_key_is_refused(program, counted, other):
    with Server(program) as server:
        assert send(server)[0] == 200
        status, headers, body = send(server, **other)
        assert status == 422 and json.loads(body)["error"]["message"] == headers["X-Error-Message"]
        assert send(server, path="o/n")[0] == 200 and len(counted()) == 1


def test_a_call_whose_first_one_runs_gets_409_with_its_execution(program, counted):
    with Server(program) as server:
        connection = server.connect()
        connection.request("POST", "/v1/algo/o/n", b"wait", server.headers(
            **{"Content-Type": "text/plain", "Idempotency-Key": "k1"}))
        processes.await_until(lambda: len(counted()) == 1, "the first one runs")
        status, _, body = send(server, b"wait")
        assert (status, json.loads(body)["error"]["request_id"]) == (409, counted()[0])
        (program.directory / "go").touch()
        answer = connection.getresponse().read()
        assert send(server, b"wait")[2] == answer and len(counted()) == 1


def test_a_key_belongs_to_an_api_key(program, counted):
    with Server(program) as server:
        other = program.run("keys", "create", "other", status=0).stdout.decode().strip()
        assert send(server)[0] == send(server, Authorization=f"Simple {other}")[0] == 200
        assert len(counted()) == 2


def test_a_call_that_never_ran_does_not_use_its_key_up(program, counted):
    program.run("publish", "o/bad", "--directory", program.directory, "--", "./later", status=0)
    with Server(program, "--jobs", "1", "--queue", "1") as server:
        assert send(server, path="o/bad", key="k2")[0] == 503
        (program.directory / "later").write_text("#!/bin/sh\necho 7\n")
        (program.directory / "later").chmod(0o755)
        assert json.loads(send(server, path="o/bad", key="k2")[2])["result"] == 7
        holder = json.loads(send(server, b"wait", "o/n?output=void", "k0")[2])["request_id"]
        processes.await_until(lambda: len(counted()) == 1, "the slot is taken")
        assert send(server, X_Timeout="1")[0] == 503
        waiting = json.loads(send(server, b"wait", "o/n?output=void", "k4")[2])["request_id"]
        assert send(server, key="k5")[0] == 429
        (program.directory / "go").touch()
        for request in [holder, waiting]:
            assert server.get(f"/v1/executions/{request}?wait=60s")["state"] == "succeeded"
        for key in ["k1", "k5"]:
            assert send(server, key=key)[0] == 200 and send(server, key=key)[1]["Idempotency-Replayed"] == "true"


def test_an_execution_that_failed_is_answered_again(program):
    program.run("publish", "o/bad", "--directory", program.directory, "--", "sh", "-c", "echo x >> ran; exit 3", status=0)
    with Server(program) as server:
        for path in ["o/bad", "o/bad?output=raw"]:
            first, again = send(server, path=path, key=path[-3:]), send(server, path=path, key=path[-3:])
            assert first[0] == again[0] == (500 if "raw" in path else 200) and first[2] == again[2]
            assert first[1]["X-Error-Message"] == again[1]["X-Error-Message"]
        assert (program.directory / "ran").read_text() == "x\nx\n"


@pytest.mark.parametrize("keys", [[""], ["a b"], ["a,b"], ['"'], ["é".encode()], ["x" * 256], ["a", "b"]])
def test_a_key_that_is_none_is_refused(program, counted, keys):
    with Server(program) as server:
        connection = server.connect()
        connection.putrequest("POST", "/v1/algo/o/n")
        for name, value in server.headers().items():
            connection.putheader(name, value)
        for key in keys:
            connection.putheader("Idempotency-Key", key)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        assert connection.getresponse().status == 400 and counted() == []


def test_a_key_in_quotes_is_the_same_key(program, counted):
    with Server(program) as server:
        assert send(server, key='"k1"')[2] == send(server, key="k1")[2] and len(counted()) == 1


def test_a_key_is_forgotten_after_a_day(program, counted, home):
    with Server(program) as server:
        send(server, b"large")
        with sqlite3.connect(home / "idempotency.db") as database:
            database.execute("UPDATE call SET accepted_microseconds = accepted_microseconds - 86400 * 1000000")
        assert send(server, b"large")[1]["Idempotency-Replayed"] is None
        assert len(counted()) == 2
        kept = [file.name for file in (home / "answers").iterdir()]
        assert kept == counted()[1:], "the file of the old answer is gone"


def test_a_server_that_is_killed_while_a_call_runs_never_runs_it_again(program, counted):
    with Server(program, key=False) as server:
        connection = server.connect()
        connection.request("POST", "/v1/algo/o/n", b"wait", {"Content-Type": "text/plain", "Idempotency-Key": "k1"})
        processes.await_until(lambda: len(counted()) == 1, "it runs")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
    with Server(program, key=False) as server:
        status, _, body = send(server, b"wait")
        assert (status, json.loads(body)["error"]["request_id"]) == (409, counted()[0])
        assert len(counted()) == 1


def test_a_server_that_is_killed_between_execution_and_response_never_runs_the_call_again(program, counted, home):
    with Server(program, key=False) as server:
        connection = server.connect()
        connection.request("POST", "/v1/algo/o/n", b"wait", {"Content-Type": "text/plain", "Idempotency-Key": "k1"})
        processes.await_until(lambda: len(counted()) == 1, "it runs")
        # Nothing can be stored, so the response cannot leave.
        lock = sqlite3.connect(home / "idempotency.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        (program.directory / "go").touch()
        processes.await_until(lambda: len(program.insights()) == 1, "the payload")
        processes.await_until(lambda: program.run("runs", "--json").stdout, "the history")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
        lock.close()
    with Server(program, key=False) as server:
        status, _, body = send(server, b"wait")
        request = json.loads(body)["error"]["request_id"]
        assert (status, request) == (409, counted()[0]) and len(counted()) == 1
        assert server.get(f"/v1/executions/{request}")["state"] == "succeeded"
    assert len(program.insights()) == 1


def test_a_store_that_cannot_be_used_refuses_calls_with_a_key_only(program, counted, home):
    (home / "idempotency.db").write_text("no database at all, but longer than a header of one would be" * 20)
    with Server(program) as server:
        status, headers, _ = send(server)
        assert status == 503 and headers["Retry-After"] == "1" and counted() == []
        assert server.call("o/n", b"x")["result"] == "x"
