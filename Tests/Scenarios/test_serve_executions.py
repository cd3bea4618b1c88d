# SPDX-License-Identifier: Apache-2.0
"""Executions that ended, as a server still knows them (docs/http-api.md)."""

import hashlib
import json

import pytest

from harness.batches import peak_memory
from harness.program import PYTHON
from harness.server import Server
from harness.workers import Workers

# Ends as its input asks for.
ENDS = """
import os, signal, sys
word = sys.stdin.read()
if word == 'fail': sys.exit(3)
if word == 'die': os.kill(os.getpid(), signal.SIGKILL)
print(word)
"""


def test_what_the_history_knows_is_shown_after_a_restart_without_the_result(program):
    program.run("publish", "o/n", "--", PYTHON, "-c", ENDS, status=0)
    program.run("publish", "o/slow", "--", "sleep", "1000", status=0)
    Workers(program).apply("os.kill(os.getpid(), signal.SIGKILL)")
    with Server(program, key=False) as server:
        ids = {word: server.call("o/n", word.encode())["metadata"]["request_id"] for word in ["ok", "fail", "die"]}
        ids["slow"] = server.call("o/slow?timeout=1")["metadata"]["request_id"]
        ids["worker"] = server.call("o/w")["metadata"]["request_id"]
        ids["canceled"] = server.call("o/slow?output=void")["request_id"]
        server.request("DELETE", f"/v1/executions/{ids['canceled']}")
        before = {word: server.get(f"/v1/executions/{request}") for word, request in ids.items()}
        server.stop()
    expected = {"ok": "succeeded", "fail": "failed", "die": "signaled", "slow": "timed_out", "canceled": "canceled", "worker": "signaled"}
    with Server(program, key=False) as server:
        for word, request in ids.items():
            shown = server.get(f"/v1/executions/{request}?wait=60s")
            assert (shown["request_id"], shown["state"]) == (request, expected[word]) and "result" not in shown
            assert shown["metadata"]["request_id"] == request
            assert shown["metadata"]["duration"] == before[word]["metadata"]["duration"]
            if word != "ok":
                # The history has no limits.
                message = before[word]["error"]["message"].removesuffix(" after 1 s")
                assert shown["error"] == {"message": message, "error_type": before[word]["error"]["error_type"]}
            status, _, body = server.request("DELETE", f"/v1/executions/{request}")
            assert (status, json.loads(body)) == (200, shown)
        server.get("/v1/executions/req-none", status=404)


def test_without_a_history_they_are_unknown_after_a_restart(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--no-history", key=False) as server:
        request = server.call("o/n", b"1")["metadata"]["request_id"]
        assert server.get(f"/v1/executions/{request}")["result"] == 1
        server.stop()
    with Server(program, key=False) as server:
        server.get(f"/v1/executions/{request}", status=404)


def test_executions_are_listed_newest_first_and_chosen(program):
    program.run("publish", "o/n", "--", PYTHON, "-c", ENDS, status=0)
    program.run("publish", "o/m", "--", "cat", status=0)
    with Server(program) as server:
        assert server.get("/v1/executions") == {"results": []}
        ids = [server.call(path, word)["metadata"]["request_id"]
               for path, word in [("o/n", b"a"), ("o/n", b"fail"), ("o/m", b"b")]]

        def listed(query=""):
            return [run["request_id"] for run in server.get(f"/v1/executions{query}")["results"]]

        assert listed() == ids[::-1]
        assert listed("?algorithm=o/n") == [ids[1], ids[0]] and listed("?algorithm=o/m/1.0.0") == [ids[2]]
        assert listed("?outcome=failed") == [ids[1]] and listed("?limit=1") == [ids[2]]
        last = server.get("/v1/executions?limit=1")["results"][0]
        run = json.loads(program.run("runs", "--json", "--limit", "1", status=0).stdout)
        assert None in run.values() and last == {name: value for name, value in run.items() if value is not None}
        assert listed(f"?until={last['timestamp']}") == [ids[1], ids[0]]
        assert listed(f"?since={last['timestamp']}") == [ids[2]]
        for query in ["algorithm=x", "outcome=lost", "limit=0", "since=yesterday", "limit=1&limit=2"]:
            server.get(f"/v1/executions?{query}", status=400)


@pytest.mark.parametrize("size", [5, 1_000_000])
def test_the_history_has_the_digest_of_each_input(program, size):
    program.run("publish", "o/n", "--", "wc", "-c", status=0)
    body = b"input" * (size // 5)
    with Server(program) as server:
        server.call("o/n", body)
        run = server.get("/v1/executions")["results"][0]
    assert run["input_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.slow
def test_results_are_kept_whatever_their_number_and_memory_does_not_grow_with_it(program):
    """Each result is there in full: those in memory, those in files, and the large ones."""
    Workers(program).apply("return value * 100_000 if value.startswith('large') else value + ' é'")
    with Server(program, "--jobs", "1", "--queue", "10") as server:
        connection = server.connect()

        def call(text, query=""):
            connection.request("POST", f"/v1/algo/o/w{query}", text.encode(), server.headers(**{"Content-Type": "text/plain"}))
            answer = json.loads(connection.getresponse().read())
            return answer.get("request_id") or answer["metadata"]["request_id"]

        kept = {call("large a"): "large a" * 100_000, call("large b", "?output=void"): "large b" * 100_000}
        peaks = []
        for rounds in range(3):
            for number in range(2000):
                text = f"{rounds}.{number}"
                request = call(text, "?output=void" if number % 100 == 0 else "")
                if number % 100 < 2:
                    kept[request] = text + " é"
            peaks.append(peak_memory(server.process.pid))
        for request, result in kept.items():
            shown = server.get(f"/v1/executions/{request}?wait=60s")
            assert (shown["state"], shown["result"], shown["metadata"]["request_id"]) == ("succeeded", result, request)
        assert peaks[2] - peaks[1] < 1024, peaks
