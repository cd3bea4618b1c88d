# SPDX-License-Identifier: Apache-2.0
"""`serve` under load and with clients that misbehave."""

import json
import os
import socket
import threading

import pytest

from harness import processes
from harness.program import PYTHON
from harness.server import Server


@pytest.mark.slow
def test_callers_that_leave_at_random_moments_leave_nothing_behind(program, chance):
    program.run("publish", "o/n", "--insights", "--", PYTHON, "-c", "import time; time.sleep(0.02)", status=0)
    with Server(program, "--jobs", "4", "--queue", "100") as server:
        server.call("o/n")
        descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        request = (f"POST /v1/algo/o/n HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: {server.key}\r\n"
                   "Content-Length: 4\r\n\r\nbody").encode()
        for _ in range(500):
            with socket.create_connection(("127.0.0.1", server.port), 60) as client:
                client.sendall(request[:chance.choice([10, len(request) - 2, len(request), len(request)])])
                client.settimeout(chance.choice([0.001, 0.01, 0.05]))
                try:
                    client.recv(100)
                except TimeoutError:
                    pass
        processes.await_until(
            lambda: b"executions_running 0" in server.request("GET", "/metrics")[2]
            and b"executions_waiting 0" in server.request("GET", "/metrics")[2], "all executions end")
        processes.await_until(
            lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) <= descriptors + 1, "descriptors are closed")
        ids = [json.loads(line)["request_id"] for line in program.insights()]
        assert len(ids) == len(set(ids))
        assert server.stop() == 0


@pytest.mark.slow
def test_many_callers_at_once_get_their_own_answers(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--jobs", "2", "--queue", "100") as server:
        wrong = []

        def call(number):
            connection = server.connect()
            for count in range(20):
                sent = f"{number}.{count}5"
                connection.request("POST", "/v1/algo/o/n", sent.encode(), server.headers())
                body = connection.getresponse().read()
                if f'"result":{sent},'.encode() not in body:
                    wrong.append(body)
            connection.close()

        callers = [threading.Thread(target=call, args=(number,)) for number in range(32)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert wrong == []
        assert server.stop() == 0
