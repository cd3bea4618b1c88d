# SPDX-License-Identifier: Apache-2.0
"""`consume` where brokers, topics or permissions are in the way: away, too small, unreadable, denied, compacted."""

import hashlib
import os
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from harness import processes
from harness.connections import connect, sasl
from harness.members import SHORT, Members, gave_up
from harness.program import PYTHON

WAITS = "import os, sys, time\nvalue = sys.stdin.read()\nopen('marks', 'a').write('x\\n')\n" \
        "while not os.path.exists('go'): time.sleep(0.01)\n"
# Members whose session outlives what is done to the broker.
PATIENT = ["-X", "session.timeout.ms=120000"]
# Members whose session a test outlives, but not what their requests take on a slow machine.
OUTLIVED = ["-X", "session.timeout.ms=15000", "-X", "heartbeat.interval.ms=1000"]


@pytest.fixture
def members(program, kafka43):
    return Members(program, kafka43)


@pytest.fixture
def on(program):
    """A function: members on another broker."""
    made = []

    def make(kafka):
        made.append(Members(program, kafka))
        return made[-1]

    yield make
    for members in made:
        members.print_logs()


def go(members):
    (members.program.directory / "go").write_text("")


def end(members, *started):
    for member in started:
        member.send_signal(signal.SIGTERM)
    assert [member.wait(timeout=processes.LIMIT) for member in started] == [0] * len(started)


@pytest.mark.parametrize("brokers, session", [(1, PATIENT), (3, PATIENT), (1, OUTLIVED)])
def test_brokers_that_go_away_while_requests_run_cost_no_second_run(own_kafka, on, brokers, session):
    """One of three, or the only one: requests end without it, their results wait, and are written when it is back. That
    holds also for a member that has lost its partitions in the meantime."""
    kafka = own_kafka(brokers=brokers)
    members = on(kafka)
    members.publish_python(WAITS + "print(value, end='')")
    values = [b"%d" % number for number in range(6)]
    members.topics.produce(members.requests, values)
    member = members.start_logged("--jobs", "6", "--metrics", "127.0.0.1:0", *session)
    figures = members.figures(member)
    processes.await_until(lambda: len(members.marks()) == 6, "six running requests")
    kafka.crash()
    go(members)
    processes.await_until(lambda: figures()["running_requests"] == "0", "the end of all requests")
    if session is OUTLIVED:
        # The time itself is the fault.
        time.sleep(17)
    kafka.restart()
    members.await_results(6, limit=300)
    end(members, member)
    assert sorted(record.value for record in members.topics.read(members.results)) == values
    assert len(members.topics.read(members.payloads)) == 6 and len(members.marks()) == 6


def test_brokers_that_stand_still_for_longer_than_a_session_cost_no_result_and_double_none(own_kafka, on):
    """Whether a commit that they were in the middle of counts is known only afterwards."""
    kafka = own_kafka()
    members = on(kafka)
    members.publish_worker("def apply(request): time.sleep(0.005); return request")
    members.topics.produce(members.requests, [b'{"n":%d}' % number for number in range(1000)],
                           partition=lambda number: number % 4)
    started = [members.start_logged("--jobs", "1", *SHORT) for _ in range(2)]
    members.await_results(100)
    os.kill(int(kafka.KAFKA_PID), signal.SIGSTOP)
    # The time itself is the fault.
    time.sleep(9)
    os.kill(int(kafka.KAFKA_PID), signal.SIGCONT)
    members.await_results(1000, limit=300)
    end(members, *(member for member in started if not gave_up(member)))
    for topic in (members.results, members.payloads):
        assert list(members.topics.count(topic).values()) == [1] * 1000


@pytest.mark.any_library
def test_a_member_ends_soon_although_the_brokers_stand_still(own_kafka, on):
    """Its last result cannot be written: it ends long before the time for running requests, and says so."""
    kafka = own_kafka()
    members = on(kafka)
    members.publish_python(WAITS + "print(value, end='')")
    members.topics.produce(members.requests, [b"x"])
    member = members.start_logged("--drain", "1h", "--metrics", "127.0.0.1:0", *OUTLIVED)
    figures = members.figures(member)
    processes.await_until(lambda: len(members.marks()) == 1, "a running request")
    os.kill(int(kafka.KAFKA_PID), signal.SIGSTOP)
    go(members)
    processes.await_until(lambda: figures()["running_requests"] == "0", "the end of the request")
    member.send_signal(signal.SIGTERM)
    assert member.wait(timeout=processes.LIMIT) == 1
    assert "1 result could not be committed before the end" in member.log.read_text().splitlines()[-1]
    os.kill(int(kafka.KAFKA_PID), signal.SIGCONT)
    # It takes a while until it answers everything.
    processes.await_until(lambda: members.run("--once", limit=300).status == 0, "an end of the topic", limit=300)
    assert [record.value for record in members.topics.read(members.results)] == [b"x"]


