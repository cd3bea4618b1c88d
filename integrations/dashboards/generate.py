# SPDX-License-Identifier: Apache-2.0
"""Writes the dashboards for Grafana, one for each data source, so that their panels agree: generate.py [FOLDER]"""

import json
import sys
from pathlib import Path

TYPES = {"prometheus": "prometheus", "influxdb": "influxdb", "clickhouse": "grafana-clickhouse-datasource",
         "postgresql": "grafana-postgresql-datasource"}

SELECTED = 'name="$algorithm",version=~"$version"'
SQL_SELECTED = "algorithm_name = '$algorithm' AND algorithm_version IN (${version:singlequote}) AND $__timeFilter(\"timestamp\")"
INFLUX_SELECTED = "\"algorithm_name\" = '$algorithm' AND \"algorithm_version\" =~ /^$version$/ AND $timeFilter"
SHARES = ('sum by (version, le) (increase(algo_inference_bucket{name="$algorithm",metric="$metric",version%s}[$__range]))'
          ' / ignoring (le) group_left () '
          '(sum by (version) (increase(algo_inference_count{name="$algorithm",metric="$metric",version%s}[$__range])) > 0)')
ROWS = {"clickhouse": "algo_run.insights FINAL", "postgresql": "insights"}
METRICS = {
    "clickhouse": 'SELECT "timestamp", algorithm_name, algorithm_version, pair.1 AS metric, pair.2 AS value '
                  "FROM algo_run.insights FINAL ARRAY JOIN CAST(metrics, 'Array(Tuple(String, Float64))') AS pair",
    "postgresql": 'SELECT "timestamp", algorithm_name, algorithm_version, name AS metric, value FROM insight_metrics'}
SECOND = {"clickhouse": 'toStartOfInterval("timestamp", INTERVAL 10 second)',
          "postgresql": "to_timestamp(floor(extract(epoch FROM \"timestamp\") / 10) * 10)"}
P95 = {"clickhouse": "quantileExact(0.95)(duration_milliseconds)",
       "postgresql": "percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_milliseconds)"}
SPREAD = {"clickhouse": "stddevSamp(value)", "postgresql": "stddev_samp(value)"}
FAILING = {"clickhouse": "avg(outcome != 'succeeded')",
           "postgresql": "coalesce(avg((outcome <> 'succeeded')::int::float8), 0)"}


def variables(source):
    """Name, label, query, several."""
    if source == "prometheus":
        return [("algorithm", "Algorithm", "label_values(algo_executions_total, name)", False),
                ("version", "Version", 'label_values(algo_executions_total{name="$algorithm"}, version)', True),
                ("reference", "Reference version", 'label_values(algo_executions_total{name="$algorithm"}, version)', False),
                ("metric", "Metric", 'label_values(algo_inference_count{name="$algorithm"}, metric)', False)]
    if source == "influxdb":
        values = "SHOW TAG VALUES FROM \"%s\" WITH KEY = \"%s\""
        return [("algorithm", "Algorithm", values % ("insights", "algorithm_name"), False),
                ("version", "Version", values % ("insights", "algorithm_version") + " WHERE \"algorithm_name\" = '$algorithm'",
                 True),
                ("metric", "Metric", values % ("insight_metrics", "metric") + " WHERE \"algorithm_name\" = '$algorithm'",
                 False)]
    rows = ROWS[source]
    return [("algorithm", "Algorithm", f"SELECT DISTINCT algorithm_name FROM {rows} ORDER BY 1", False),
            ("version", "Version",
             f"SELECT DISTINCT algorithm_version FROM {rows} WHERE algorithm_name = '$algorithm' ORDER BY 1", True),
            ("metric", "Metric",
             f"SELECT DISTINCT metric FROM ({METRICS[source]}) m WHERE algorithm_name = '$algorithm' ORDER BY 1", False)]


