# SPDX-License-Identifier: Apache-2.0
"""DuckDB: the shipped views over files of payloads and of batch results."""

from pathlib import Path

import duckdb
import pytest

import comparison
from contract import Contract, Row, Store

HERE = Path(__file__).resolve().parent


class Files(Store):
    """A file of lines instead of a topic."""

    def __init__(self, path, corpus):
        super().__init__(None, None, corpus)
        self.path = path
        self.database = duckdb.connect()
        self.database.execute(f"SET VARIABLE insights = '{path}'")

    def fill(self, seed=18):
        lines = [record.value for record in self.corpus.disordered(seed)]
        with open(self.path, "ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))

    def rows(self):
        found = {}
        query = "SELECT request_id, strftime(moment, '%Y-%m-%dT%H:%M:%S.%f'), outcome FROM insights"
        for request_id, moment, outcome in self.database.execute(query).fetchall():
            assert request_id not in found
            found[request_id] = Row(request_id, moment, {}, outcome)
        for request_id, name, value in self.database.execute(
                "SELECT request_id, name, value FROM insight_metrics").fetchall():
            found[request_id].metrics[name] = value
        return list(found.values())

    def unreadable(self):
        return self.database.execute("SELECT count(*) FROM insights_unreadable").fetchone()[0]


@pytest.fixture(scope="module")
def store(corpus, home, tmp_path_factory):
    store = Files(tmp_path_factory.mktemp("duckdb") / "insights.ndjson", corpus)
    store.database.execute(f"SET VARIABLE batch_results = '{home}/results-*.ndjson'")
    store.fill()
    store.database.execute((HERE / "views.sql").read_text())
    return store


class TestDuckDB(Contract):
    tool = "duckdb"


def test_batch_results_are_a_view_as_well(store, corpus):
    rows = store.database.execute("SELECT request_id, outcome, metrics FROM batch_results").fetchall()
    assert len(rows) == 800
    for request_id, outcome, metrics in rows:
        execution = corpus.executions[request_id]
        assert outcome == execution.outcome and metrics == execution.metrics


def test_drift_has_the_d_of_compare(store, corpus, algo_run, tmp_path):
    for name, value in (("algorithm", "credit"), ("reference", "1.0.6"), ("current", "1.1.0")):
        store.database.execute(f"SET VARIABLE {name} = '{value}'")
    drift = dict(store.database.execute((HERE / "drift.sql").read_text()).fetchall())
    assert drift["risk_score"] == pytest.approx(comparison.by_metric(corpus, algo_run, tmp_path)["risk_score"], rel=1e-9)