HANGS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
void *rd_kafka_send_offsets_to_transaction(void *producer, void *offsets, void *group, int limit) {
  while (access("hang", F_OK) == 0) pause();
  void *(*real)(void *, void *, void *, int) = dlsym(RTLD_NEXT, "rd_kafka_send_offsets_to_transaction");
  return real(producer, offsets, group, limit);
}
"""


@pytest.mark.any_library
def test_a_call_of_the_library_that_does_not_end_ends_the_process(members):
    """As librdkafka does now and then, whatever the time limit: nothing can be written any more, and the next process ends
    the transaction."""
    directory = members.program.directory
    (directory / "hangs.c").write_text(HANGS)
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    place = [f"-L{os.environ['LIBRDKAFKA']}"] if os.environ.get("LIBRDKAFKA") else []
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "hangs.so", "hangs.c", *place, "-Wl,--no-as-needed",
                    "-l:librdkafka.so.1", "-ldl"], cwd=directory, check=True)
    members.publish_worker("def apply(request): return request")
    members.topics.produce(members.requests, [b'{"n":%d}' % number for number in range(20)])
    (directory / "hang").write_text("")
    outcome = members.run(*SHORT, status=1, limit=180, env={"ALGO_RUN_LIBRDKAFKA": str(directory / "hangs.so")})
    assert "the library has not come back from a call" in outcome.messages[-1]
    assert members.topics.read(members.results) == []
    (directory / "hang").unlink()
    members.once(limit=120, env={"ALGO_RUN_LIBRDKAFKA": str(directory / "hangs.so")})
    assert list(members.topics.count(members.results).values()) == [1] * 20


@pytest.mark.any_library
def test_results_that_memory_is_too_small_for_wait_in_a_file(own_kafka, on):
    """More than 64 MiB wait while the broker stands still. The transaction ends by its time, and is written again."""
    kafka = own_kafka()
    members = on(kafka)
    members.publish_python(WAITS + "sys.stdout.write(value * 900_000)")
    values = [b"%d" % (number % 10) for number in range(100)]
    members.topics.produce(members.requests, values)
    spill = members.program.directory / "spill"
    spill.mkdir()
    member = members.start_logged("--jobs", "2", "--metrics", "127.0.0.1:0", *PATIENT, env={"TMPDIR": str(spill)})
    figures = members.figures(member)

    def lag():
        return sum(int(value) for name, value in figures().items() if name.startswith("lag_records"))

    processes.await_until(lambda: lag() == 100 and len(members.marks()) == 2, "all requests are here")
    os.kill(int(kafka.KAFKA_PID), signal.SIGSTOP)
    go(members)
    processes.await_until(lambda: len(members.marks()) == 100 and figures()["running_requests"] == "0", "all requests ran",
                          limit=300)
    assert processes.bytes_open(member.pid, "/spill/") > 10 << 20
    os.kill(int(kafka.KAFKA_PID), signal.SIGCONT)
    members.await_results(100, limit=300)
    end(members, member)
    results = members.topics.read(members.results)
    assert sorted(record.value[:1] for record in results) == sorted(values)
    assert all(record.value == record.value[:1] * 900_000 for record in results) and len(members.marks()) == 100


def test_a_request_larger_than_the_fetch_limit_runs_as_any_other(members):
    """Brokers give at least one record, however large."""
    large, = members.topics.make("large", partitions=1, max_message_bytes=20_000_000)
    members.requests = large
    members.publish(PYTHON, "-c", "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest(), end='')")
    values = [b"a" * 12_000_000, b"b" * 1_048_576, b""]
    members.topics.produce(large, values)
    members.once("-X", "fetch.message.max.bytes=100000", "-X", "fetch.max.bytes=1100000")
    assert sorted(record.value.decode() for record in members.topics.read(members.results)) == sorted(
        hashlib.sha256(value).hexdigest() for value in values)


@pytest.mark.any_library
def test_results_around_the_limit_of_their_topic_are_there_or_named_as_too_large(members):
    """No size is refused by the broker only, which would abort the transaction of the others."""
    small, = members.topics.make("small", max_message_bytes=10_000)
    members.results = small
    members.publish(PYTHON, "-c", "import sys; print('x' * int(sys.stdin.read()), end='')")
    sizes = list(range(7_900, 10_200, 100))
    members.topics.produce(members.requests, [b"%d" % size for size in sizes])
    outcome = members.once()
    assert not any("aborted" in line for line in outcome.messages), outcome
    found = [len(record.value) if record.value is not None else int(record.headers["algo_result_bytes"])
             for record in members.topics.read(small)]
    assert sorted(found) == sizes


def corrupt(path, text):
    """Breaks the compressed records of the batch in a segment whose codec is set; gives how many records it has."""
    data = bytearray(path.read_bytes())
    place = 0
    while place + 61 < len(data):
        [length] = struct.unpack_from(">i", data, place + 8)
        [attributes] = struct.unpack_from(">h", data, place + 21)
        [count] = struct.unpack_from(">i", data, place + 57)
        if attributes & 7:
            for index in range(place + 61, place + 12 + length):
                data[index] = 0xff
            path.write_bytes(data)
            return count
        place += 12 + length
    raise AssertionError(f"no compressed batch in {path}")


@pytest.mark.parametrize("action", ["record", "stop"])
def test_a_batch_that_cannot_be_read_is_dead_letters_without_value(own_kafka, on, action):
    kafka = own_kafka()
    members = on(kafka)
    dead, = members.topics.make("dead", retention_ms=-1)
    members.publish("cat")
    members.topics.produce(members.requests, [b"before"], partition=0)
    producer = Producer({"bootstrap.servers": kafka.PLAINTEXT, "compression.type": "gzip", "linger.ms": 500})
    for _ in range(3):
        producer.produce(members.requests, b"lost " * 100, partition=0)
    assert producer.flush(60) == 0
    members.topics.produce(members.requests, [b"after"], partition=0)
    kafka.stop()
    [segment] = Path(kafka.directory).rglob(f"{members.requests}-0/*.log")
    assert corrupt(segment, b"lost") == 3
    kafka.restart()
    members.topics.await_leaders(members.requests)
    outcome = members.once("--dead-letter", dead, "--on-failure", action, status=0 if action == "record" else 1)
    letters = members.topics.read(dead)
    if action == "stop":
        assert f"{members.requests}/0/1, which cannot be read" in outcome.messages[-1] and letters == []
        return
    assert sorted(record.value for record in members.topics.read(members.results)) == [b"after", b"before"]
    assert [(letter.value, letter.headers["algo_reason"], letter.headers["__connect.errors.offset"]) for letter in letters] == [
        (None, "undecodable", "1"), (None, "undecodable", "2"), (None, "undecodable", "3")]
    assert members.topics.committed(members.group, members.requests)[0][0] == 5


def deny(kafka, *resource):
    """Only another user may use it."""
    kafka.tool("acls", "--add", "--allow-principal", "User:admin", "--operation", "All", *resource)


def allow(kafka, operation, *resource):
    kafka.tool("acls", "--add", "--allow-principal", f"User:{kafka.USER}", "--operation", operation, *resource)


@pytest.mark.parametrize("denied, expected", [
    ("requests", "topic: {requests}"), ("read", "read: topic {requests}"), ("group", "read: group {group}"),
    ("results", "topic: {results}"), ("write", "produce: topic {results}"), ("transactions", "transactions: ")])
def test_a_missing_permission_is_found_at_the_start(members, denied, expected):
    kafka = members.kafka
    env = {"KAFKA_PASSWORD": kafka.PASSWORD}
    connect(members.program, *sasl(kafka, members.payloads), **env)
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"])
    match denied:
        case "requests" | "results": deny(kafka, "--topic", getattr(members, denied))
        case "read":
            deny(kafka, "--topic", members.requests)
            allow(kafka, "Describe", "--topic", members.requests)
        case "write":
            deny(kafka, "--topic", members.results)
            allow(kafka, "Describe", "--topic", members.results)
        case "group": deny(kafka, "--group", members.group)
        case "transactions":
            deny(kafka, "--resource-pattern-type", "prefixed", "--transactional-id", f"algo-run-{members.group}")
    outcome = members.run(status=78, env=env)
    assert outcome.messages[-1].startswith(expected.format(**vars(members))), outcome
    assert "authorization failed" in outcome.messages[-1].lower() or "allow this user" in outcome.messages[-1]


@pytest.mark.any_library
def test_a_compacted_topic_has_gaps_and_no_request_twice(own_kafka, on):
    kafka = own_kafka("4.3", "-o", "log.cleaner.backoff.ms=100")
    members = on(kafka)
    compacted, = members.topics.make("compacted", partitions=1, cleanup_policy="compact", segment_ms=100,
                                     min_cleanable_dirty_ratio=0.001)
    members.requests = compacted
    members.publish("cat")
    for round in range(3):
        members.topics.produce(compacted, [(b"key%d" % key, b"%d/%d" % (key, round)) for key in range(20)])
    processes.await_until(lambda: members.topics.produce(compacted, [(b"last", b"last")]) or
                          len(members.topics.read(compacted)) < 50, "a compaction", limit=300)
    members.once()
    wanted = {record.offset: record.value for record in members.topics.read(compacted)}
    results = members.topics.read(members.results)
    places = [record.headers["algo_source"] for record in results]
    assert len(set(places)) == len(places) and {b"%d/2" % key for key in range(20)} <= {record.value for record in results}
    assert {f"{compacted}/0/{offset}" for offset in wanted} <= set(places)
