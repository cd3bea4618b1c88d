# SPDX-License-Identifier: Apache-2.0
"""Request smuggling: bytes that two servers could read as different requests (docs/serve.md, Security).

Each row sends a request and, behind its header, the bytes of a second one. Where the first has one meaning only, the
second is its body or a request of its own; otherwise the connection ends with 400 and nothing runs."""

import os
import uuid
from pathlib import Path

import pytest

from harness import callers, processes
from harness.program import Program
from harness.server import Server

SMUGGLED = b"POST /v1/algo/o/n HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Simple {key}\r\n" \
           b"Content-Length: 8\r\nConnection: close\r\n\r\nsmuggled"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all rows. The algorithm appends each input to a file."""
    directory = tmp_path_factory.mktemp("smuggling")
    (directory / "work").mkdir()
    program = Program(
        Path(os.environ["ALGO_RUN"]).resolve(), directory / "home", directory / "work", f"scenario-{uuid.uuid4()}")
    program.run("publish", "o/n", "--directory", program.directory, "--", "sh", "-c", "cat >>inputs; echo '|' >>inputs",
                status=0)
    with Server(program) as server:
        server.inputs = program.directory / "inputs"
        yield server
        assert server.stop() == 0
    processes.end_all(program.marker)
    program.close()


def send(server, head, body=None):
    """Sends the lines of a header, and behind it the second request or `body`; what came back, and what ran."""
    def filled(text):
        return text.replace(b"{port}", str(server.port).encode()).replace(b"{key}", server.key.encode())
    second = filled(SMUGGLED)
    server.inputs.write_bytes(b"")
    sent = filled(head).replace(b"{length}", str(len(second)).encode()).replace(b"{hex}", b"%x" % len(second))
    received = callers.exchange(server, sent + (second if body is None else filled(body)))
    return received, server.inputs.read_bytes()


START = b"POST /v1/algo/o/n HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Simple {key}\r\n"


def test_a_second_request_runs_if_it_is_one(server):
    received, ran = send(server, START + b"Content-Length: 0\r\n\r\n")
    assert callers.statuses(received) == [200, 200] and ran == b"|\nsmuggled|\n"
    received, ran = send(server, START + b"Content-Length: {length}\r\nConnection: close\r\n\r\n")
    assert callers.statuses(received) == [200] and ran.startswith(b"POST /v1") and ran.count(b"|") == 1
    received, ran = send(server, START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert callers.statuses(received) == [200, 200] and ran == b"|\nsmuggled|\n"


REFUSED = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: {length}",
    "two lengths, larger first": b"Content-Length: {length}\r\nContent-Length: 0",
    "the same length twice": b"Content-Length: 0\r\nContent-Length: 0",
    "lengths in a list": b"Content-Length: 0, 0",
    "length and encoding": b"Content-Length: 0\r\nTransfer-Encoding: chunked",
    "encoding and length": b"Transfer-Encoding: chunked\r\nContent-Length: {length}",
    "two encodings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "encodings in a list": b"Transfer-Encoding: gzip, chunked",
    "chunked twice": b"Transfer-Encoding: chunked, chunked",
    "identity": b"Transfer-Encoding: identity",
    "unknown encoding": b"Transfer-Encoding: xchunked",
    "encoding with a parameter": b"Transfer-Encoding: chunked;x=1",
    "encoding in quotes": b'Transfer-Encoding: "chunked"',
    "vertical tab before chunked": b"Transfer-Encoding: \x0bchunked",
    "space before the colon of a length": b"Content-Length : {length}",
    "space before the colon of an encoding": b"Transfer-Encoding : chunked",
    "tab before the colon": b"Content-Length\t: {length}",
    "signed length": b"Content-Length: +8",
    "negative length": b"Content-Length: -1",
    "hexadecimal length": b"Content-Length: 0x8",
    "length with a space": b"Content-Length: 1 0",
    "length with letters": b"Content-Length: 8a",
    "empty length": b"Content-Length:",
    "length beyond 63 bits": b"Content-Length: 9223372036854775808",
    "two hosts": b"Host: 127.0.0.1:{port}\r\nContent-Length: 0",
    "two keys": b"Authorization: Simple {key}\r\nContent-Length: 0",
    "name with a slash": b"X/Y: 1\r\nContent-Length: 0",
    "name with a parenthesis": b"X(Y): 1\r\nContent-Length: 0",
    "name that is not ASCII": b"Xe\xcc\x81: 1\r\nContent-Length: 0",
    "value that is not UTF-8": b"X: \xff\r\nContent-Length: 0",
    "control byte in a value": b"X: a\x01b\r\nContent-Length: 0",
    "DEL in a value": b"X: a\x7fb\r\nContent-Length: 0",
    "escape in a value": b"X: a\x1b[2Jb\r\nContent-Length: 0",
}


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED.keys())
def test_a_header_with_two_meanings_is_400_and_ends_the_connection(server, lines):
    received, ran = send(server, START + lines + b"\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 "), received[:200]
    assert b"HTTP/1.1 200" not in received and ran == b""


def test_a_length_beyond_64_bits_is_refused(server):
    received, ran = send(server, START + b"Content-Length: 18446744073709551616\r\n\r\n")
    assert received.split()[1] in (b"400", b"413") and b"HTTP/1.1 200" not in received and ran == b""


TARGETS = {
    "absolute target of another server": b"POST http://evil.test/v1/algo/o/n HTTP/1.1",
    "escape that is none": b"POST /v1/algo/o/n%zz HTTP/1.1",
    "escaped NUL": b"POST /v1/algo/o/n%00 HTTP/1.1",
    "fragment": b"POST /v1/algo/o/n#x HTTP/1.1",
    "byte that is not ASCII": b"POST /v1/algo/o/n\xc3\xa9 HTTP/1.1",
    "backslash at the start": b"POST \\v1\\algo HTTP/1.1",
    "authority of CONNECT": b"POST 127.0.0.1:80 HTTP/1.1",
}


@pytest.mark.parametrize("line", TARGETS.values(), ids=TARGETS.keys())
def test_a_target_that_cannot_be_read_is_400_and_ends_the_connection(server, line):
    received, ran = send(server, START.replace(b"POST /v1/algo/o/n HTTP/1.1", line) + b"Content-Length: 0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 "), received[:200]
    assert b"HTTP/1.1 200" not in received and ran == b""


CHUNKS = {
    "no hexadecimal size": b"xyz\r\n{smuggled}\r\n0\r\n\r\n",
    "size with 0x": b"0x8\r\nsmuggled\r\n0\r\n\r\n",
    "negative size": b"-8\r\nsmuggled\r\n0\r\n\r\n",
    "signed size": b"+8\r\nsmuggled\r\n0\r\n\r\n",
    "size beyond 64 bits": b"10000000000000008\r\nsmuggled\r\n0\r\n\r\n",
    "data longer than its size": b"2\r\nsmuggled\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", CHUNKS.values(), ids=CHUNKS.keys())
def test_chunks_that_cannot_be_read_end_the_connection(server, body):
    body = body.replace(b"{smuggled}", SMUGGLED)
    received, ran = send(server, START + b"Transfer-Encoding: chunked\r\n\r\n", body + SMUGGLED)
    assert b"HTTP/1.1 200" not in received and ran == b"", received[:200]


# 0.9.75 takes some of these for one request. A proxy that reads them otherwise still gets no second answer.
ONE = {
    "bare line feeds": START.replace(b"\r\n", b"\n") + b"Content-Length: {length}\nConnection: close\n\n",
    "bare line feed before a length": START + b"X: 1\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
    "bare carriage return": START + b"X: 1\rContent-Length: {length}\r\nConnection: close\r\n\r\n",
    "NUL in a value": START + b"X: a\0b\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
    "NUL in a length": START + b"Content-Length: {length}\x000\r\nConnection: close\r\n\r\n",
    "folded header": START + b"X: 1\r\n Content-Length: 0\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
    "folded length": START + b"Connection: close\r\nContent-Length:\r\n {length}\r\n\r\n",
    "folded first line": START.replace(b"\r\nHost", b"\r\n X: 1\r\nHost")
    + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
    "a line without a colon": START + b"nothing\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
    "an empty name": START + b": 1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
    "space before a name": START + b"Connection: close\r\n Content-Length: {length}\r\n\r\n",
    "empty lines first": b"\r\n\r\n" + START + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
    "chunk with an extension": START + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{hex};a=\"\n\"\r\n",
    "trailers": START + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\nContent-Length: {length}\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.0 with an encoding": START.replace(b"HTTP/1.1", b"HTTP/1.0")
    + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 kept alive": START.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Content-Length: {length}\r\n\r\n",
    "two spaces in the request line": START.replace(b" HTTP/1.1", b"  HTTP/1.1")
    + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
    "tab in the request line": START.replace(b" HTTP/1.1", b"\tHTTP/1.1")
    + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
    "HTTP/2.0": START.replace(b"HTTP/1.1", b"HTTP/2.0") + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
    "no version": START.replace(b" HTTP/1.1", b"") + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
    "method in lower case": START.replace(b"POST", b"post") + b"Content-Length: {length}\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("head", ONE.values(), ids=ONE.keys())
def test_what_the_library_reads_leniently_is_refused_or_one_request_and_never_two(server, head):
    body = SMUGGLED + b"\r\n0\r\n\r\n" if b"{hex}" in head else None
    received, ran = send(server, head, body)
    assert received.count(b"HTTP/1.1 200") + received.count(b"HTTP/1.0 200") <= 1, received
    assert ran.count(b"|") <= 1 and ran != b"smuggled|\n", ran


def test_a_head_beyond_its_limit_is_refused_without_running_anything(server):
    for lines in [b"X: " + b"a" * 40_000, b"\r\n".join(b"X%d: a" % number for number in range(4000))]:
        received, ran = send(server, START + lines + b"\r\nContent-Length: 0\r\n\r\n")
        assert received.split()[1] in (b"400", b"413", b"414", b"431"), received[:100]
        assert b"HTTP/1.1 200" not in received and ran == b""
    received, ran = send(server, START.replace(b"/n HTTP", b"/n?" + b"x" * 40_000 + b" HTTP") + b"Content-Length: 0\r\n\r\n")
    assert received.split()[1] in (b"400", b"413", b"414", b"431") and ran == b"", received[:100]
    # One that is just below.
    received, ran = send(server, START + b"X: " + b"a" * 25_000 + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b"")
    assert callers.statuses(received) == [200]
