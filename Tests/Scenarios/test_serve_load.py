# SPDX-License-Identifier: Apache-2.0
"""`serve` under load: with callers that leave, with a broker that is away, and at its own end (docs/serve.md)."""

import json
import random
import signal
import socket
import threading

import pytest

from harness import callers, processes
from harness.outboxes import connect
from harness.program import PYTHON
from harness.server import Server
from harness.workers import Workers

# Marks that it began, and reports one metric.
MARKS = "import os; m = os.open('ran', os.O_WRONLY | os.O_CREAT | os.O_APPEND); " \
        "os.write(m, (os.environ['ALGO_REQUEST_ID'] + '\\n').encode()); os.write(3, b'{\"n\": 1}\\n'); "


def publish_command(program, rest="print(1)"):
    program.run("publish", "o/n", "--insights", "--directory", program.directory, "--", PYTHON, "-S", "-c", MARKS + rest,
                status=0)


def publish_worker(program, rest="return 1"):
    Workers(program).publish(
        "def apply(value):\n    mark('ran', algo_run.current().id + '\\n')\n    algo_run.report(n=1)\n"
        f"    {rest}\nalgo_run.serve(apply)\n", "--insights", status=0)
    return "o/w"


def marked(program):
    path = program.directory / "ran"
    return path.read_text().split() if path.exists() else []


def payload_ids(program):
    return [json.loads(line)["request_id"] for line in program.insights()]


def await_idle(server):
    """Waits until nothing runs and nothing waits."""
    def is_idle():
        page = server.request("GET", "/metrics")[2]
        return b"executions_running 0\n" in page and b"executions_waiting 0\n" in page
    processes.await_until(is_idle, "all executions end")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["command", "worker"])
def test_callers_that_leave_at_random_moments_leave_nothing_behind(program, kind):
    pause = "time.sleep(0.02)"
    reference = "o/n"
    if kind == "worker":
        reference = publish_worker(program, f"{pause}; return 1")
    else:
        publish_command(program, f"import time; {pause}; print(1)")
    with Server(program, "--jobs", "4", "--queue", "100", "--grace", "100ms") as server:
        server.call(reference)
        # Three more workers may be there later, each with nine: four outputs, requests, socket, and three of /proc; and
        # threads open databases at their first work. 500 callers would leave far more behind.
        allowed = callers.descriptors(server.process) + (3 * 9 if kind == "worker" else 0) + 10
        request = callers.head(server, "POST", f"/v1/algo/{reference}", "Content-Length: 4") + b"body"

        def leave(number):
            chance = random.Random(number)
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", server.port), 60) as client:
                    client.sendall(request[:chance.choice([10, len(request) - 2, len(request), len(request)])])
                    client.settimeout(chance.choice([0.001, 0.01, 0.05]))
                    try:
                        client.recv(100)
                    except TimeoutError:
                        pass

        callers.at_once(25, leave)
        await_idle(server)
        processes.await_until(lambda: callers.descriptors(server.process) <= allowed, "descriptors are closed")
        # Four workers, and the guardian.
        processes.await_until(lambda: len(callers.children(server.process)) <= 5, "children are reaped")
        assert server.stop() == 0
    ids = payload_ids(program)
    assert len(ids) == len(set(ids)) and ids
    # A child that is stopped before it can mark has a payload, too.
    assert set(marked(program)) <= set(ids)


@pytest.mark.slow
def test_many_callers_together_get_their_own_answers(program):
    program.run("publish", "o/n", "--", "cat", status=0)
    with Server(program, "--jobs", "2", "--queue", "100") as server:

        def call(number):
            connection = server.connect()
            for count in range(20):
                sent = f"{number}.{count}5"
                connection.request("POST", "/v1/algo/o/n", sent.encode(), server.headers())
                body = connection.getresponse().read()
                assert f'"result":{sent},'.encode() in body
            connection.close()

        callers.at_once(32, call)
        assert server.stop() == 0


def test_each_answered_call_is_in_the_journal_while_others_wait(program):
    Workers(program).publish("def apply(value):\n    return value\nalgo_run.serve(apply)\n", status=0)
    with Server(program, "--jobs", "2", "--queue", "100") as server:

        def journal():
            return b"".join(path.read_bytes() for path in (program.home / "history").glob("*.journal"))

        def call(number):
            connection = server.connect()
            for _ in range(30):
                connection.request("POST", "/v1/algo/o/w", b"%d" % number, server.headers())
                request = json.loads(connection.getresponse().read())["metadata"]["request_id"]
                assert request.encode() in journal()
            connection.close()

        callers.at_once(16, call)
        assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("delay", ["0s", "50ms"])
