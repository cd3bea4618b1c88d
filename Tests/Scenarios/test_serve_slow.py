# SPDX-License-Identifier: Apache-2.0
"""`serve` and clients that are slow on purpose: each is cut off, and no other call waits for it (docs/serve.md, Security)."""

import json
import os
import select
import shutil
import socket
import subprocess

import pytest

from harness import callers, processes
from harness.program import PYTHON
from harness.server import Server


def drip(server, first, piece):
    """Sends a beginning, and then a piece each tenth of a second until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        client.sendall(first)
        try:
            while not select.select([client], [], [], 0.1)[0] or client.recv(65536):
                client.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass


def read_slowly(server, head):
    """Sends a request, and reads its response by a byte each tenth of a second until the server closes the connection."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(head)
        watch = select.poll()
        # Reset by the server, while most of the response is unread.
        watch.register(client, select.POLLERR | select.POLLHUP)
        try:
            while not watch.poll(100) and client.recv(1):
                pass
        except ConnectionResetError:
            pass


def forms(server):
    """Slow clients of each form."""
    post = callers.head(server, "POST", "/v1/algo/o/n", "Content-Length: 1000000")
    chunked = callers.head(server, "POST", "/v1/algo/o/n", "Transfer-Encoding: chunked")
    large = callers.head(server, "POST", "/v1/algo/o/large?output=raw", "Content-Length: 0")
    return [
        lambda: drip(server, b"", b""),
        lambda: drip(server, b"P", b"O"),
        lambda: drip(server, post[:-2], b"X: 1\r\n"),
        lambda: drip(server, callers.head(server, "GET", "/livez"), b"G"),
        lambda: drip(server, post, b"x"),
        lambda: drip(server, chunked, b"1\r\nx\r\n"),
        lambda: read_slowly(server, large),
        lambda: read_slowly(server, callers.head(server, "GET", "/openapi.json") * 200),
    ]


@pytest.mark.slow
def test_slow_headers_bodies_and_readers_are_cut_off_and_hold_no_call_up(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    program.run("publish", "o/large", "--", PYTHON, "-S", "-c", "import os\nfor _ in range(200): os.write(1, b'x' * 100_000)",
                status=0)
    with Server(program, "--jobs", "2", "--queue", "20", "--max-output", "64MiB") as server:
        server.call("o/n", b"1")
        before = callers.descriptors(server.process)
        slow = forms(server) * 3
        left = [len(slow)]

        def work(number):
            if number < len(slow):
                slow[number]()
                left[0] -= 1
                return
            while left[0]:
                assert server.call("o/n", b"7")["result"] == 7

        callers.at_once(len(slow) + 1, work)
        # The calls of the slow readers have ended, and their files are closed, but for the three large results, which are kept.
        processes.await_until(lambda: callers.descriptors(server.process) <= before + 6, "all is closed")
        assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["-H", "-B", "-X"])
def test_slowhttptest_finds_the_service_available(program, attack):
    tool = shutil.which("slowhttptest")
    if not tool:
        assert os.environ.get("CI") != "true", "slowhttptest is missing"
        pytest.skip("slowhttptest is missing: apt-get install slowhttptest")
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--jobs", "2", "--queue", "20") as server:
        url = f"http://127.0.0.1:{server.port}/{'openapi.json' if attack == '-X' else 'v1/algo/o/n'}"
        options = {"-H": ["-i", "2"], "-B": ["-i", "2", "-s", "8192"], "-X": ["-w", "64", "-y", "128", "-z", "8", "-k", "5"]}
        command = [tool, attack, *options[attack], "-c", "200", "-r", "200", "-l", "12", "-p", "3", "-u", url]
        attacking = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     text=True)
        answered = 0
        while attacking.poll() is None:
            assert server.call("o/n", b"7")["result"] == 7
            answered += 1
            # Its output fits into the pipe: it is read at the end.
        output = attacking.stdout.read()
        attacking.stdout.close()
        assert answered > 0 and "service available:" in output, output[-2000:]
        assert server.stop() == 0


def test_beyond_the_limit_of_connections_the_longest_idle_one_ends(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--max-connections", "20") as server:
        clients = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(20)]
        processes.await_until(lambda: callers.descriptors(server.process) > 25, "all are taken")
        assert server.call("o/n", b"7")["result"] == 7
        closed = [client for client in clients if select.select([client], [], [], 0)[0]]
        assert 1 <= len(closed) <= 2 and closed[0] is clients[0]
        for client in clients:
            client.close()
        assert server.stop() == 0


@pytest.mark.slow
def test_ten_thousand_idle_connections_stop_no_call(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--jobs", "2", "--queue", "20") as server:
        # A process of its own: it needs as many descriptors.
        source = """
import resource, socket, sys
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
clients = []
for number in range(10_000):
    clients.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60))
    if number % 1000 == 999: print(number + 1, flush=True)
sys.stdin.read()
"""
        opening = subprocess.Popen([PYTHON, "-S", "-c", source, str(server.port)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        try:
            for number in range(10):
                assert processes.read_line(opening.stdout.fileno()) == str(1000 * (number + 1))
                assert server.call("o/n", b"7")["result"] == 7
            assert callers.descriptors(server.process) <= 4096 + 200
            kept = server.connect()
            for _ in range(20):
                kept.request("POST", "/v1/algo/o/n", b"7", server.headers())
                assert json.loads(kept.getresponse().read())["result"] == 7
            kept.close()
            # Its end does not wait for them either.
            assert server.stop() == 0
        finally:
            opening.stdin.close()
            opening.stdout.close()
            opening.kill()
            opening.wait()