def panels(source):
    """Title, kind, unit, width, what it shows, queries."""
    if source == "prometheus":
        total = f"algo_executions_total{{{SELECTED}}}"
        failed = f'algo_executions_total{{{SELECTED},outcome!="succeeded"}}'
        inference = f'{{{SELECTED},metric="$metric"}}'
        return [
            ("Executions", "stat", "short", 6, "In the time shown.", [f"sum(increase({total}[$__range]))"]),
            ("Failing share", "stat", "percentunit", 6, "Executions that did not succeed.",
             [f"sum(increase({failed}[$__range])) / sum(increase({total}[$__range]))"]),
            ("Rejected metrics", "stat", "short", 6, "Metrics that broke a rule; algo-run check names it.",
             [f"sum(increase(algo_metrics_rejected_total{{{SELECTED}}}[$__range]))"]),
            ("Last record", "stat", "s", 6, "Age of the youngest record on the topic.",
             ["time() - max(algo_consumer_last_record_timestamp_seconds)"]),
            ("Executions by outcome", "timeseries", "short", 12, "Executions a second, by version and outcome.",
             [f"sum by (version, outcome) (rate({total}[$__rate_interval]))"]),
            ("Duration", "timeseries", "s", 12, "Median and 95th percentile, by version.",
             [f"histogram_quantile({q}, sum by (version, le) "
              f"(rate(algo_duration_seconds_bucket{{{SELECTED}}}[$__rate_interval])))" for q in ("0.5", "0.95")]),
            ("$metric: mean", "timeseries", "short", 12, "By version. Not for metrics with negative values.",
             [f"sum by (version) (rate(algo_inference_sum{inference}[$__rate_interval])) "
              f"/ sum by (version) (rate(algo_inference_count{inference}[$__rate_interval]))"]),
            ("$metric: drift", "timeseries", "short", 12,
             "Kolmogorov–Smirnov D against the reference version, at most the true one; 0.1 is worth a look.",
             ["max by (version) (abs(" + SHARES % ('=~"$version"', '=~"$version"') + " - on (le) group_left () ("
              + SHARES % ('="$reference"', '="$reference"') + ")))"]),
        ]
    if source == "influxdb":
        insights = f'FROM "insights" WHERE {INFLUX_SELECTED}'
        metrics = f"FROM \"insight_metrics\" WHERE {INFLUX_SELECTED} AND \"metric\" = '$metric'"
        return [
            ("Executions", "stat", "short", 8, "In the time shown.", [f'SELECT count("duration_milliseconds") {insights}']),
            ("Failures", "stat", "short", 8, "Executions that did not succeed.",
             [f"SELECT count(\"duration_milliseconds\") {insights} AND \"outcome\" != 'succeeded'"]),
            ("Rejected metrics", "stat", "short", 8, "Metrics that broke a rule; algo-run check names it.",
             [f'SELECT sum("rejected_metrics") {insights}']),
            ("Executions by outcome", "timeseries", "short", 12, "By version and outcome.",
             [f'SELECT count("duration_milliseconds") {insights} GROUP BY time($__interval), "algorithm_version", "outcome" '
              "fill(0)"]),
            ("Duration", "timeseries", "ms", 12, "95th percentile, by version.",
             [f'SELECT percentile("duration_milliseconds", 95) {insights} GROUP BY time($__interval), "algorithm_version" '
              "fill(none)"]),
            ("$metric: mean and spread", "timeseries", "short", 12, "By version.",
             [f'SELECT mean("value"), stddev("value") {metrics} GROUP BY time($__interval), "algorithm_version" fill(none)']),
            ("Failed executions", "table", "short", 12, "The last ones, to be looked up by algo-run runs show.",
             [f"SELECT \"request_id\", \"duration_milliseconds\" {insights} AND \"outcome\" != 'succeeded' "
              "ORDER BY time DESC LIMIT 50"]),
        ]
    rows, second = ROWS[source], SECOND[source]
    metrics = f"FROM ({METRICS[source]}) m WHERE {SQL_SELECTED} AND metric = '$metric'"
    return [
        ("Executions", "stat", "short", 8, "In the time shown.", [f"SELECT count(*) AS executions FROM {rows} WHERE {SQL_SELECTED}"]),
        ("Failing share", "stat", "percentunit", 8, "Executions that did not succeed.",
         [f"SELECT {FAILING[source]} AS failing FROM {rows} WHERE {SQL_SELECTED}"]),
        ("Duration", "stat", "ms", 8, "95th percentile.", [f"SELECT {P95[source]} AS p95 FROM {rows} WHERE {SQL_SELECTED}"]),
        ("Executions by version", "timeseries", "short", 12, "In steps of ten seconds.",
         [f"SELECT {second} AS time, algorithm_version AS version, count(*) AS executions FROM {rows} WHERE {SQL_SELECTED} "
          "GROUP BY 1, 2 ORDER BY 1"]),
        ("Duration by version", "timeseries", "ms", 12, "95th percentile, in steps of ten seconds.",
         [f"SELECT {second} AS time, algorithm_version AS version, {P95[source]} AS p95 FROM {rows} WHERE {SQL_SELECTED} "
          "GROUP BY 1, 2 ORDER BY 1"]),
        ("$metric: mean", "timeseries", "short", 12, "By version, in steps of ten seconds.",
         [f"SELECT {second} AS time, algorithm_version AS version, avg(value) AS mean {metrics} GROUP BY 1, 2 ORDER BY 1"]),
        ("$metric by version", "table", "short", 12, "Count, mean and spread of each version.",
         [f"SELECT algorithm_version AS version, count(*) AS n, avg(value) AS mean, {SPREAD[source]} AS sd, "
          f"min(value) AS least, max(value) AS most {metrics} GROUP BY 1 ORDER BY 1"]),
        ("Slowest executions", "table", "ms", 24, "To be looked up by algo-run runs show.",
         [f'SELECT "timestamp" AS time, request_id, outcome, duration_milliseconds FROM {rows} WHERE {SQL_SELECTED} '
          "ORDER BY duration_milliseconds DESC LIMIT 50"]),
    ]


