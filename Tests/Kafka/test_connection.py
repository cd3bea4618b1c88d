# SPDX-License-Identifier: Apache-2.0
"""`connection test` names the exact cause of whatever is wrong, and what to do."""

import shutil
from pathlib import Path

import confluent_kafka
import pytest

from harness.connections import connect, library_version, plaintext, sasl, test as walk

STAGES = ["settings", "resolve", "tcp", "tls", "authentication", "metadata", "topic", "produce"]


def failure(program, stage, **env):
    """The failing step, which must be this one and the last."""
    steps = walk(program, 1, **env)
    assert list(steps)[-1] == stage, steps
    assert steps[stage]["verdict"] == "failed", steps
    assert steps[stage]["hint"]
    return steps[stage]["detail"] + " | " + steps[stage]["hint"]


def test_every_step_passes_without_encryption(kafka, program, topic):
    connect(program, *plaintext(kafka, topic))
    steps = walk(program, 0)
    assert list(steps) == STAGES
    assert {name for name, step in steps.items() if step["verdict"] == "skipped"} == {"tls", "authentication"}
    assert len(kafka.records(topic)) == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_step_passes_with_tls_and_a_login(kafka, program, topic, mechanism):
    env = {"KAFKA_PASSWORD": kafka.PASSWORD}
    connect(program, *sasl(kafka, topic, mechanism), **env)
    if mechanism != "PLAIN" and kafka.release == "4.3" and library_version(program, **env) < (2, 6, 1):
        assert "2.6.1" in failure(program, "authentication", **env)
        return
    assert all(step["verdict"] == "passed" for step in walk(program, 0, **env).values())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_wrong_password_and_an_unknown_user_fail_at_the_login(kafka, program, topic, mechanism):
    wrong, right = {"KAFKA_PASSWORD": "wrong"}, {"KAFKA_PASSWORD": kafka.PASSWORD}
    connect(program, *sasl(kafka, topic, mechanism), **wrong)
    # With an old library the login may also fail because of the broker's release, which nothing reports.
    is_old = library_version(program, **wrong) < (2, 6, 1)
    for env in wrong, right:
        told = failure(program, "authentication", **env)
        assert "invalid" in told.lower() and "check both" in told and kafka.PASSWORD not in told
        assert ("On an older Kafka" in told and told.count("2.6.1") == 1) == (mechanism != "PLAIN" and is_old)
        connect(program, *sasl(kafka, topic, mechanism, user="nobody"), **right)


def test_a_mechanism_that_is_not_offered(strict_kafka, program, topic):
    connect(program, *sasl(strict_kafka, topic, "SCRAM-SHA-512"), KAFKA_PASSWORD=strict_kafka.PASSWORD)
    told = failure(program, "authentication", KAFKA_PASSWORD=strict_kafka.PASSWORD)
    assert "does not offer SCRAM-SHA-512" in told and "PLAIN" in told and "2.6.1" not in told


def test_certificate_faults_are_distinguished(kafka43, program, topic):
    password = {"KAFKA_PASSWORD": kafka43.PASSWORD}
    connect(program, *sasl(kafka43, topic, ca=kafka43.OTHER_CA), **password)
    assert "not trusted here" in failure(program, "tls", **password)
    connect(program, *sasl(kafka43, topic, brokers=kafka43.SASL_SSL_EXPIRED), **password)
    assert "expired at" in failure(program, "tls", **password)
    connect(program, *sasl(kafka43, topic, brokers=kafka43.SASL_SSL_WRONG_NAME), **password)
    assert "for another host: /CN=kafka.example" in failure(program, "tls", **password)


def test_encryption_on_one_side_only(kafka43, program, topic):
    connect(program, *sasl(kafka43, topic, brokers=kafka43.PLAINTEXT), KAFKA_PASSWORD=kafka43.PASSWORD)
    assert "speaks no TLS" in failure(program, "tls", KAFKA_PASSWORD=kafka43.PASSWORD)
    connect(program, "--type", "plaintext", "--brokers", kafka43.SASL_SSL, "--topic", topic)
    assert "speaks TLS on this port" in failure(program, "metadata")


