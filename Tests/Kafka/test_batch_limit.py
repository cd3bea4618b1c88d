# SPDX-License-Identifier: Apache-2.0
"""A broker's limit on size applies to record batches: it must cost no payload that the broker would take by itself."""

import json
import signal

import pytest

from harness import processes
from harness.connections import connect, plaintext
from harness.listeners import DeadPort

# Above a record with a small number, below one with a number of that many digits, which is carried as it is written.
LIMIT = 1500
DIGITS = 2000
TOO_LARGE = f"""echo '{{"n": 0.{"1" * DIGITS}}}' >&3"""
EVERY_OTHER_IS_TOO_LARGE = f"""read n; if [ $((n % 2)) = 0 ]; then echo "{{\\"n\\": $n}}" >&3; else {TOO_LARGE}; fi"""


def states(program):
    return sorted(record["state"] for record in json.loads(program.run("outbox", "list", "--json", status=0).stdout))


def pending(program):
    return json.loads(program.run("outbox", "status", "--json", status=0).stdout)["pending"]


def limited_topic(kafka, topic, limit):
    kafka.tool("topics", "--create", "--topic", topic, "--config", f"max.message.bytes={limit}", "--partitions", "1")


def requests(program, count):
    path = program.directory / "requests.ndjson"
    path.write_text("".join(f"{n}\n" for n in range(count)))
    return path


def wait_in_outbox(program, topic, count, *command):
    """Runs a batch whose payloads wait in the outbox, as no broker listens."""
    with DeadPort() as port:
        connect(program, "--type", "plaintext", "--brokers", f"127.0.0.1:{port.number}", "--topic", topic)
        batch = program.start(
            "batch", "demo/x", requests(program, count), "--output", program.directory / "results", "--progress", "none",
            *command)
        processes.await_until(lambda: pending(program) == count, f"{count} payloads in the outbox")
        batch.send_signal(signal.SIGTERM)
        batch.send_signal(signal.SIGTERM)
        program.finish(batch)


def test_every_waiting_payload_is_delivered_although_all_are_larger_together_than_the_limit(kafka, program, topic):
    limited_topic(kafka, topic, 65536)
    wait_in_outbox(program, topic, 1500)
    connect(program, *plaintext(kafka, topic))
    outcome = program.run("outbox", "deliver", status=0)
    assert outcome.messages[-1] == "1500 delivered"
    assert len(set(kafka.keys(topic))) == len(kafka.keys(topic)) == 1500
    assert states(program) == []


def test_of_a_live_batch_only_the_payloads_that_are_too_large_are_rejected(kafka43, program, topic):
    limited_topic(kafka43, topic, LIMIT)
    connect(program, *plaintext(kafka43, topic))
    program.run(
        "batch", "demo/x", requests(program, 6), "--output", program.directory / "results", "--progress", "none", "--",
        "sh", "-c", EVERY_OTHER_IS_TOO_LARGE, status=0)
    assert states(program) == ["rejected"] * 3
    assert len(kafka43.keys(topic)) == 3


def test_payloads_rejected_with_others_are_delivered_by_retry(kafka43, program, topic):
    limited_topic(kafka43, topic, LIMIT)
    wait_in_outbox(program, topic, 6, "--", "sh", "-c", EVERY_OTHER_IS_TOO_LARGE)
    connect(program, *plaintext(kafka43, topic))
    assert program.run("outbox", "deliver", status=1).messages[-1] == "3 delivered, 3 rejected"
    assert states(program) == ["rejected"] * 3
    # Still too large, each by itself.
    program.run("outbox", "retry", "--all", status=0)
    assert program.run("outbox", "deliver", status=1).messages[-1] == "0 delivered, 3 rejected"
    # Once the topic takes them, nothing keeps them.
    kafka43.tool("configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config",
               "max.message.bytes=100000")
    program.run("outbox", "retry", "--all", status=0)
    assert program.run("outbox", "deliver", status=0).messages[-1] == "3 delivered"
    assert len(set(kafka43.keys(topic))) == len(kafka43.keys(topic)) == 6


def test_exec_delivers_what_waits_beside_its_own_payload_one_by_one_if_it_is_refused_together(kafka43, program, topic):
    limited_topic(kafka43, topic, LIMIT)
    wait_in_outbox(program, topic, 6, "--", "sh", "-c", EVERY_OTHER_IS_TOO_LARGE)
    connect(program, *plaintext(kafka43, topic))

    def delivers():
        _, report = program.report("demo/x", status=0)
        assert report["delivery"] == {"state": "delivered"}
        return states(program) == ["rejected"] * 3

    processes.await_until(delivers, "the end of every waiting payload")


def test_exec_delivers_more_waiting_payloads_than_it_takes_at_a_time_although_they_are_refused_together(
        kafka43, program, topic):
    limited_topic(kafka43, topic, LIMIT)
    wait_in_outbox(program, topic, 130)
    connect(program, *plaintext(kafka43, topic))

    def delivers():
        program.run("exec", "demo/x", status=0)
        return pending(program) == 0

    processes.await_until(delivers, "the end of every waiting payload")
    assert states(program) == []


@pytest.mark.parametrize("count", [1, 3])
def test_exec_rejects_its_own_payload_if_it_is_too_large_alone(kafka43, program, topic, count):
    limited_topic(kafka43, topic, LIMIT)
    connect(program, *plaintext(kafka43, topic))
    for _ in range(count):
        _, report = program.report("demo/x", "--", "sh", "-c", TOO_LARGE, status=0)
        assert report["delivery"]["state"] == "rejected"
    assert kafka43.keys(topic) == []
