# SPDX-License-Identifier: Apache-2.0
"""The record on the topic after an execution: key, value and headers; and payloads that cannot be there."""

import json

import pytest

from harness.connections import connect, library_version, plaintext, sasl, test as walk


def listing(program, *options):
    return json.loads(program.run("outbox", "list", "--json", *options, status=0).stdout)


@pytest.mark.parametrize("mechanism", [None, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_payload_is_acknowledged_by_every_way_in(kafka, program, topic, mechanism):
    env = {"KAFKA_PASSWORD": kafka.PASSWORD}
    connect(program, *(sasl(kafka, topic, mechanism) if mechanism else plaintext(kafka, topic)), **env)
    cannot_log_in = (
        mechanism and mechanism != "PLAIN" and kafka.release == "4.3" and library_version(program, **env) < (2, 6, 1))
    if cannot_log_in:
        connect(program, "--delivery-wait", "2s", **env)
    outcome, report = program.report("demo/x", status=0, env=env)
    if cannot_log_in:
        assert report["delivery"]["state"] == "queued" and "2.6.1" in report["delivery"]["detail"]
        assert any("2.6.1" in message for message in outcome.messages)
        return
    assert report["delivery"] == {"state": "delivered"}
    assert outcome.messages == []
    assert kafka.keys(topic) == [report["request_id"]]
    assert listing(program) == []


def test_the_record_carries_key_payload_and_headers(kafka43, program, topic):
    connect(program, *plaintext(kafka43, topic))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    program.run(
        "exec", "demo/x", "--report", program.directory / "report", "--", "sh", "-c",
        """echo '{"score": 0.10, "caf\u00e9": 1, "bad": "x"}' >&3; exit 3""", status=3, env={"TRACEPARENT": parent})
    report = json.loads((program.directory / "report").read_text())
    [(key, headers, value)] = kafka43.records(topic)
    assert key == report["request_id"]
    assert json.loads(value) == report["payload"]
    assert value.isascii() and '"score":0.10' in value
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": key,
        "ce_source": "/demo/x/1.0.0",
        "ce_type": "algo-run.insights.v1",
        "ce_time": report["timestamp"],
        "content-type": "application/json",
        "algo_outcome": "failed",
        "algo_exit_code": "3",
        "algo_rejected_metrics": "1",
        "algo_attempts": "1",
        "traceparent": parent,
    }


@pytest.mark.any_library
@pytest.mark.parametrize(
    "parent", ["", "nonsense", "x" * 70_000, "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-\nff"],
    ids=["empty", "nonsense", "huge", "zero", "two lines"])
def test_an_invalid_traceparent_becomes_no_header(kafka43, program, topic, parent):
    connect(program, *plaintext(kafka43, topic))
    _, report = program.report("demo/x", status=0, env={"TRACEPARENT": parent})
    assert report["delivery"] == {"state": "delivered"}
    [(_, headers, _)] = kafka43.records(topic)
    assert "traceparent" not in headers


def test_the_legacy_format_serves_consumers_of_the_original_service(kafka43, program, topic):
    connect(program, *plaintext(kafka43, topic), "--payload-format", "legacy")
    program.run("exec", "demo/x", status=0)
    [(_, _, value)] = kafka43.records(topic)
    payload = json.loads(value)
    assert payload["session_id"].startswith("rses-") and not payload["time"].endswith("Z")
    assert isinstance(payload["duration_milliseconds"], int) and "timestamp" not in payload


def test_event_hubs_settings_deliver(kafka43, program, topic):
    env = {"KAFKA_PASSWORD": kafka43.EVENT_HUBS_PASSWORD}
    connect(program, "--event-hubs", "--brokers", kafka43.SASL_SSL, "--topic", topic, "--password-env", "KAFKA_PASSWORD",
            "--ca", kafka43.CA, "--delivery-wait", "30s", **env)
    shown = json.loads(program.run("connection", "show", "--json", status=0).stdout)
    assert (shown["username"], shown["mechanism"], shown["event_hubs"]) == ("$ConnectionString", "PLAIN", True)
    _, report = program.report("demo/x", status=0, env=env)
    assert report["delivery"]["state"] == "delivered"
    assert kafka43.keys(topic) == [report["request_id"]]


def test_the_event_hubs_port_is_assumed(program, topic):
    connect(program, "--event-hubs", "--brokers", "ns.servicebus.windows.net", "--topic", topic,
            "--password-env", "KAFKA_PASSWORD")
    shown = json.loads(program.run("connection", "show", "--json", status=0).stdout)
    assert shown["brokers"] == ["ns.servicebus.windows.net:9093"]


def test_what_is_still_denied_at_the_windows_end_is_rejected_and_can_be_retried(kafka43, program, topic):
    kafka43.tool("topics", "--create", "--topic", topic)
    kafka43.tool("acls", "--add", "--allow-principal", "User:admin", "--operation", "All", "--topic", topic)
    env = {"KAFKA_PASSWORD": kafka43.PASSWORD}
    connect(program, *sasl(kafka43, topic), "--delivery-window", "3s", "--delivery-wait", "1s", **env)
    _, report = program.report("demo/x", status=0, env=env)
    assert report["delivery"]["state"] == "queued"
    assert "authorization failed" in report["delivery"]["detail"].lower()
    assert program.run("outbox", "deliver", status=1, env=env).messages[-1] == "0 delivered, 1 rejected"
    [record] = listing(program, "--state", "rejected")
    assert record["request_id"] == report["request_id"] and "not authorised" in record["last_error"]

    kafka43.tool("acls", "--add", "--allow-principal", f"User:{kafka43.USER}", "--operation", "All", "--topic", topic)
    connect(program, "--delivery-window", "4m", **env)
    program.run("outbox", "retry", "--all", status=0)
    assert program.run("outbox", "deliver", status=0, env=env).messages[-1] == "1 delivered"
    assert kafka43.keys(topic) == [report["request_id"]]


def test_a_broker_that_denies_everything_is_asked_less_and_less_often(kafka43, program, topic):
    # No right to the cluster and none to the topic: the library ends one producer after the other.
    kafka43.tool("topics", "--create", "--topic", topic)
    kafka43.tool("acls", "--add", "--allow-principal", "User:admin", "--operation", "All", "--topic", topic)
    kafka43.tool("acls", "--add", "--allow-principal", "User:admin", "--operation", "All", "--cluster")
    try:
        env = {"KAFKA_PASSWORD": kafka43.PASSWORD}
        connect(program, *sasl(kafka43, topic), "--delivery-window", "4s", "--delivery-wait", "1s", **env)
        program.run("exec", "demo/x", status=0, env=env)
        program.run("outbox", "deliver", status=1, env=env)
        [record] = listing(program)
        # After 0.25, 0.5, 1 and 2 seconds.
        assert record["state"] == "rejected" and record["attempts"] <= 7, record
    finally:
        kafka43.tool("acls", "--remove", "--force", "--allow-principal", "User:admin", "--operation", "All", "--cluster")


def test_a_payload_that_is_too_large_is_rejected_immediately(kafka43, program, topic):
    connect(program, *plaintext(kafka43, topic), "-X", "message.max.bytes=1000")
    metrics = json.dumps({f"a_rather_long_name_for_a_metric_{n:03}": n for n in range(25)})
    outcome, report = program.report("demo/x", "--", "sh", "-c", f"echo '{metrics}' >&3", status=0)
    assert report["delivery"]["state"] == "rejected" and "too large" in report["delivery"]["detail"].lower()
    assert len(outcome.messages) == 1
    assert [record["state"] for record in listing(program)] == ["rejected"]
    program.run("outbox", "purge", "--all", status=0)
    assert listing(program) == []


def test_a_topic_that_does_not_exist_yet_is_waited_for(strict_kafka, program, topic):
    connect(program, *plaintext(strict_kafka, topic), "--delivery-wait", "500ms")
    _, report = program.report("demo/x", status=0)
    assert report["delivery"]["state"] == "queued" and "Unknown topic" in report["delivery"]["detail"]
    [record] = listing(program)
    assert "Unknown topic" in record["last_error"]
    strict_kafka.tool("topics", "--create", "--topic", topic)
    program.run("outbox", "deliver", status=0)
    assert strict_kafka.keys(topic) == [report["request_id"]]


def test_a_batch_delivers_every_payload_once(kafka, program, topic):
    connect(program, *plaintext(kafka, topic))
    requests = program.directory / "requests.ndjson"
    requests.write_text("".join(f'{{"n": {n}}}\n' for n in range(300)))
    program.run("batch", "demo/x", requests, "--output", program.directory / "results", "--progress", "none", status=0)
    results = [json.loads(line) for line in (program.directory / "results").read_text().splitlines()]
    assert sorted(kafka.keys(topic)) == sorted(result["request_id"] for result in results)
    assert len(results) == 300
    assert listing(program) == []


def test_without_insights_nothing_leaves_the_machine(kafka43, program, topic):
    connect(program, *plaintext(kafka43, topic))
    walk(program, 0)
    program.run("insights", "off", "demo/x", status=0)
    _, report = program.report("demo/x", status=0)
    assert report["delivery"]["state"] == "insights_off"
    assert kafka43.keys(topic) == []
