# SPDX-License-Identifier: Apache-2.0
"""Large inputs and results go through a server in slices (docs/serve.md)."""

import base64
import hashlib
import json

import pytest

from harness import processes
from harness.batches import peak_memory
from harness.server import Server
from harness.workers import Workers

PIECE = b"\xff" + b"0123456789abcdef" * 65_535 + b"fifteen bytes.."
assert len(PIECE) == 1 << 20


@pytest.fixture
def mebibytes(request):
    """The size of a large body: a gibibyte in `make soak`."""
    return 1024 if request.config.getoption("requests") >= 1_000_000 else 128


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("query", ["?output=raw", ""])
def test_a_large_body_neither_grows_the_server_nor_holds_other_calls_up(program, query, mebibytes):
    program.run("publish", "o/large", "--", "cat", status=0)
    program.run("publish", "o/small", "--", "cat", status=0)
    with Server(program, "--max-body", "2GiB", "--max-output", "2GiB", "--jobs", "2") as server:
        server.call("o/small", b"1")
        before = peak_memory(server.process.pid)
        large = server.connect()
        large.putrequest("POST", f"/v1/algo/o/large{query}")
        for name, value in server.headers(**{"Content-Type": "application/octet-stream"}).items():
            large.putheader(name, value)
        large.putheader("Content-Length", str(mebibytes << 20))
        large.endheaders()
        for number in range(mebibytes):
            large.send(PIECE)
            if number % (mebibytes // 8) == 0:
                # While the body comes.
                assert server.call("o/small", b"1")["result"] == 1
        response = large.getresponse()
        assert response.status == 200
        # No further copy was made: the result is encoded while it is sent.
        assert processes.bytes_open(server.process.pid, "deleted") <= (2 * mebibytes + 8) << 20
        digest, count, rest = hashlib.sha256(), 0, b""
        expected = hashlib.sha256()
        for number in range(mebibytes):
            expected.update(PIECE)
        if not query:
            rest = response.read(len(b'{"result":"'))
            assert rest == b'{"result":"'
        while count < mebibytes << 20:
            if query:
                piece = response.read(1 << 20)
            else:
                piece = decoded(response, min(3 << 18, (mebibytes << 20) - count))
            digest.update(piece)
            count += len(piece)
            if count % (32 << 20) < 3 << 18:
                # While the response leaves.
                assert server.call("o/small", b"1")["result"] == 1
        assert digest.digest() == expected.digest() and count == mebibytes << 20
        tail = response.read()
        assert tail == b"" if query else tail.startswith(b'","metadata":{"content_type":"binary"')
        assert peak_memory(server.process.pid) - before < 16 << 10
        assert server.stop() == 0


def decoded(response, count):
    return base64.b64decode(response.read(-(-count // 3) * 4))


def test_a_large_result_is_the_same_in_each_form_and_comes_in_chunks(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    texts = ["é\"\\\n\x01😀" * 100_000, '["' + "é😀" * 100_000 + '"]', "plain" * 100_000]
    with Server(program) as server:
        for text in texts:
            status, headers, body = server.request("POST", "/v1/algo/o/n", text.encode(), server.headers())
            assert status == 200 and body.isascii() and headers["Transfer-Encoding"] == "chunked"
            result = json.loads(body)["result"]
            assert result == (json.loads(text) if text[0] == "[" else text)
            assert server.request("POST", "/v1/algo/o/n?output=raw", text.encode())[2] == text.encode()


def test_a_client_of_http_1_0_gets_a_large_result(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program) as server:
        connection = server.connect()
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
        connection.request("POST", "/v1/algo/o/n", b"x" * 1_000_000, server.headers(Host="localhost:%d" % server.port))
        response = connection.getresponse()
        assert response.version in (10, 11) and b"x" * 1_000_000 in response.read()


@pytest.mark.slow
def test_a_worker_gets_and_gives_a_large_body_without_growing_the_server(program):
    Workers(program).apply("return value")
    with Server(program, "--max-body", "1GiB", "--max-output", "1GiB", "--jobs", "1") as server:
        server.call("o/w", b"1")
        before = peak_memory(server.process.pid)
        sent = b"\xff" + b"x" * (64 << 20)
        status, _, body = server.request(
            "POST", "/v1/algo/o/w?output=raw", sent, server.headers(**{"Content-Type": "application/octet-stream"}))
        assert status == 200 and body == sent
        assert peak_memory(server.process.pid) - before < 16 << 10
