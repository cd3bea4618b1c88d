# SPDX-License-Identifier: Apache-2.0
"""The command: settings, secrets, a graceful stop, groups, and types."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from algo_run_insights.command import parser
from algo_run_insights.influxdb import lines
from algo_run_insights.record import Insight
from algo_run_insights.seen import Seen
from algo_run_insights.settings import consumer_settings
from contract import SENTINEL, sentinel_record
from corpus import produce
from harness import processes
from servers import REPOSITORY, fetch, figure


def settings(*words):
    return consumer_settings(parser().parse_args(["prometheus", *words]), "prometheus")


def test_mypy_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=REPOSITORY / "integrations/insights", capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout


def test_it_needs_no_newer_python_than_it_promises():
    command = [Path(sys.executable).with_name("vermin"), "--target=3.9-", "--violations", "--no-tips", "--eval-annotations",
               REPOSITORY / "integrations/insights/algo_run_insights"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert 'requires-python = ">=3.9"' in (REPOSITORY / "integrations/insights/pyproject.toml").read_text()


def test_what_connection_show_prints_is_a_configuration(algo_run, tmp_path):
    password = tmp_path / "password"
    password.write_text("it's #s3cret = yes\n")
    home = ["--home", tmp_path / "home"]
    subprocess.run([algo_run, "connection", "set", *home, "--type", "sasl_ssl", "--brokers", "a:9093,b:9093", "--topic",
                    "insights", "--mechanism", "SCRAM-SHA-512", "--username", "ann", "--password-file", password],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = tmp_path / "consumer.properties"
    with open(path, "wb") as file:
        subprocess.run([algo_run, "connection", "show", "--consumer", *home], stdout=file, check=True)
    found = settings("--config", str(path), "--password-file", str(password))
    assert found["bootstrap.servers"] == "a:9093,b:9093" and found["security.protocol"] == "SASL_SSL"
    assert found["sasl.password"] == "it's #s3cret = yes" and found["group.id"] == "algo-run-insights-prometheus"
    with pytest.raises(SystemExit, match="password"):
        settings("--config", str(path))


def test_the_bridge_reads_a_topic_by_what_connection_show_prints(kafka, algo_run, bridge, tmp_path):
    topic, path, home = f"shown-{tmp_path.name}", tmp_path / "consumer.properties", ["--home", tmp_path / "home"]
    subprocess.run([algo_run, "connection", "set", *home, "--type", "sasl_ssl", "--brokers", kafka.SASL_SSL, "--topic", topic,
                    "--mechanism", "SCRAM-SHA-256", "--username", kafka.USER, "--password-env", "KAFKA_PASSWORD", "--ca",
                    kafka.CA], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path.write_bytes(subprocess.run([algo_run, "connection", "show", "--consumer", *home], stdout=subprocess.PIPE,
                                    check=True).stdout)
    produce(kafka.PLAINTEXT, topic, [sentinel_record(SENTINEL)])
    server = bridge("prometheus", "--config", path, "--topic", topic, "--group", topic, "--password-env", "KAFKA_PASSWORD",
                    listen="--listen",
                    env={"KAFKA_PASSWORD": kafka.PASSWORD})
    processes.await_until(lambda: figure(server, "algo_consumer_written_total") == 1, "the record is read")


def test_two_members_of_a_group_share_the_topic_and_one_takes_over(kafka, bridge, tmp_path):
    """Records that one has committed the other does not read again."""
    topic = f"group-{tmp_path.name}"
    produce(kafka.PLAINTEXT, topic, [sentinel_record(f"{SENTINEL}{number}") for number in range(10)])
    words = ["--brokers", kafka.PLAINTEXT, "--topic", topic, "--group", topic]
    first = bridge("prometheus", *words, listen="--listen")
    processes.await_until(lambda: figure(first, "algo_consumer_written_total") == 10, "the first has read all")
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(30) == 0, first.text()
    second = bridge("prometheus", *words, listen="--listen")
    produce(kafka.PLAINTEXT, topic, [sentinel_record(f"{SENTINEL}later")])
    processes.await_until(lambda: figure(second, "algo_consumer_written_total") == 1, "the second reads what is new")
    assert figure(second, "algo_consumer_records_total") == 1
    assert fetch(second.figures)[0] == 200


def test_once_ends_at_the_end_of_the_topic(kafka, tmp_path):
    topic = f"once-{tmp_path.name}"
    produce(kafka.PLAINTEXT, topic, [sentinel_record(SENTINEL)])
    command = [sys.executable, "-m", "algo_run_insights", "prometheus", "--listen", "127.0.0.1:0", "--once", "--brokers",
               kafka.PLAINTEXT, "--topic", topic, "--group", topic]
    assert subprocess.run(command, timeout=300, capture_output=True).returncode == 0


def test_a_missing_key_is_one_sentence():
    done = subprocess.run([sys.executable, "-m", "algo_run_insights", "newrelic"], capture_output=True, text=True)
    assert done.returncode == 1 and "--api-key-file" in done.stderr and done.stderr.count("\n") == 1


def test_seen_forgets_the_oldest_first():
    seen = Seen(limit=3)
    seen.add(["a", "b", "c"])
    assert "a" in seen
    seen.add(["d"])
    assert "b" not in seen and "a" in seen and "d" in seen


def test_executions_of_one_microsecond_are_points_of_their_own():
    def first(request_id):
        insight = Insight(request_id, 1, 1.0, "a", "b", "1.0.0", "succeeded", 0, {})
        return next(lines(insight)).rsplit(" ", 1)[1]

    assert first("req-1") != first("req-2") and first("req-1") == first("req-1")
