# SPDX-License-Identifier: Apache-2.0
"""ClickHouse: its own Kafka engine reads the topic by the shipped schema, run in process by chdb."""

from pathlib import Path

import pytest

import comparison
from clickhouse_store import ClickHouse, statements
from contract import LIMIT, SENTINEL, Contract, sentinel_record
from corpus import produce
from environments import environment
from harness import processes

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def store(kafka, corpus, topic, tmp_path_factory):
    store = ClickHouse(environment("chdb", "chdb"), tmp_path_factory.mktemp("clickhouse"), kafka.PLAINTEXT, topic, corpus)
    store.fill()
    yield store
    store.stop()


class TestClickHouse(Contract):
    tool = "clickhouse"


def test_nothing_is_read_before_all_tables_are_there(store):
    assert store.readers_before_last == []


def test_drift_has_the_d_and_p_of_compare(store, corpus, algo_run, tmp_path):
    [query] = statements((HERE / "drift.sql").read_text())
    rows = store.query(query, algorithm="credit", reference="1.0.6", current="1.1.0")
    found = {metric: (d, p) for metric, d, p, *_ in rows}
    for figure, place in (("d", 0), ("ks_p", 1)):
        expected = comparison.by_metric(corpus, algo_run, tmp_path, figure)["risk_score"]
        assert found["risk_score"][place] == pytest.approx(expected, rel=1e-6)


def test_its_kafka_engine_logs_in_by_plain_over_tls(kafka, corpus, tmp_path):
    login = (f", kafka_security_protocol = 'sasl_ssl', kafka_sasl_mechanism = 'PLAIN', kafka_sasl_username = '{kafka.USER}'"
             ", kafka_sasl_password = '" + kafka.PASSWORD.replace("\\", "\\\\").replace("'", "\\'") + "'")
    topic = f"plain-{tmp_path.name}"
    produce(kafka.PLAINTEXT, topic, [sentinel_record(SENTINEL)])
    store = ClickHouse(environment("chdb", "chdb"), tmp_path, kafka.SASL_SSL, topic, corpus, login, kafka.CA)
    try:
        processes.await_until(lambda: store.has(SENTINEL), "the record came by TLS", limit=LIMIT)
    finally:
        store.stop()
