# SPDX-License-Identifier: Apache-2.0
"""Prometheus: scrapes the exporter of the topic; its rules are those that are shipped."""

import json
import math
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

import comparison
from algo_run_insights.prometheus import INFERENCE_BUCKETS
from contract import Contract
from corpus import BROKEN
from harness import processes
from prometheus_store import Prometheus
from servers import fetch, figure, tool

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def store(kafka, corpus, topic, bridge, consumer_options, tmp_path_factory):
    exporter = bridge("prometheus", *consumer_options(topic), "--zero-for", "4", listen="--listen",
                      env={"KAFKA_PASSWORD": kafka.PASSWORD})
    store = Prometheus(tmp_path_factory.mktemp("prometheus"), kafka.PLAINTEXT, topic, corpus, exporter)
    processes.await_until(lambda: store.number("up") == 1, "the exporter is scraped")
    store.fill()
    yield store
    store.stop()


class TestPrometheus(Contract):
    tool = "prometheus"
    exceptions = {3: "a sample has the time of its scrape; an exemplar has the start of its execution"}

    def test_1_as_many_distinct_request_ids_as_executions(self, store, corpus):
        """Executions are counted, not kept; the sentinels are counted as well."""
        assert store.number("sum(algo_executions_total)") == len(corpus.executions) + 1

    def test_2_no_connection_test(self, store, corpus):
        assert store.number("algo_consumer_connection_tests_total") == len(corpus.tests)

    def test_4_every_value_is_equal_as_a_double(self, store, corpus):
        """Each value is in its bucket, and the sums are those of the values."""
        counts, sums, buckets = Counter(), Counter(), Counter()
        values = [(e.version, name, value) for e in corpus.executions.values() for name, value in e.metrics.items()]
        for version, name, value in [*values, ("1.0.0", "count", 0.0)]:
            counts[version, name] += 1
            sums[version, name] += value
            for edge in (*INFERENCE_BUCKETS, math.inf):
                buckets[version, name, edge] += value <= edge

        def by(expression, *names):
            return {tuple(dict(labels)[name] for name in names): value for labels, value in store.query(expression).items()}

        assert by("algo_inference_count", "version", "metric") == counts
        found = by("algo_inference_sum", "version", "metric")
        assert found == pytest.approx(dict(sums), rel=1e-12)
        shown = {(version, name, float(edge)): value
                 for (version, name, edge), value in by("algo_inference_bucket", "version", "metric", "le").items()}
        assert shown == dict(buckets)

    def test_5_replaying_the_topic_changes_nothing(self, store):
        """Within the 200,000 request ids that the exporter remembers."""
        names = "{__name__=~'algo_(executions|inference|duration|metrics).*'}"
        before = store.api("query", query=names)["result"]
        shown = {json.dumps(series["metric"], sort_keys=True): series["value"][1] for series in before}
        read = figure(store.exporter, "algo_consumer_records_total")
        store.fill(seed=19)
        assert figure(store.exporter, "algo_consumer_records_total") > read
        after = {json.dumps(series["metric"], sort_keys=True): series["value"][1]
                 for series in store.api("query", query=names)["result"]}
        # The second sentinel is an execution of its own.
        changed = {json.loads(labels)["name"] for labels in after if after[labels] != shown.get(labels)}
        assert changed <= {"odd"}
        assert store.number("sum(algo_executions_total)") == len(store.corpus.executions) + 2

    def test_6_a_broken_record_stops_nothing_and_is_visible(self, store):
        assert store.number("algo_consumer_unreadable_total") >= len(BROKEN)

    def test_7_the_outcome_of_the_extended_format_is_there(self, store, corpus):
        expected = Counter((e.version, e.outcome) for e in corpus.executions.values())
        found = {(dict(labels)["version"], dict(labels)["outcome"]): value
                 for labels, value in store.query("algo_executions_total").items()}
        assert {key: value for key, value in found.items() if key != ("1.0.0", "succeeded")} == {
            key: value for key, value in expected.items() if key != ("1.0.0", "succeeded")}


def test_what_a_new_series_held_at_its_first_scrape_is_not_lost(store):
    """`increase` sees only what comes after the first scrape: the exporter shows 0 there."""
    counted = 'sum(increase(algo_executions_total{name="credit"}[5m]))'
    processes.await_until(lambda: store.number(counted) > 700, "increase has counted the executions")


def test_exemplars_lead_to_executions(store, corpus):
    now = time.time()
    found = store.api("query_exemplars", query="algo_inference_bucket", start=now - 3600, end=now + 60)
    ids = {exemplar["labels"]["request_id"] for series in found for exemplar in series["exemplars"]}
    assert ids and ids <= set(corpus.executions) | {"req-sentinel-1", "req-sentinel-2"}


def test_the_distance_of_two_versions_is_at_most_the_d_of_compare(store, corpus, algo_run, tmp_path):
    """The expression of the README, on series that are complete: without `increase`, which extrapolates."""
    share = "algo_inference_bucket{metric='risk_score',version='%s'} / ignoring (le) group_left () " \
            "algo_inference_count{metric='risk_score',version='%s'}"
    distance = store.number(f"max(abs({share % ('1.1.0', '1.1.0')} - ignoring (version) {share % ('1.0.6', '1.0.6')}))")
    exact = comparison.by_metric(corpus, algo_run, tmp_path)["risk_score"]
    assert 0.1 < distance <= exact + 1e-12


def test_the_rules_are_evaluated_without_errors(store):
    processes.await_until(
        lambda: all(rule["health"] == "ok" for group in store.api("rules")["groups"] for rule in group["rules"]),
        "every rule was evaluated")
    rules = [rule for group in store.api("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == 16


@pytest.mark.parametrize("command", [
    ["usr/bin/promtool", "test", "rules", "tests/alerts_test.yml"],
    ["usr/bin/promtool", "check", "config", "prometheus.yml"],
    ["usr/bin/amtool", "check-config", "alertmanager.yml"],
])
def test_the_shipped_files_pass_the_tools_own_checks(command):
    done = subprocess.run([tool(command[0]), *command[1:]], cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_exporters_page_passes_promtool(store):
    page = fetch(store.exporter.figures)[1]
    done = subprocess.run([tool("usr/bin/promtool"), "check", "metrics"], input=page, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
