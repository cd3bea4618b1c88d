# SPDX-License-Identifier: Apache-2.0
"""The exporter's series."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from algo_run_insights.prometheus import PrometheusSink, read_buckets
from algo_run_insights.record import Insight


def insight(number, **metrics):
    return Insight(f"req-{number}", 1_613_780_514_867_231, 8.0, "a", "b", "1.0.0", "succeeded", 0, metrics)


class Exporter:
    def __init__(self, **options):
        self.registry, self.now = CollectorRegistry(), 0.0
        self.sink = PrometheusSink(self.registry, clock=lambda: self.now, **options)

    def samples(self):
        text = generate_latest(self.registry).decode()
        return {(sample.name, sample.labels.get("metric"), sample.labels.get("le")): sample
                for family in text_string_to_metric_families(text) for sample in family.samples}


def test_a_series_is_zero_at_first_and_complete_later():
    exporter = Exporter(zero_for=30)
    exporter.sink.write([insight(1, score=0.5), insight(2, score=2)])
    assert exporter.samples()["algo_executions_total", None, None].value == 0
    exporter.now = 31
    samples = exporter.samples()
    assert samples["algo_executions_total", None, None].value == 2
    assert samples["algo_inference_bucket", "score", "0.5"].value == 1
    assert samples["algo_inference_bucket", "score", "+Inf"].value == samples["algo_inference_count", "score", None].value == 2
    assert samples["algo_inference_sum", "score", None].value == 2.5


def test_an_exemplar_is_the_request_id_unless_it_is_too_long():
    exporter = Exporter(zero_for=0)
    exporter.sink.write([insight(1, score=0.5), insight("x" * 120, score=0.05)])
    samples = exporter.samples()
    assert samples["algo_inference_bucket", "score", "0.5"].exemplar.labels == {"request_id": "req-1"}
    assert samples["algo_inference_bucket", "score", "0.05"].exemplar is None


def test_series_beyond_the_limit_are_counted_and_left_out():
    exporter = Exporter(zero_for=0, max_series=2)
    exporter.sink.write([insight(1, a=1, b=2, c=3, d=4), insight(2, a=1)])
    samples = exporter.samples()
    assert samples["algo_consumer_series_left_out_total", None, None].value == 2
    assert samples["algo_inference_count", "a", None].value == 2


def test_buckets_are_chosen_by_metric(tmp_path):
    path = tmp_path / "buckets.json"
    path.write_text('{"score": [0.5], "*": [10, 20], "@duration": [1]}')
    exporter = Exporter(zero_for=0, buckets=read_buckets(path))
    exporter.sink.write([insight(1, score=0.4, other=15)])
    edges = {(metric, edge) for name, metric, edge in exporter.samples() if name == "algo_inference_bucket"}
    assert edges == {("score", "0.5"), ("score", "+Inf"), ("other", "10.0"), ("other", "20.0"), ("other", "+Inf")}


@pytest.mark.parametrize("content", ["", "[]", '{"a": [2, 1]}', '{"a": []}', '{"a": ["x"]}'])
def test_a_file_without_buckets_ends_in_one_sentence(tmp_path, content):
    path = tmp_path / "buckets.json"
    path.write_text(content)
    with pytest.raises(SystemExit, match="algo-run-insights: "):
        read_buckets(path)