def test_a_port_without_a_listener_and_a_name_without_a_host(program, topic):
    connect(program, "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", topic)
    assert "Connection refused" in failure(program, "tcp")
    connect(program, "--brokers", "nonexistent.invalid:9092")
    assert "nonexistent.invalid" in failure(program, "resolve")


def test_a_topic_that_is_missing(strict_kafka, program):
    connect(program, *plaintext(strict_kafka, "missing"))
    told = failure(program, "topic")
    assert "Unknown topic" in told and "kafka-topics.sh --create --topic missing" in told


def test_a_topic_that_is_not_for_this_user(kafka, program, topic):
    kafka.tool("topics", "--create", "--topic", topic)
    kafka.tool("acls", "--add", "--allow-principal", "User:admin", "--operation", "All", "--topic", topic)
    connect(program, *sasl(kafka, topic), KAFKA_PASSWORD=kafka.PASSWORD)
    told = failure(program, "topic", KAFKA_PASSWORD=kafka.PASSWORD)
    assert "authorization failed" in told.lower() and f"User:{kafka.USER}" in told


def test_what_librdkafka_refuses_is_refused_at_set_and_changes_nothing(kafka43, program, topic, tmp_path):
    connect(program, *plaintext(kafka43, topic))
    before = program.run("connection", "show", "--json", status=0).stdout
    not_a_certificate = tmp_path / "ca.pem"
    not_a_certificate.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    for options in (
        sasl(kafka43, topic, ca=str(not_a_certificate)),
        ["-X", "no.such.property=1"],
        ["-X", "linger.ms=soon"],
    ):
        outcome = program.run("connection", "set", *options, env={"KAFKA_PASSWORD": "p"})
        assert outcome.status == 1 and "librdkafka refuses" in outcome.messages[0], outcome
    assert program.run("connection", "show", "--json", status=0).stdout == before


def test_a_library_that_is_missing_is_a_clear_error_at_set(program, topic, tmp_path):
    (tmp_path / "librdkafka.so.1").write_text("not a library\n")
    outcome = program.run(
        "connection", "set", "--type", "plaintext", "--brokers", "127.0.0.1:9092", "--topic", topic,
        env={"LD_LIBRARY_PATH": str(tmp_path)})
    assert outcome.status == 1
    assert "librdkafka, which talks to Kafka, cannot be loaded" in outcome.messages[0]


@pytest.mark.any_library
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("way", ["variable", "virtual environment"])
def test_the_library_of_confluent_kafka_logs_in_to_kafka_4_by_scram(kafka43, program, topic, tmp_path, mechanism, way):
    packages = Path(confluent_kafka.__file__).parent.parent
    [library] = packages.glob("confluent_kafka.libs/librdkafka-*")
    env = {"KAFKA_PASSWORD": kafka43.PASSWORD}
    if way == "variable":
        env["ALGO_RUN_LIBRDKAFKA"] = str(library)
    else:
        # As pip installs it: the program beside the packages of its environment.
        (tmp_path / "bin").mkdir()
        (tmp_path / "pyvenv.cfg").touch()
        (tmp_path / "lib").symlink_to(packages.parent.parent)
        shutil.copy(program.binary, tmp_path / "bin")
        program.binary = tmp_path / "bin" / program.binary.name
    outcome = connect(program, *sasl(kafka43, topic, mechanism), **env)
    assert "2.6.1" not in outcome.stderr.decode()
    steps = walk(program, 0, **env)
    assert all(step["verdict"] == "passed" for step in steps.values())
    assert library.name in steps["settings"]["detail"]
    _, report = program.report("demo/x", status=0, env=env)
    assert report["delivery"] == {"state": "delivered"}


def test_set_and_test_state_how_far_the_scram_of_an_old_library_reaches(kafka, program, topic):
    env = {"KAFKA_PASSWORD": kafka.PASSWORD}
    said = connect(program, *sasl(kafka, topic, "SCRAM-SHA-256"), **env).stderr.decode()
    told = walk(program, None, **env)["settings"]["detail"]
    limit = "works with Apache Kafka up to 3.9 only"
    is_old = library_version(program, **env) < (2, 6, 1)
    assert (limit in said, limit in told) == (is_old, is_old)
    said = connect(program, *sasl(kafka, topic, "PLAIN"), **env).stderr.decode()
    assert limit not in said and limit not in walk(program, 0, **env)["settings"]["detail"]
