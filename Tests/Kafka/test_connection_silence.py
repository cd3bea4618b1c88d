# SPDX-License-Identifier: Apache-2.0
"""`connection test` ends in time and names the true cause where the other end is silent, closes, or sends clients on to
an address that they cannot reach: cases that the library has no words for."""

import os
import uuid

import pytest

from harness import listeners
from harness.broker import OLDEST, Kafka
from harness.connections import connect, plaintext, sasl, test as walk

LIMIT = 10_000


def failure(program, *stages, **env):
    """The failing step's cause and hint; it must be one of these, and the walk within its time."""
    steps = walk(program, 1, **env)
    stage = list(steps)[-1]
    assert stage in stages, steps
    assert steps[stage]["verdict"] == "failed", steps
    assert sum(step["milliseconds"] for step in steps.values()) < LIMIT, steps
    return steps[stage]["detail"], steps[stage]["hint"]


def connect_plainly(program, address, topic):
    connect(program, "--type", "plaintext", "--brokers", address, "--topic", topic)


def connect_by_tls(program, kafka, address, topic, mechanism="PLAIN"):
    connect(program, *sasl(kafka, topic, mechanism, brokers=address), KAFKA_PASSWORD="any")


def certificate(kafka):
    """The certificate of the broker's TLS listener, with its key."""
    return kafka.directory / "tls" / "server.pem"


def test_a_port_that_never_answers(program, topic):
    with listeners.silent() as listener:
        connect_plainly(program, listener.address, topic)
        cause, hint = failure(program, "metadata")
    assert "did not answer within" in cause and "firewall" in hint
    assert "ended" not in cause + hint and "closes" not in cause + hint


def test_a_port_that_never_answers_the_tls_hello(kafka43, program, topic):
    with listeners.silent() as listener:
        connect_by_tls(program, kafka43, listener.address, topic)
        cause, hint = failure(program, "tls", KAFKA_PASSWORD="any")
    assert "hello is not answered" in cause and "closed" not in cause and "firewall" in hint


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_port_that_is_silent_after_tls(kafka43, program, topic, mechanism):
    with listeners.tls(certificate(kafka43), then_closes=False) as listener:
        connect_by_tls(program, kafka43, listener.address, topic, mechanism)
        cause, hint = failure(program, "authentication", KAFKA_PASSWORD="any")
    assert "did not answer within" in cause and "firewall" in hint
    assert "ended" not in cause + hint and "closes" not in cause + hint


def test_a_port_that_closes_after_tls(kafka43, program, topic):
    with listeners.tls(certificate(kafka43), then_closes=True) as listener:
        connect_by_tls(program, kafka43, listener.address, topic)
        cause, hint = failure(program, "authentication", KAFKA_PASSWORD="any")
    assert "closes the connection" in cause or "unexpected eof" in cause
    assert "login" in hint and "brokers are down" not in cause


def test_a_port_that_closes_immediately(program, topic):
    with listeners.closing() as listener:
        connect_plainly(program, listener.address, topic)
        cause, hint = failure(program, "metadata")
    assert "closes the connection without an answer" in cause and "--type sasl_ssl" in hint


def test_a_port_of_something_else(program, topic):
    with listeners.http() as listener:
        connect_plainly(program, listener.address, topic)
        cause, hint = failure(program, "metadata")
    assert "not as a Kafka broker" in cause and "--brokers" in hint


def test_a_listener_that_wants_a_login(kafka, program, topic):
    connect_plainly(program, kafka.SASL_PLAINTEXT, topic)
    cause, hint = failure(program, "metadata")
    assert "wants a login" in cause and "SCRAM-SHA-256" in cause and "--type sasl_ssl" in hint


def test_tls_to_a_listener_that_wants_a_login_without_it(kafka43, program, topic):
    connect_by_tls(program, kafka43, kafka43.SASL_PLAINTEXT, topic)
    cause, hint = failure(program, "tls", KAFKA_PASSWORD="any")
    assert "speaks no TLS" in cause and "SASL_SSL" in hint and "--type plaintext" not in hint


@pytest.fixture(scope="module")
def misled(tmp_path_factory):
    """A broker that sends its clients to a port without a listener, and that port."""
    with listeners.DeadPort() as dead:
        kafka = Kafka(tmp_path_factory.mktemp("misled") / "kafka", OLDEST, "--advertise", str(dead.number),
                      "--advertise-tls", str(dead.number))
        yield kafka, f"127.0.0.1:{dead.number}"
        kafka.stop()


@pytest.mark.parametrize("options", [[], ["--delivery-window", "6s"]])
def test_the_advertised_address_is_named_whether_the_topic_is_new_or_there(misled, program, topic, options):
    kafka, address = misled
    connect(program, *plaintext(kafka, topic), *options)
    # The first walk has the topic made.
    for _ in range(2):
        # The library closes the connection by which it learned of the brokers: how far that one gets is a matter of luck.
        cause, hint = failure(program, "metadata", "topic", "produce")
        assert f"{address} failed: Connection refused" in cause
        assert address in hint and "advertised.listeners" in hint


def test_the_advertised_address_is_named_after_a_login(misled, program, topic):
    kafka, address = misled
    env = {"KAFKA_PASSWORD": kafka.PASSWORD}
    connect(program, *sasl(kafka, topic), **env)
    steps = walk(program, 1, **env)
    last = list(steps.values())[-1]
    # How far the connection gets is a matter of luck, as above. The login has passed.
    assert steps["authentication"]["verdict"] == "passed"
    assert last["stage"] in ("metadata", "topic", "produce") and "Connection refused" in last["detail"]
    assert address in last["hint"] and "advertised.listeners" in last["hint"]
    assert kafka.PASSWORD not in str(steps)


def test_an_unreachable_broker_of_several_fails_nothing(kafka43, program, topic):
    with listeners.silent() as listener, listeners.DeadPort() as dead:
        brokers = f"127.0.0.1:{dead.number},nonexistent.invalid:1,{listener.address},{kafka43.PLAINTEXT}"
        connect_plainly(program, brokers, topic)
        steps = walk(program, 0)
    assert f"127.0.0.1:{dead.number}" in steps["tcp"]["detail"]
    assert "nonexistent.invalid" in steps["resolve"]["detail"]


def test_a_broker_far_away_is_waited_for(proxied, program, topic):
    kafka, proxy = proxied
    proxy.mode = "delay"
    connect(program, *plaintext(kafka, topic))
    walk(program, 0)


def test_an_authority_that_is_gone_is_named(kafka43, program, topic):
    env = {"KAFKA_PASSWORD": kafka43.PASSWORD}
    connect(program, *sasl(kafka43, topic), **env)
    [copy] = [path for path in program.home.rglob("*") if path.is_file() and b"BEGIN CERTIFICATE" in path.read_bytes()]
    os.unlink(copy)
    cause, _ = failure(program, "settings", **env)
    assert str(copy) in cause and "connection set --ca" in cause
    said = program.run("exec", "demo/x", "--request-id", str(uuid.uuid4()), status=0, env=env).stderr.decode()
    assert str(copy) in said and "connection set --ca" in said
    connect(program, "--ca", kafka43.CA, **env)
    walk(program, 0, **env)