def test_the_end_of_the_server_under_load_loses_no_response(program, delay):
    reference = publish_worker(program)
    answered = []
    for turn in range(8):
        with Server(program, "--jobs", "2", "--queue", "100", "--drain-delay", delay, name=f"turn-{turn}") as server:

            def call(number):
                while answer := callers.call_once(server, reference, b"1"):
                    assert answer[0] in (200, 503), answer
                    if answer[0] == 200:
                        answered.append(json.loads(answer[1])["metadata"]["request_id"])

            def end():
                limit = len(answered) + 20 + 7 * turn
                processes.await_until(lambda: len(answered) >= limit, "some calls are answered")
                server.process.send_signal(signal.SIGTERM)

            ending = threading.Thread(target=end)
            ending.start()
            callers.at_once(16, call)
            ending.join()
            assert server.process.wait(60) == 0
    assert sorted(payload_ids(program)) == sorted(answered) == sorted(marked(program))


def test_a_request_that_the_kernel_took_before_the_end_is_answered(program):
    publish_command(program)
    with Server(program) as server:
        processes.suspend(server.process.pid)
        clients = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(50)]
        for client in clients:
            client.sendall(callers.head(server, "POST", "/v1/algo/o/n", "Content-Length: 0"))
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        for client in clients:
            with client:
                assert client.makefile("rb").readline().split()[1] in (b"200", b"503", b"429")
        assert server.process.wait(60) == 0


def test_a_kept_connection_whose_next_request_is_there_at_the_end_gets_its_answer(program):
    publish_command(program)
    with Server(program) as server:
        with socket.create_connection(("127.0.0.1", server.port), 60) as client:
            reader = client.makefile("rb")
            client.sendall(callers.head(server, "GET", "/livez"))
            assert reader.readline().split()[1] == b"200"
            while reader.readline() != b"\r\n":
                pass
            assert reader.readline() == b"ok\n"
            processes.suspend(server.process.pid)
            client.sendall(callers.head(server, "POST", "/v1/algo/o/n", "Content-Length: 0"))
            server.process.send_signal(signal.SIGTERM)
            server.process.send_signal(signal.SIGCONT)
            assert reader.readline().split()[1] in (b"200", b"503")
        assert server.process.wait(60) == 0


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("kind", ["command", "worker"])
def test_a_server_that_is_killed_under_load_has_one_payload_for_each_answered_call(program, chance, request, kind):
    """None is lost, none is there twice, and none is of an execution that did not take place."""
    reference = "o/n"
    if kind == "worker":
        reference = publish_worker(program)
    else:
        publish_command(program)
    answered = callers.call_and_kill(program, reference, chance, max(request.config.getoption("kills") // 10, 1))
    ids = payload_ids(program)
    assert len(ids) == len(set(ids))
    assert set(answered) <= set(ids) <= set(marked(program))
    listed = [json.loads(line) for line in program.run("runs", "--json", "--limit", "100000", status=0).stdout.splitlines()]
    assert set(answered) <= {execution["request_id"] for execution in listed}


@pytest.mark.slow
def test_with_a_broker_that_is_away_for_the_whole_run_no_call_waits_and_no_payload_is_lost(program, unreachable):
    connect(program, unreachable)
    reference = publish_worker(program)
    answered = []
    with Server(program, "--jobs", "2", "--queue", "100", scope="admin") as server:

        def call(number):
            for _ in range(50):
                status, body = callers.call_once(server, reference, b"1")
                assert status == 200, body
                answered.append(json.loads(body)["metadata"]["request_id"])

        callers.at_once(8, call)
        assert server.request("GET", "/readyz", headers={})[0] == 200
        assert server.get("/v1/admin/outbox")["pending"] == 400
        assert server.stop() == 0
    listed = json.loads(program.run("outbox", "list", "--json", "--limit", "1000", status=0).stdout)
    assert sorted(record["request_id"] for record in listed) == sorted(answered) == sorted(marked(program))


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("kind", ["command", "worker"])
def test_calls_without_end_grow_neither_memory_nor_descriptors_nor_processes(program, request, kind):
    reference = "o/n"
    if kind == "worker":
        reference = publish_worker(program)
        count = request.config.getoption("requests") // 5
    else:
        program.run("publish", "o/n", "--insights", "--", "/bin/true", status=0)
        count = request.config.getoption("requests") // 50
    with Server(program, "--jobs", "2", "--queue", "100") as server:
        size = {}

        def measure(name):
            await_idle(server)
            size[name] = (callers.resident_kibibytes(server.process), callers.descriptors(server.process),
                          len(callers.children(server.process)))

        def call(number):
            connection = server.connect()
            for _ in range(count // 8):
                connection.request("POST", f"/v1/algo/{reference}", b"1", server.headers())
                response = connection.getresponse()
                assert response.read() and response.status == 200
            connection.close()

        # The results of the last 4,096 calls are kept: only then does the memory stand still.
        callers.at_once(8, call)
        measure("first")
        callers.at_once(8, call)
        measure("last")
        print(size)
        kept = 4096 if count >= 4096 else 2 * count
        # A call that is kept takes some kilobytes.
        allowed = 1024 if count >= 4096 else 4 * kept
        assert size["last"][0] - size["first"][0] <= allowed, size
        assert size["last"][1] <= size["first"][1] + 5 and size["last"][2] <= size["first"][2], size
        assert server.stop() == 0