def target(source, kind, query, number):
    common = {"refId": "ABCDEFG"[number], "datasource": {"type": TYPES[source], "uid": "${datasource}"}}
    if source == "prometheus":
        return {**common, "expr": query, "range": kind == "timeseries", "instant": kind != "timeseries",
                "exemplar": kind == "timeseries"}
    if source == "influxdb":
        return {**common, "query": query, "rawQuery": True, "resultFormat": "table" if kind == "table" else "time_series"}
    return {**common, "rawSql": query, "rawQuery": True, "format": "time_series" if kind == "timeseries" else "table",
            "editorMode": "code"}


def dashboard(source):
    datasource = {"type": TYPES[source], "uid": "${datasource}"}
    drawn, x, y = [], 0, 0
    for number, (title, kind, unit, width, description, queries) in enumerate(panels(source), 1):
        if x + width > 24:
            x, y = 0, y + 8
        drawn.append({
            "id": number, "type": kind, "title": title, "description": description, "datasource": datasource,
            "gridPos": {"x": x, "y": y, "w": width, "h": 8}, "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": [target(source, kind, query, place) for place, query in enumerate(queries)]})
        x += width
    listed = [{"name": "datasource", "label": "Data source", "type": "datasource", "query": TYPES[source]}]
    for name, label, query, several in variables(source):
        listed.append({"name": name, "label": label, "type": "query", "query": query, "datasource": datasource,
                       "refresh": 2, "multi": several, "includeAll": several})
    return {"uid": f"algo-run-{source}", "title": f"algo-run Insights ({source})", "tags": ["algo-run"], "editable": True,
            "schemaVersion": 39, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
            "templating": {"list": listed}, "panels": drawn}


def text(source):
    return json.dumps(dashboard(source), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for name in TYPES:
        (folder / f"{name}.json").write_text(text(name))
