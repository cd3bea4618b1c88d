# SPDX-License-Identifier: Apache-2.0
"""InfluxDB: the bridge writes points, over SCRAM and TLS to Kafka 4.3; Telegraf's configuration is parsed."""

import tomllib
from pathlib import Path

import pytest

from contract import SENTINEL, Contract, sentinel_record
from corpus import produce
from harness import processes
from influxdb_store import InfluxDB
from recording_server import Recorder
from servers import Server, fetch, figure

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def store(kafka, corpus, topic, bridge, consumer_options, tmp_path_factory):
    store = InfluxDB(tmp_path_factory.mktemp("influxdb"), kafka.PLAINTEXT, topic, corpus)
    store.bridge = bridge("influxdb", *consumer_options(topic), "--url", store.url, "--database", "insights",
                          env={"KAFKA_PASSWORD": kafka.PASSWORD})
    store.fill()
    yield store
    store.stop()


class TestInfluxDB(Contract):
    tool = "influxdb"
    # Its answer, as JSON, has no sign at a zero.
    keeps_negative_zero = False

    def metric(self, name):
        # The line protocol holds neither at such a place.
        name = name.replace("\n", " ")
        return name[:-1] + "/" if name.endswith("\\") else name


def test_executions_are_not_series_of_their_own(store):
    [series] = store.query("SHOW SERIES CARDINALITY")
    metrics = {(execution.name, execution.version, execution.outcome, metric)
               for execution in store.corpus.executions.values() for metric in execution.metrics}
    outcomes = {(execution.name, execution.version, execution.outcome) for execution in store.corpus.executions.values()}
    assert series["values"][0][0] <= len(metrics) + len(outcomes)


def test_a_store_that_is_away_delays_and_loses_nothing(kafka, corpus, bridge, consumer_options, tmp_path):
    """The bridge starts without InfluxDB, tries again, and has all of it later."""
    store = InfluxDB(tmp_path, kafka.PLAINTEXT, f"away-{tmp_path.name}", corpus)
    store.stop()
    store.bridge = bridge("influxdb", *consumer_options(store.topic, login=False), "--url", store.url, "--database",
                          "insights")
    produce(kafka.PLAINTEXT, store.topic, [sentinel_record(SENTINEL)])
    processes.await_until(lambda: figure(store.bridge, "algo_consumer_sink_failures_total") > 0, "a first attempt failed")
    store.server = Server("influxd", store.server.process.args, tmp_path)
    store.server.await_ready(lambda: fetch(f"{store.url}/ping")[0] == 204)
    processes.await_until(lambda: store.has(SENTINEL), "the record is written")
    store.stop()


def test_one_execution_that_is_refused_keeps_back_no_other(kafka, bridge, consumer_options, tmp_path):
    """InfluxDB refuses a whole request for one point that it cannot take; this is also the request of versions 2 and 3."""
    recorder = Recorder(tmp_path)
    refused = f"{SENTINEL}1".encode()
    recorder.answer = lambda number, path, body: (400, b"partial write") if refused in body else (204, b"")
    topic = f"refused-{tmp_path.name}"
    produce(kafka.PLAINTEXT, topic, [sentinel_record(f"{SENTINEL}{number}") for number in range(4)])
    server = bridge("influxdb", *consumer_options(topic, login=False), "--url", f"https://127.0.0.1:{recorder.port}",
                    "--bucket", "insights", "--org", "us", "--token-env", "TOKEN", "--sink-ca", recorder.authority,
                    env={"TOKEN": "t0ken"})
    processes.await_until(lambda: figure(server, "algo_consumer_written_total") == 3, "the others are written")
    assert figure(server, "algo_consumer_refused_total") == 1
    path, headers, *_ = recorder.requests[0]
    assert path == "/api/v2/write?bucket=insights&precision=ns&org=us" and headers["Authorization"] == "Token t0ken"
    taken = b"".join(recorder.accepted())
    assert all((f"{SENTINEL}{number}".encode() in taken) == (number != 1) for number in range(4))
    recorder.stop()


def test_telegrafs_configuration_can_be_parsed():
    found = tomllib.loads((HERE / "telegraf.conf").read_text())
    [consumer] = found["inputs"]["kafka_consumer"]
    assert consumer["kafka_version"] >= "2.1.0"
    assert consumer["json_v2"][0]["object"][0]["timestamp_key"] == "timestamp"
