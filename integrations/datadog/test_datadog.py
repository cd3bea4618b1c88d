# SPDX-License-Identifier: Apache-2.0
"""Datadog: its official client sends to a recording TLS server, and its typed models read what was sent."""

import json
from collections import Counter
from pathlib import Path

import pytest
from datadog_api_client.model_utils import validate_and_convert_types
from datadog_api_client.v1.model.distribution_points_payload import DistributionPointsPayload
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.dashboard import Dashboard

from algo_run_insights.datadog import metric_name
from contract import Contract, Store
from corpus import BROKEN, produce
from harness import processes
from recording_server import Recorder
from servers import figure

HERE = Path(__file__).resolve().parent


class Datadog(Store):
    """The client's values. It keeps no executions, but values by second and tags."""

    def __init__(self, bootstrap, topic, corpus, recorder):
        super().__init__(bootstrap, topic, corpus)
        self.recorder = recorder
        self.bridge = None
        self.rows_read = 0

    def has(self, request_id):
        return (figure(self.bridge, "algo_consumer_lag_records") == 0
                and figure(self.bridge, "algo_consumer_records_total") >= self.expected_records())

    def expected_records(self):
        return self._sentinels * (len(self.corpus.disordered()) + 1)

    def points(self):
        """(metric, tags, second, values) of every request."""
        found = []
        for body in self.recorder.json():
            for series in body["series"]:
                for second, values in series["points"]:
                    found.append((series["metric"], tuple(series["tags"]), second, tuple(values)))
        return found

    def count(self, metric):
        return sum(len(values) for name, _, _, values in self.points() if name == metric)

    def unreadable(self):
        return figure(self.bridge, "algo_consumer_unreadable_total")


@pytest.fixture(scope="module")
def store(kafka, corpus, topic, bridge, consumer_options, tmp_path_factory):
    recorder = Recorder(tmp_path_factory.mktemp("datadog"))
    # The first request fails, as one may at any time.
    recorder.answer = lambda number, path, body: (503, b"{}") if number == 0 else (202, b'{"status":"ok"}')
    store = Datadog(kafka.PLAINTEXT, topic, corpus, recorder)
    store.bridge = bridge(
        "datadog", *consumer_options(topic), "--url", f"https://127.0.0.1:{recorder.port}", "--api-key-env", "DD_API_KEY",
        "--sink-ca", recorder.authority, env={"KAFKA_PASSWORD": kafka.PASSWORD, "DD_API_KEY": "k3y"})
    store.fill()
    yield store
    recorder.stop()


class TestDatadog(Contract):
    tool = "datadog"
    exceptions = {3: "points have whole seconds"}

    def test_1_as_many_distinct_request_ids_as_executions(self, store, corpus):
        """Executions are counted, not kept."""
        # Sentinels are older than an hour, which Datadog would drop.
        assert store.count("algo.executions") == len(corpus.executions)
        assert figure(store.bridge, "algo_consumer_dropped_total") == 1

    def test_2_no_connection_test(self, store, corpus):
        assert figure(store.bridge, "algo_consumer_connection_tests_total") == len(corpus.tests)

    def test_4_every_value_is_equal_as_a_double(self, store, corpus):
        sent = sorted(value for metric, tags, _, values in store.points() for value in values
                      if any(tag.startswith("metric:") for tag in tags))
        assert sent == sorted(value for execution in corpus.executions.values() for value in execution.metrics.values())
        tags = {tag for _, tags, _, _ in store.points() for tag in tags if tag.startswith("metric:")}
        assert tags == {f"metric:{name}" for execution in corpus.executions.values() for name in execution.metrics}

    def test_5_replaying_the_topic_changes_nothing(self, store):
        before = sorted(store.points())
        store.fill(seed=19)
        assert sorted(store.points()) == before

    def test_6_a_broken_record_stops_nothing_and_is_visible(self, store):
        assert store.unreadable() >= len(BROKEN)

    def test_7_the_outcome_of_the_extended_format_is_there(self, store, corpus):
        found = Counter()
        for metric, tags, _, values in store.points():
            if metric == "algo.executions":
                found[tags] += len(values)
        assert found == Counter(
            (f"owner:{e.owner}", f"algorithm:{e.name}", f"version:{e.version}", f"outcome:{e.outcome}")
            for e in corpus.executions.values())


def test_each_request_is_what_the_clients_types_and_the_limits_allow(store):
    path, headers, _, status = store.recorder.requests[0]
    assert (path, status) == ("/api/v1/distribution_points", 503)
    assert headers["Dd-Api-Key" if "Dd-Api-Key" in headers else "DD-API-KEY"] == "k3y"
    for body in store.recorder.accepted():
        payload = validate_and_convert_types(
            json.loads(body), (DistributionPointsPayload,), ["received"], True, True)
        for series in payload.series:
            assert len(series.metric) <= 200 and series.metric[0].isalpha()


@pytest.mark.parametrize("name, expected", [
    ("risk_score", "algo.inference.risk_score"), ("calibration error", "algo.inference.calibration_error"),
    ("café 😀", "algo.inference.caf"), ("😀", "algo.inference.unnamed"), ("x" * 300, "algo.inference." + "x" * 185)])
def test_names_become_those_that_datadog_allows(name, expected):
    assert metric_name(name) == expected


@pytest.mark.parametrize("file, model", [("monitors.json", Monitor), ("dashboard.json", Dashboard)])
def test_monitors_and_dashboard_are_of_the_clients_types(file, model):
    content = json.loads((HERE / file).read_text())
    for entry in content if isinstance(content, list) else [content]:
        validate_and_convert_types(entry, (model,), ["received"], True, True)


def test_a_key_that_is_wrong_loses_nothing(kafka, bridge, consumer_options, tmp_path, corpus):
    recorder = Recorder(tmp_path)
    recorder.answer = lambda number, path, body: (403, b'{"errors":["Forbidden"]}') if number < 2 else (202, b"{}")
    topic = f"forbidden-{tmp_path.name}"
    produce(kafka.PLAINTEXT, topic, [record for record in corpus.records if record.key in corpus.executions][:3])
    server = bridge("datadog", *consumer_options(topic, login=False), "--url", f"https://127.0.0.1:{recorder.port}",
                    "--api-key-env", "DD_API_KEY", "--sink-ca", recorder.authority, env={"DD_API_KEY": "k3y"})
    processes.await_until(lambda: figure(server, "algo_consumer_written_total") == 3, "all are written")
    assert figure(server, "algo_consumer_sink_failures_total") == 2
    assert "k3y" not in server.text()
    recorder.stop()
