# SPDX-License-Identifier: Apache-2.0
"""Requests that libmicrohttpd refuses by itself: they are in the access log and the metrics, too (docs/serve.md)."""

import json
import re

import pytest

from harness import callers
from harness.server import Server

LONG = "a" * 40_000


def refused(server, name):
    """Bytes that the library refuses, and whether it has read a request line before."""
    host = f"Host: 127.0.0.1:{server.port}"
    return {
        "no host": ("GET /seen?secret=query HTTP/1.1\r\n\r\n", True),
        "long header": (f"GET /seen?secret=query HTTP/1.1\r\n{host}\r\nX: {LONG}\r\n\r\n", True),
        "no length": (f"POST /seen?secret=query HTTP/1.1\r\n{host}\r\nContent-Length: x\r\n\r\n", True),
        "long target": (f"GET /{LONG}", False),
        "other version": (f"GET /secret HTTP/3.0\r\n{host}\r\n\r\n", False),
    }[name]


def counted(server):
    """How many requests have each status, without those of this function."""
    text = server.request("GET", "/metrics")[2].decode()
    found = {}
    for line in text.splitlines():
        if match := re.match(r'http_server_request_duration_seconds_count\{.*"unmatched".*code="(\d+)"\} (\d+)', line):
            found[int(match[1])] = found.get(int(match[1]), 0) + int(match[2])
    return found


def lines(server):
    return [json.loads(line) for line in server.messages if line.startswith("{") and "/metrics" not in line]


@pytest.mark.parametrize("name", ["no host", "long header", "no length", "long target", "other version"])
def test_a_request_that_the_library_refuses_is_one_line_and_counts_once(program, name):
    with Server(program, "--log-format", "json") as server:
        sent, has_path = refused(server, name)
        [status] = {int(callers.exchange(server, sent.encode()).split()[1]) for _ in range(3)}
        assert 400 <= status < 500 or status == 505
        assert counted(server) == {status: 3}
        server.stop()
    logged = lines(server)
    assert [line["status"] for line in logged] == [status] * 3
    for line in logged:
        assert line.get("path") == ("/seen" if has_path else None)
        assert line.get("client") == ("127.0.0.1" if has_path else None)
        assert "request_id" not in line
    assert "secret" not in "".join(server.messages)


def test_a_body_that_the_library_refuses_is_one_line_with_the_status_that_the_client_got(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--log-format", "json") as server:
        sent = callers.head(server, "POST", "/v1/algo/o/n", "Transfer-Encoding: chunked") + b"not a chunk\r\n"
        assert callers.exchange(server, sent).startswith(b"HTTP/1.1 400 ")
        assert counted(server) == {}
        server.stop()
    [line] = lines(server)
    assert (line["status"], line["path"]) == (400, "/v1/algo/o/n") and line["request_id"].startswith("req-")


def test_the_line_of_a_refused_request_as_text_has_marks_for_what_is_not_known(program):
    with Server(program) as server:
        callers.exchange(server, refused(server, "long target")[0].encode())
        callers.exchange(server, refused(server, "no host")[0].encode())
        server.stop()
    assert "algo-run: - - 414 - ms in=0 out=0 id=- key=- from=-\n" in server.messages
    assert "algo-run: - /seen 400 - ms in=0 out=0 id=- key=- from=127.0.0.1\n" in server.messages
