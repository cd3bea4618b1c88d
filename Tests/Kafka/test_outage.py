# SPDX-License-Identifier: Apache-2.0
"""Brokers that crash, vanish and come back: nothing is lost, nothing is sent twice at the same time, no wait is in vain."""

import json
import signal

import pytest

from harness import processes
from harness.broker import NEWEST
from harness.connections import connect, plaintext
from harness.fault_proxy import MODES


def status(program):
    return json.loads(program.run("outbox", "status", "--json", status=0).stdout)


def queue(program, count, topic):
    """Payloads in the outbox that were never sent; gives their keys."""
    connect(program, "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", topic)
    requests = program.directory / "requests"
    requests.mkdir(exist_ok=True)
    (requests / "r.ndjson").write_text("".join(f"{n}\n" for n in range(count)))
    results = program.directory / "queued"
    # The end of a batch waits for its payloads: it is interrupted, as an operator with a dead broker would do.
    batch = program.start("batch", "demo/x", requests / "r.ndjson", "--output", results, "--progress", "none")
    processes.await_until(lambda: results.exists() and results.read_bytes().count(b"\n") == count, "all results")
    batch.send_signal(signal.SIGINT)
    program.finish(batch)
    return [json.loads(line)["request_id"] for line in results.read_text().splitlines()]


def test_a_broker_that_crashes_and_returns_gets_everything(own_kafka, program, topic):
    kafka = own_kafka(NEWEST)
    connect(program, *plaintext(kafka, topic))
    _, first = program.report("demo/x", status=0)
    assert first["delivery"]["state"] == "delivered"
    kafka.crash()
    connect(program, "--delivery-wait", "1s")
    outcome, second = program.report("demo/x", "--", "sh", "-c", "exit 7", status=7)
    assert second["delivery"]["state"] == "queued" and len(outcome.messages) == 1
    # The broker is known to be down: even with an hour to wait the next one ends.
    _, third = program.report("demo/x", "--delivery-wait", "1h", status=0)
    assert third["delivery"]["state"] == "queued" and "down since" in third["delivery"]["detail"]
    assert status(program)["broker_outage"]["last_error"]

    kafka.restart()
    program.run("outbox", "deliver", status=0)
    connect(program, "--delivery-wait", "30s")
    _, fourth = program.report("demo/x", status=0)
    assert fourth["delivery"]["state"] == "delivered"
    assert kafka.keys(topic) == [report["request_id"] for report in (first, second, third, fourth)]
    assert status(program)["pending"] == 0 and status(program)["broker_outage"] is None


def test_a_later_execution_delivers_what_an_earlier_one_left(kafka43, program, topic):
    left = queue(program, 5, topic)
    connect(program, *plaintext(kafka43, topic))
    _, report = program.report("demo/x", status=0)
    assert report["delivery"]["state"] == "delivered"
    assert sorted(kafka43.keys(topic)) == sorted([*left, report["request_id"]])
    assert status(program)["pending"] == 0


def test_one_of_three_brokers_dies_in_the_middle_of_a_batch(own_kafka, program, topic):
    kafka = own_kafka(NEWEST, brokers=3)
    kafka.tool("topics", "--create", "--topic", topic, "--partitions", "3", "--replication-factor", "3")
    connect(program, *plaintext(kafka, topic))
    requests = program.directory / "r.ndjson"
    requests.write_text("".join(f"{n}\n" for n in range(400)))
    results = program.directory / "results"
    batch = program.start("batch", "demo/x", requests, "--output", results, "--progress", "none", "--", "sleep", "0.02")
    processes.await_until(lambda: results.exists() and results.read_bytes().count(b"\n") > 50, "50 results")
    kafka.crash(2)
    outcome = program.finish(batch, limit=300)
    assert outcome.status == 0, outcome
    keys = [json.loads(line)["request_id"] for line in results.read_text().splitlines()]
    bootstrap = kafka.PLAINTEXT.split(",")[0]
    assert sorted(kafka.keys(topic, bootstrap)) == sorted(keys) and len(keys) == 400
    assert status(program)["pending"] == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_network_that_misbehaves_loses_nothing(proxied, program, topic, mode):
    kafka, proxy = proxied
    connect(program, *plaintext(kafka, topic))
    program.run("exec", "demo/x", status=0)
    requests = program.directory / "r.ndjson"
    requests.write_text("".join(f"{n}\n" for n in range(300)))
    results = program.directory / "results"
    batch = program.start("batch", "demo/x", requests, "--output", results, "--progress", "none", "--", "sleep", "0.02")
    processes.await_until(lambda: results.exists() and results.read_bytes().count(b"\n") > 30, "30 results")
    proxy.mode = mode
    # The batch continues whatever the network does.
    processes.await_until(lambda: results.read_bytes().count(b"\n") == 300, "all results")
    proxy.mode = "pass"
    assert program.finish(batch, limit=300).status == 0
    expected = [json.loads(line)["request_id"] for line in results.read_text().splitlines()]
    keys = kafka.keys(topic)
    assert set(expected) <= set(keys)
    # Idempotence: lost answers and cut connections put no record there twice.
    assert len(keys) == len(set(keys)) == 301
    assert status(program)["pending"] == 0


