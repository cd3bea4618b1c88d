# SPDX-License-Identifier: Apache-2.0
"""`consume` where one member of two loses the network, and where the group never comes to rest."""

import copy
import os
import signal

import pytest
from confluent_kafka import Consumer

from harness import processes
from harness.broker import NEWEST
from harness.connections import connect, sasl
from harness.fault_proxy import FaultProxy
from harness.members import SHORT, Members, gave_up
from harness.program import Program

WORKER = "def apply(request): time.sleep(0.01); return request"


def requests(count):
    return [b'{"n":%d}' % number for number in range(count)]


def end(*started):
    for member in started:
        member.send_signal(signal.SIGTERM)
    assert [member.wait(timeout=processes.LIMIT) for member in started] == [0] * len(started)


@pytest.fixture
def by_proxy(own_kafka):
    """A broker that is reached by SASL_SSL through a proxy, and directly by PLAINTEXT, which it uses itself."""
    proxy = FaultProxy()
    kafka = own_kafka(NEWEST, "--advertise-tls", str(proxy.port))
    proxy.target = int(kafka.SASL_SSL.rpartition(":")[2])
    kafka.SASL_SSL = f"127.0.0.1:{proxy.port}"
    yield kafka, proxy
    proxy.close()


@pytest.fixture
def elsewhere(program, tmp_path):
    """A home of its own, as on another host."""
    other = Program(program.binary, tmp_path / "elsewhere", program.directory, program.marker)
    yield other
    other.close()


@pytest.mark.any_library
@pytest.mark.parametrize("mode", ["stall", "reset"])
def test_a_member_that_loses_the_network_costs_no_result_and_doubles_none(program, elsewhere, by_proxy, mode):
    """The other one, which reaches the broker by another way, takes its partitions; when the network is back, nothing of
    what it could not write counts twice."""
    kafka, proxy = by_proxy
    here = Members(program, kafka)
    here.publish_worker(WORKER)
    there = copy.copy(here)
    there.program = elsewhere
    password = {"KAFKA_PASSWORD": kafka.PASSWORD}
    connect(elsewhere, *sasl(kafka, here.payloads), **password)
    there.publish_worker(WORKER)
    here.topics.produce(here.requests, requests(2000), partition=lambda number: number % 4)
    options = ["--jobs", "1", "--metrics", "127.0.0.1:0", *SHORT]
    cut, other = there.start_logged(*options, env=password), here.start_logged(*options)
    owned = [lambda read=here.figures(member): read()["assigned_partitions"] for member in (cut, other)]
    try:
        processes.await_until(lambda: [read() for read in owned] == ["2", "2"], "two members", limit=300)
        proxy.mode = mode
        processes.await_until(lambda: owned[1]() == "4", "the other member has all partitions", limit=300)
        proxy.mode = "pass"
        here.await_results(2000, limit=300)
        processes.await_until(lambda: gave_up(cut) or owned[0]() == "2", "the member is one again", limit=300)
        end(*(member for member in (cut, other) if not gave_up(member)))
        for topic in (here.results, here.payloads):
            assert list(here.topics.count(topic).values()) == [1] * 2000
    finally:
        here.print_logs()


def poll(consumer):
    consumer.poll(0.05)
    return consumer


def descriptors(member):
    return len(os.listdir(f"/proc/{member.pid}/fd"))


@pytest.mark.any_library
@pytest.mark.slow
@pytest.mark.soak
def test_a_group_that_never_comes_to_rest_loses_and_doubles_nothing(program, kafka43, pytestconfig):
    """Others join and leave all the time. `make soak` has 1,000 rebalances of it."""
    rebalances = pytestconfig.getoption("kills") * 2 if pytestconfig.getoption("kills") > 50 else 20
    members = Members(program, kafka43)
    members.publish_worker(WORKER)
    started = [members.start_logged("--jobs", "2", "--metrics", "127.0.0.1:0", *SHORT) for _ in range(2)]
    figures = [members.figures(member) for member in started]

    def count():
        return min(int(read()["rebalances_total"]) for read in figures)

    sent, before = 0, None
    try:
        while count() < rebalances:
            members.topics.produce(members.requests, requests(sent + 100)[sent:], partition=lambda number: number % 4)
            sent += 100
            joiner = Consumer({"bootstrap.servers": kafka43.PLAINTEXT, "group.id": members.group, "session.timeout.ms": 6000,
                               "heartbeat.interval.ms": 1000, "enable.auto.commit": False,
                               "partition.assignment.strategy": "cooperative-sticky"})
            joiner.subscribe([members.requests])
            processes.await_until(lambda: poll(joiner).assignment(), "another member", limit=300)
            joiner.close()
            members.await_results(sent, limit=300)
            before = before or [descriptors(member) for member in started]
        # A worker that was not there yet has nine, a client of Kafka about as many; a thousand rebalances would leave more.
        processes.await_until(lambda: all(descriptors(member) <= old + 30 for member, old in zip(started, before)),
                              "descriptors are closed")
        end(*started)
        for topic in (members.results, members.payloads):
            assert list(members.topics.count(topic).values()) == [1] * sent
    finally:
        members.print_logs()
