# SPDX-License-Identifier: Apache-2.0
"""Calls of versions with workers (docs/serve.md, docs/workers.md)."""

import base64
import json
import os
import signal

import pytest

from harness import processes
from harness.server import Server
from harness.workers import PRELUDE, Workers


@pytest.fixture
def workers(program):
    return Workers(program)


def test_a_worker_answers_many_calls_by_one_process(workers):
    workers.apply("algo_run.report(x=value)\nreturn {'pid': os.getpid(), 'x': value}", "--insights")
    with Server(workers.program, "--jobs", "1") as server:
        results = [server.call("o/w", str(number).encode())["result"] for number in range(5)]
        assert [result["x"] for result in results] == [0, 1, 2, 3, 4]
        assert len({result["pid"] for result in results}) == 1
        assert [json.loads(line)["x"] for line in workers.program.insights()] == [0, 1, 2, 3, 4]
        assert server.stop() == 0


@pytest.mark.parametrize("sent, kind, got", [
    (b'{"a":1}', "application/json", "dict"), (b'{"a":1}', "text/plain", "str"), (b'{"a":1}', "application/text", "str"),
    (b'{"a":1}', "application/octet-stream", "bytes"), (b'{"a":1}', "application/json; charset=UTF-8", "dict"),
    (b"7", None, "int"), (b"seven", None, "str"), (b"7", "application/x-www-form-urlencoded", "int"),
    (b"\xff\x00", None, "bytes")])
def test_the_type_of_the_input_decides_what_apply_gets(workers, sent, kind, got):
    workers.apply("return type(value).__name__")
    with Server(workers.program) as server:
        headers = {"Content_Type": kind} if kind else {}
        assert server.call("o/w", sent, **headers)["result"] == got


@pytest.mark.parametrize("value, form, result", [
    ("[1.5, None]", "json", [1.5, None]), ("'7'", "text", "7"),
    ("b'7'", "binary", base64.b64encode(b"7").decode()), ("None", "json", None)])
def test_what_apply_returns_decides_the_type_of_the_result(workers, value, form, result):
    workers.apply(f"return {value}")
    with Server(workers.program) as server:
        answer = server.call("o/w", b"1")
        assert (answer["metadata"]["content_type"], answer["result"]) == (form, result)


def test_metrics_that_come_late_are_counted(workers):
    workers.apply("if os.fork() == 0:\n    wait_for('go'); os.write(3, b'{\"late\": 1}\\n'); os._exit(0)\nreturn value")
    with Server(workers.program, "--jobs", "1") as server:
        server.call("o/w", b"1")
        workers.go()
        counted = b'algo_run_metrics_rejected_total{reason="late"} 1\n'
        processes.await_until(lambda: counted in server.request("GET", "/metrics")[2], "the line is counted")


def test_an_exception_is_the_error_of_its_call_alone(workers):
    workers.apply("print('noted')\nif value == 2: raise ValueError('two')\nreturn value")
    with Server(workers.program, "--jobs", "1") as server:
        assert server.call("o/w?stdout=true", b"1")["metadata"]["stdout"] == "noted\n"
        failed = server.call("o/w", b"2")
        assert "two" in failed["error"]["message"] and "result" not in failed
        assert server.call("o/w", b"3")["result"] == 3


def test_versions_with_workers_and_commands_share_the_slots_and_have_workers_of_their_own(workers):
    workers.apply("return os.environ['ALGO_VERSION']")
    workers.apply("return os.environ['ALGO_VERSION']")
    workers.program.run("publish", "o/c", "--", "cat", status=0)
    with Server(workers.program, "--jobs", "2") as server:
        for _ in range(2):
            assert server.call("o/w/1.0.0", b"1")["result"] == "1.0.0"
            assert server.call("o/w", b"1")["result"] == "1.0.1"
            assert server.call("o/c", b"1")["result"] == 1


def test_a_worker_that_crashes_hangs_or_floods_costs_only_its_call(workers):
    workers.apply("""
if value == 'crash': os.kill(os.getpid(), 9)
if value == 'hang': time.sleep(1000)
if value == 'flood':
    for _ in range(3000): os.write(2, b'x' * 1024); os.write(3, b'{"m": 1}\\n' * 100)
if value == 'large': return 'x' * 2_000_000
return value""", "--insights")
    with Server(workers.program, "--jobs", "1", "--max-output", "1MiB", "--grace", "100ms") as server:
        def ask(text, query=""):
            return server.call(f"o/w{query}", json.dumps(text).encode(), Content_Type="application/json")

        assert ask("one")["result"] == "one"
        assert "signal 9" in ask("crash")["error"]["message"].replace("SIGKILL", "signal 9")
        assert ask("again")["result"] == "again", "its worker is replaced, which takes time of no other call"
        assert ask("hang", "?timeout=1")["error"]["error_type"] == "TimeoutError"
        assert ask("flood")["result"] == "flood"
        assert "--max-output" in ask("large")["error"]["message"]
        assert ask("two")["result"] == "two"
        assert len(workers.program.insights()) == 7
        assert server.stop() == 0