def test_a_window_that_ends_expires_the_payload_which_a_retry_delivers(kafka43, program, topic):
    connect(program, "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", topic,
            "--delivery-window", "2s", "--delivery-wait", "100ms")
    _, report = program.report("demo/x", status=0)
    assert program.run("outbox", "deliver", status=1).messages[-1] == "0 delivered, 1 expired"
    [record] = json.loads(program.run("outbox", "list", "--json", status=0).stdout)
    assert record["state"] == "expired" and not record["possibly_persisted"]
    assert "Connection refused" in record["last_error"]
    connect(program, *plaintext(kafka43, topic), "--delivery-window", "4m")
    program.run("outbox", "retry", record["id"], status=0)
    program.run("outbox", "deliver", status=0)
    assert kafka43.keys(topic) == [report["request_id"]]


def test_with_on_expiry_drop_an_expired_payload_is_gone(program, topic):
    connect(program, "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", topic,
            "--delivery-window", "1s", "--delivery-wait", "100ms", "--on-expiry", "drop")
    program.run("exec", "demo/x", status=0)
    program.run("outbox", "deliver")
    assert json.loads(program.run("outbox", "list", "--json", status=0).stdout) == []


def test_several_deliverers_together_send_each_record_once(kafka43, program, topic):
    left = queue(program, 400, topic)
    connect(program, *plaintext(kafka43, topic))
    deliverers = [program.start("outbox", "deliver") for _ in range(4)]
    # A deliverer that finds another's records leaves them there and reports them; its deliverer delivers it.
    for outcome in map(program.finish, deliverers):
        assert outcome.status == ("in the hands of another process" in outcome.messages[-1]), outcome
    assert sorted(kafka43.keys(topic)) == sorted(left)


def test_what_a_killed_deliverer_held_is_delivered_by_the_next(kafka43, program, topic):
    left = queue(program, 50, topic)
    deliverer = program.start("outbox", "deliver", "--follow")
    processes.await_until(lambda: status(program)["being_delivered"] > 0, "a claim")
    deliverer.kill()
    program.finish(deliverer)
    connect(program, *plaintext(kafka43, topic))
    program.run("outbox", "deliver", status=0)
    assert sorted(kafka43.keys(topic)) == sorted(left)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_delivers_what_comes_and_ends_in_order(kafka43, program, topic, number):
    connect(program, *plaintext(kafka43, topic))
    service = program.start("outbox", "deliver", "--follow")
    left = queue(program, 10, topic)
    # A connection that changes under the service is taken up by it.
    connect(program, *plaintext(kafka43, topic))
    processes.await_until(lambda: status(program)["pending"] == 0, "delivery by the service")
    service.send_signal(number)
    assert program.finish(service).status == 0
    assert sorted(kafka43.keys(topic)) == sorted(left)


def test_interrupting_a_batch_leaves_the_rest_in_the_outbox(program, topic):
    left = queue(program, 20, topic)
    assert status(program)["pending"] == 20 == len(set(left))
    assert status(program)["being_delivered"] == 0


def test_a_damaged_outbox_stops_no_algorithm(kafka43, program, topic):
    connect(program, *plaintext(kafka43, topic))
    (program.home / "outbox.db").write_bytes(b"U" * 8192)
    outcome, report = program.report("demo/x", status=0)
    assert len(outcome.messages) == 1 and "damaged" in outcome.messages[0]
    assert report["delivery"]["state"] == "delivered"
    assert kafka43.keys(topic) == [report["request_id"]]
