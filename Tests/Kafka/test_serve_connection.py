# SPDX-License-Identifier: Apache-2.0
"""A connection that is tested, saved and used over HTTP, against genuine Kafka."""

import json
import re
from pathlib import Path

from harness import processes
from harness.server import Server

CONNECTION = "/v1/admin/insights-connection"
STAGES = ["settings", "resolve", "tcp", "tls", "authentication", "metadata", "topic", "produce"]


def walk(server, body, query=""):
    """The stages of a test by name, in their order."""
    status, _, answer = server.request("POST", f"{CONNECTION}/test{query}", json.dumps(body).encode())
    assert status == 200, answer
    return {stage["stage"]: stage for stage in map(json.loads, answer.splitlines())}


def sasl(kafka, topic, **changes):
    return {"connection_type": "kafka_sasl_ssl", "broker_url": kafka.SASL_SSL, "topic": topic, "sasl_mechanism": "PLAIN",
            "broker_username": kafka.USER, "broker_password": kafka.PASSWORD,
            "ca_certificate": Path(kafka.CA).read_text(), **changes}


def metric(server, series):
    text = server.request("GET", "/metrics")[2].decode()
    return float(re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)[1])


def test_a_connection_that_passes_is_saved_and_payloads_of_calls_go_there_immediately(kafka, program, topic):
    with Server(program, scope="admin") as server:
        steps = walk(server, sasl(kafka, topic), "?save=true")
        assert list(steps) == [*STAGES, "save"], steps
        assert all(step["verdict"] == "passed" for step in steps.values())
        assert server.get(CONNECTION)["broker_url"] == kafka.SASL_SSL
        called = server.call("demo/x")["metadata"]["request_id"]
        delivered = 'algo_run_payloads_total{state="delivered"}'
        processes.await_until(lambda: metric(server, delivered) == 1, "the acknowledgement")
        assert metric(server, "algo_run_delivery_duration_seconds_count") == 1
        assert metric(server, "algo_run_connection_up") == 1
        assert called in kafka.keys(topic)
        # The one that is set can be tested without a body, and without a password that would have to be known.
        assert list(walk(server, {}))[-1] == "produce"
        server.stop()
    assert kafka.PASSWORD not in "".join(server.messages)


def test_a_connection_that_fails_is_not_saved_and_its_cause_is_exact(kafka43, program, topic):
    with Server(program, scope="admin") as server:
        before = server.get(CONNECTION)
        steps = walk(server, sasl(kafka43, topic, broker_password="wrong-planted"), "?save=true")
        assert list(steps)[-1] == "authentication" and steps["authentication"]["verdict"] == "failed", steps
        assert steps["authentication"]["hint"] and "wrong-planted" not in json.dumps(steps)
        steps = walk(server, sasl(kafka43, topic, ca_certificate=Path(kafka43.OTHER_CA).read_text()), "?save=true")
        assert list(steps)[-1] == "tls" and "not trusted" in steps["tls"]["detail"], steps
        assert server.get(CONNECTION) == before
        # Forced: set without a test.
        server.send("POST", CONNECTION, sasl(kafka43, topic, broker_password="wrong-planted"))
        assert server.get(CONNECTION)["topic"] == topic


def test_a_connection_without_encryption_skips_what_it_has_not(kafka43, program, topic):
    with Server(program, scope="admin") as server:
        steps = walk(server, {
            "connection_type": "kafka_unauthenticated_plaintext", "broker_url": kafka43.PLAINTEXT, "topic": topic})
        assert list(steps) == STAGES
        assert {name for name, step in steps.items() if step["verdict"] == "skipped"} == {"tls", "authentication"}
    assert len(kafka43.records(topic)) == 1