def test_a_call_that_waits_for_its_worker_longer_than_its_limit_never_starts(workers):
    workers.publish(f"while not os.path.exists('go'): time.sleep(0.01)\nalgo_run.serve(lambda value: mark('ran') or 1)\n",
                    "--no-check", "--insights", status=0)
    with Server(workers.program) as server:
        answer = server.call("o/w?timeout=1", b"1", status=503)
        assert answer["error"]["error_type"] == "TimeoutError"
        waiting = server.call("o/w?output=void", b"1")["request_id"]
        assert server.get(f"/v1/executions/{waiting}")["state"] == "queued"
        workers.go()
        assert server.get(f"/v1/executions/{waiting}?wait=60s")["state"] == "succeeded"
        assert workers.marks("ran") == "x"
        assert len(workers.program.insights()) == 1


def test_a_version_whose_workers_cannot_start_is_503_until_it_can(workers):
    workers.publish("if not os.path.exists('go'): sys.exit('no model')\nalgo_run.serve(lambda value: 1)\n",
                    "--no-check", status=0)
    with Server(workers.program) as server:
        status, headers, body = server.request("POST", "/v1/algo/o/w", b"1")
        error = json.loads(body)["error"]
        assert (status, error["error_type"]) == (503, "LoadingError") and int(headers["Retry-After"]) >= 1
        assert "no model" in body.decode()
        workers.go()
        processes.await_until(lambda: server.request("POST", "/v1/algo/o/w", b"1")[0] == 200, "the version loads")


def test_a_version_that_cannot_start_is_answered_immediately(workers):
    workers.program.run("publish", "o/n", "--", "/nonexistent/program", status=0)
    with Server(workers.program) as server:
        for _ in range(3):
            assert server.call("o/n", status=503)["error"]["error_type"] == "LoadingError"


def test_canceling_stops_the_worker_and_the_next_call_gets_another(workers):
    workers.apply("if value == 1: mark('begun'); time.sleep(1000)\nreturn os.getpid()", "--insights")
    with Server(workers.program, "--jobs", "1") as server:
        request = server.call("o/w?output=void", b"1")["request_id"]
        processes.await_until(lambda: workers.marks("begun"), "apply runs")
        assert server.get(f"/v1/executions/{request}")["state"] == "running"
        status, _, body = server.request("DELETE", f"/v1/executions/{request}")
        assert (status, json.loads(body)["state"]) == (200, "canceled")
        assert isinstance(server.call("o/w", b"2")["result"], int)
        assert len(workers.program.insights()) == 2


@pytest.mark.parametrize("of_version, of_server", [(["--idle", "100ms"], []), ([], ["--idle", "100ms"])])
def test_a_pool_ends_when_its_version_is_not_called_and_comes_back(workers, of_version, of_server):
    workers.apply("return os.getpid()", *of_version)
    with Server(workers.program, *of_server) as server:
        first = server.call("o/w", b"1")["result"]
        processes.await_until(lambda: not processes.is_running(first), "the idle worker ends")
        assert server.call("o/w", b"1")["result"] != first


def test_the_end_of_the_server_lets_workers_end_by_themselves(workers):
    workers.publish("algo_run.serve(lambda value: 1)\nmark('ended')\n", status=0)
    ended = len(workers.marks("ended"))
    with Server(workers.program) as server:
        server.call("o/w", b"1")
        assert server.stop() == 0
    assert len(workers.marks("ended")) == ended + 1


def test_a_server_that_is_killed_leaves_no_worker(workers):
    workers.apply("return os.getpid()")
    with Server(workers.program) as server:
        worker = server.call("o/w", b"1")["result"]
        server.process.send_signal(signal.SIGKILL)
        processes.await_until(lambda: not processes.is_running(worker), "the worker ends")


def test_the_next_version_over_http_of_an_algorithm_with_workers_has_them_too(workers):
    workers.apply("return [os.getpid(), os.environ['ALGO_VERSION']]")
    with Server(workers.program, "--jobs", "1", scope="publish") as server:
        published = server.send("POST", "/v1/algorithms/o/w/versions", {"settings": {"insights_enabled": True}})
        assert published["version_info"]["semantic_version"] == "1.0.1"
        first, second = (server.call("o/w/1.0.1", b"1")["result"] for _ in range(2))
        assert first == second and first[1] == "1.0.1"
        assert len(workers.program.insights()) == 2


def test_settings_of_workers_given_to_serve_count_instead_of_the_versions(workers):
    workers.apply("return os.getpid()")
    with Server(workers.program, "--jobs", "1", "--isolate") as server:
        assert len({server.call("o/w")["result"] for _ in range(3)}) == 3, "each in a fork"
    workers.publish("time.sleep(1000)", "--no-check")
    with Server(workers.program, "--init-timeout", "200ms", key=False) as server:
        assert "not ready within 200ms" in server.call("o/w", status=503)["error"]["message"]
