# SPDX-License-Identifier: Apache-2.0
"""New Relic: its official client sends to a recording TLS server; what was sent keeps the rules of its event intake."""

import datetime
import re
from pathlib import Path

import pytest

from contract import Contract, Row, Store
from recording_server import Recorder
from servers import figure

HERE = Path(__file__).resolve().parent


class NewRelic(Store):
    """The events that the client sent."""

    def __init__(self, bootstrap, topic, corpus, recorder):
        super().__init__(bootstrap, topic, corpus)
        self.recorder = recorder
        self.bridge = None

    def has(self, request_id):
        return (figure(self.bridge, "algo_consumer_lag_records") == 0 and figure(
            self.bridge, "algo_consumer_records_total") >= self._sentinels * (len(self.corpus.disordered()) + 1))

    def events(self):
        return [event for body in self.recorder.json() for event in body]

    def rows(self):
        found, metrics = [], {}
        for event in self.events():
            if event["eventType"] == "AlgoRunMetric":
                metrics.setdefault(event["request_id"], {})[event["metric"]] = event["value"]
        for event in self.events():
            if event["eventType"] == "AlgoRunInsight":
                moment = datetime.datetime.fromtimestamp(event["timestamp"] / 1000, datetime.timezone.utc)
                found.append(Row(event["request_id"], f"{moment:%Y-%m-%dT%H:%M:%S.%f}",
                                 metrics.get(event["request_id"], {}), event["outcome"]))
        assert len({row.request_id for row in found}) == len(found), "an execution was sent twice"
        return found

    def unreadable(self):
        return figure(self.bridge, "algo_consumer_unreadable_total")


@pytest.fixture(scope="module")
def store(kafka, corpus, topic, bridge, consumer_options, tmp_path_factory):
    recorder = Recorder(tmp_path_factory.mktemp("newrelic"))
    recorder.answer = lambda number, path, body: (429, b"{}") if number == 0 else (202, b'{"success":true}')
    store = NewRelic(kafka.PLAINTEXT, topic, corpus, recorder)
    store.bridge = bridge(
        "newrelic", *consumer_options(topic), "--host", "127.0.0.1", "--port", recorder.port, "--api-key-env", "NR_KEY",
        "--sink-ca", recorder.authority, env={"KAFKA_PASSWORD": kafka.PASSWORD, "NR_KEY": "k3y"})
    store.fill()
    yield store
    recorder.stop()


class TestNewRelic(Contract):
    tool = "newrelic"
    decimals = 3


def test_each_event_keeps_the_rules_of_the_intake(store):
    for path, headers, body, _ in store.recorder.requests:
        assert path.endswith("/events") and headers["Api-Key"] == "k3y" and len(body) < 1_000_000
    for event in store.events():
        assert re.fullmatch(r"[A-Za-z0-9:_ ]{1,255}", event["eventType"])
        assert len(event) <= 254
        for name, value in event.items():
            assert re.fullmatch(r"[A-Za-z0-9:._]{1,255}", name)
            assert isinstance(value, float) or isinstance(value, str) and len(value.encode()) <= 4095


def test_every_query_in_the_file_names_what_is_sent(store):
    """No server of New Relic's runs here: only names are checked."""
    known = {name for event in store.events() for name in event} | {event["eventType"] for event in store.events()}
    functions = {"SELECT", "FROM", "FACET", "TIMESERIES", "SINCE", "WHERE", "AS", "COMPARE", "WITH", "percentage", "count",
                 "average", "percentile", "histogram", "uniqueCount", "latest", "filter", "AND", "IN", "NOT", "LIKE",
                 "minutes", "hour", "hours", "day", "ago", "LIMIT", "MAX", "IS", "NULL", "ORDER", "BY"}
    for line in (HERE / "queries.nrql").read_text().splitlines():
        if line and not line.startswith("--"):
            words = set(re.findall(r"[A-Za-z_][A-Za-z_.]*", re.sub(r"'[^']*'", "", line)))
            assert words <= known | functions, words - known - functions
