# SPDX-License-Identifier: Apache-2.0
"""Many callers of a server at the same time, and the view of a caller that sends bytes of its own."""

import http.client
import json
import os
import socket
import threading
import time

from harness import processes
from harness.server import Server


def at_once(count, work):
    """Does `work(number)` in `count` threads; fails with the first exception of theirs."""
    problems = []

    def run(number):
        try:
            work(number)
        except BaseException as problem:  # noqa: B036 (it is raised again)
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def head(server, method="POST", path="/v1/algo/o/n", *lines):
    """The header of a request, its end included."""
    own = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *lines]
    if server.key and not any(line.lower().startswith("authorization") for line in lines):
        own.append(f"Authorization: Simple {server.key}")
    return ("\r\n".join(own) + "\r\n\r\n").encode()


def exchange(server, sent):
    """All that the server sends until it closes the connection; `sent` must make it do that."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        try:
            client.sendall(sent)
            while piece := client.recv(65536):
                received += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received


def statuses(received):
    """The statuses of all responses in these bytes. Of a body only its length is looked at."""
    found = []
    while received:
        top, _, received = received.partition(b"\r\n\r\n")
        lines = top.decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        assert version == "HTTP/1.1", received
        found.append(int(status))
        length = [line.split(":")[1] for line in lines if line.lower().startswith("content-length:")]
        received = received[int(length[0]) if length else 0:]
    return found


class Unanswered(Exception):
    """The server took a request and closed the connection without a whole response."""


def call_once(server, path, body):
    """A call on a connection of its own. Its status and body; None if the server takes no connection.

    Raises Unanswered if the server takes the connection and no whole response comes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        connection.connect()
    except OSError:
        return None
    try:
        connection.request("POST", f"/v1/algo/{path}", body, server.headers())
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as problem:
        raise Unanswered(f"{type(problem).__name__}: {problem}") from problem
    finally:
        connection.close()


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def resident_kibibytes(process):
    with open(f"/proc/{process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def children(process):
    """The numbers of its children, zombies included."""
    found = []
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/children") as file:
            found += map(int, file.read().split())
    return found


def call_and_kill(program, reference, chance, turns):
    """Kills a server by SIGKILL while eight callers call it, and starts it again, `turns` times.

    The identifiers of all answered calls."""
    answered = []
    for turn in range(turns):
        with Server(program, "--jobs", "2", "--queue", "100", name=f"turn-{turn}") as server:

            def call(number):
                try:
                    while answer := call_once(server, reference, b"1"):
                        assert answer[0] == 200, answer
                        answered.append(json.loads(answer[1])["metadata"]["request_id"])
                except Unanswered:
                    pass

            def kill():
                limit = len(answered) + chance.randrange(1, 30)
                processes.await_until(lambda: len(answered) >= limit, "some calls are answered")
                time.sleep(chance.uniform(0, 0.01))
                server.process.kill()

            killing = threading.Thread(target=kill)
            killing.start()
            at_once(8, call)
            killing.join()
            server.process.wait(60)
            assert processes.await_none(program.marker) == []
    return answered
