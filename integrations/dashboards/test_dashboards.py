# SPDX-License-Identifier: Apache-2.0
"""Grafana's dashboards without Grafana: a round trip through its own types, and every query on the loaded store."""

import copy
import json
import math
import re
import time
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

import generate
import plots
from clickhouse_store import ClickHouse
from environments import WORK, environment
from harness import processes
from influxdb_store import InfluxDB
from postgresql_store import PostgreSQL
from prometheus_store import Prometheus

HERE = Path(__file__).resolve().parent
SOURCES = list(generate.TYPES)
VALUES = {"algorithm": "credit", "reference": "1.0.6", "metric": "risk_score"}
plugins.register_default_plugins()


def lost(ours, theirs, place=""):
    """Paths of members that the types do not know."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            if not isinstance(theirs, dict) or key not in theirs:
                yield f"{place}.{key}"
            else:
                yield from lost(value, theirs[key], f"{place}.{key}")
    elif isinstance(ours, list):
        for number, value in enumerate(ours):
            yield from lost(value, theirs[number], f"{place}[{number}]")
    elif ours != theirs:
        yield f"{place}: {ours!r} became {theirs!r}"


def round_trip(dashboard):
    return json.loads(json.dumps(Dashboard.from_json(copy.deepcopy(dashboard)), cls=JSONEncoder))


@pytest.mark.parametrize("source", SOURCES)
def test_the_committed_file_is_what_the_generator_writes(source):
    assert (HERE / f"{source}.json").read_text() == generate.text(source)


@pytest.mark.parametrize("source", SOURCES)
def test_grafanas_types_know_every_member(source):
    dashboard = generate.dashboard(source)
    assert list(lost(dashboard, round_trip(dashboard))) == []


def test_a_planted_member_is_found():
    dashboard = generate.dashboard("prometheus")
    dashboard["panels"][0]["targets"][0]["exprr"] = "up"
    assert list(lost(dashboard, round_trip(dashboard)))


@pytest.mark.parametrize("source", SOURCES)
def test_panels_do_not_overlap_and_use_variables_that_exist(source):
    dashboard = generate.dashboard(source)
    taken = set()
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not cells & taken and grid["x"] + grid["w"] <= 24 and panel["description"]
        taken |= cells
    known = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(dashboard)))
    assert used <= known | {"time"}, used - known


def substituted(query):
    for old, new in (("$__rate_interval", "5m"), ("$__range", "1h"), ("$__interval", "10s"),
                     ("${version:singlequote}", "'1.0.6', '1.1.0'"), ("$version", "(1.0.6|1.1.0)"),
                     ("$timeFilter", "time > now() - 1h"), ('$__timeFilter("timestamp")', "\"timestamp\" > '2020-01-01'")):
        query = query.replace(old, new)
    for name, value in VALUES.items():
        query = query.replace(f"${name}", value)
    return query


def numbers(answer):
    """Every number in it, however deep."""
    if isinstance(answer, (list, tuple)):
        for item in answer:
            yield from numbers(item)
    elif isinstance(answer, dict):
        yield from numbers(list(answer.values()))
    elif isinstance(answer, (int, float)):
        yield answer


def judge(source, ask, look):
    """Asks every panel's query and every variable's, and compares the variables with the corpus."""
    dashboard = generate.dashboard(source)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = substituted(target.get("expr") or target.get("query") or target["rawSql"])
            found = [number for number in numbers(ask(query)) if not math.isnan(number)]
            assert found, (panel["title"], query)
            if panel["title"] not in ("Rejected metrics", "Failing share"):
                assert any(found), (panel["title"], query)
    for variable in dashboard["templating"]["list"][1:]:
        expected = {"algorithm": {"credit", "odd"}, "version": {"1.0.6", "1.1.0"}, "reference": {"1.0.6", "1.1.0"}}
        found = set(look(substituted(variable["query"])))
        assert found == expected.get(variable["name"], found) and found, variable
        if variable["name"] == "metric":
            assert found == {"risk_score", "approved", "n_features", "model.latency_ms", "calibration error"}


def test_every_query_of_prometheus_answers(kafka, corpus, bridge, consumer_options, tmp_path):
    exporter = bridge("prometheus", *consumer_options(f"grafana-p-{tmp_path.name}", login=False), "--zero-for", "4",
                      listen="--listen")
    store = Prometheus(tmp_path, kafka.PLAINTEXT, f"grafana-p-{tmp_path.name}", corpus, exporter)
    try:
        processes.await_until(lambda: store.number("up") == 1, "the exporter is scraped")
        store.fill()
        processes.await_until(lambda: store.number("sum(increase(algo_executions_total[5m]))") > 700, "rates are there")

        def look(query):
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
            return store.api(f"label/{label}/values", **{"match[]": series, "start": time.time() - 3600})

        judge("prometheus", lambda query: list(store.query(query).values()), look)
    finally:
        store.stop()


def test_every_query_of_influxdb_answers(kafka, corpus, bridge, consumer_options, tmp_path):
    store = InfluxDB(tmp_path, kafka.PLAINTEXT, f"grafana-i-{tmp_path.name}", corpus)
    try:
        store.bridge = bridge("influxdb", *consumer_options(store.topic, login=False), "--url", store.url, "--database",
                              "insights")
        store.fill()
        judge("influxdb", lambda query: [row[1:] for series in store.query(query) for row in series["values"]],
              lambda query: [row[1] for series in store.query(query) for row in series["values"]])
    finally:
        store.stop()


def test_every_query_of_clickhouse_answers(kafka, corpus, tmp_path):
    store = ClickHouse(environment("chdb", "chdb"), tmp_path, kafka.PLAINTEXT, f"grafana-c-{tmp_path.name}", corpus)
    try:
        store.fill()
        # Counts are text in ClickHouse's JSON.
        judge("clickhouse", lambda query: [[as_number(value) for value in row] for row in store.query(query)],
              lambda query: [row[0] for row in store.query(query)])
        # The picture in docs/monitor.md is a copy of this one.
        picture = WORK / "monitor.svg"
        assert plots.draw(store.query, picture) == [1.0, 1.0]
        assert b"risk_score by version" in picture.read_bytes() or picture.stat().st_size > 10_000
    finally:
        store.stop()


def as_number(value):
    return float(value) if isinstance(value, str) and value.isdigit() else value


def test_every_query_of_postgresql_answers(kafka, corpus, tmp_path):
    store = PostgreSQL(tmp_path, kafka.PLAINTEXT, f"grafana-g-{tmp_path.name}", corpus)
    try:
        store.fill()
        judge("postgresql", store.query, lambda query: [row[0] for row in store.query(query)])
    finally:
        store.stop()
