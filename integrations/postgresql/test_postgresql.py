# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: rsyslog reads the topic and calls a function of the shipped schema for each payload."""

from pathlib import Path

import pytest

import comparison
from contract import SENTINEL, Contract, sentinel_record
from corpus import produce
from harness import processes
from harness.broker import OLDEST, Kafka
from postgresql_store import Database, PostgreSQL

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def store(kafka, corpus, topic, tmp_path_factory):
    store = PostgreSQL(tmp_path_factory.mktemp("postgresql"), kafka.PLAINTEXT, topic, corpus)
    store.fill()
    yield store
    store.stop()


class TestPostgreSQL(Contract):
    tool = "postgresql"
    # jsonb stores -0.0 as a decimal, which has no such number.
    keeps_negative_zero = False

    def metric(self, name):
        return name.replace("\0", "\u2400")


def test_drift_has_the_d_of_compare(store, corpus, algo_run, tmp_path):
    variables = ("-v", "algorithm=credit", "-v", "reference=1.0.6", "-v", "current=1.1.0")
    drift = dict(store.query((HERE / "drift.sql").read_text().split("\n", 2)[2], *variables))
    assert drift["risk_score"] == pytest.approx(comparison.by_metric(corpus, algo_run, tmp_path)["risk_score"], rel=1e-9)


def test_files_are_loaded_as_the_schema_has_it(corpus, tmp_path):
    database = Database()
    try:
        lines = tmp_path / "insights.ndjson"
        # A file of the file sink; no file of algo-run holds bytes that are not UTF-8.
        lines.write_bytes(b"".join(record.value + b"\n" for record in corpus.records))
        commands = [line.removeprefix("--   ") for line in (HERE / "schema.sql").read_text().splitlines()
                    if line.startswith("--   ")]
        assert len(commands) == 3
        script = "\n".join(commands).replace("insights.ndjson", str(lines))
        database.check(database.run("insights", script))
        assert database.query("SELECT count(*) FROM insights") == [[float(len(corpus.executions))]]
        assert database.query("SELECT count(*) FROM insights_unreadable") == [[0.0]]
    finally:
        database.stop()


def test_rsyslog_logs_in_by_scram_over_tls_to_kafka_3_9(corpus, tmp_path):
    """With Debian's librdkafka, which cannot log in by SCRAM to later releases."""
    if OLDEST != "3.9":
        pytest.xfail("exception: Kafka 3.9 comes with KAFKA_HOME only")
    kafka = Kafka(tmp_path / "kafka", OLDEST)
    login = ("security.protocol=sasl_ssl", "sasl.mechanisms=SCRAM-SHA-512", f"sasl.username={kafka.USER}",
             f"sasl.password={kafka.PASSWORD}", f"ssl.ca.location={kafka.CA}")
    try:
        produce(kafka.PLAINTEXT, "insights", [sentinel_record(SENTINEL)])
        store = PostgreSQL(tmp_path, kafka.SASL_SSL, "insights", corpus, login)
        try:
            processes.await_until(lambda: store.has(SENTINEL), "the record came by SCRAM", limit=300)
        finally:
            store.stop()
    finally:
        kafka.stop()
