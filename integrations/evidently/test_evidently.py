# SPDX-License-Identifier: Apache-2.0
"""Evidently: the drift report of two versions agrees with `algo-run compare`."""

import json
import subprocess
from pathlib import Path

import pytest

import comparison
from environments import environment

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def insights(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("evidently") / "insights.ndjson"
    corpus.write_lines(path)
    return path


def drift(insights, *options):
    command = [environment("evidently", "evidently"), HERE / "drift.py", "--algorithm", "demo/credit", *options, insights]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_p_of_the_report_is_that_of_compare(insights, corpus, algo_run, tmp_path):
    report = tmp_path / "report.html"
    done = drift(insights, "--reference", "1.0.6", "--current", "1.1.0", "--json", "--html", str(report))
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    for figure, theirs in (("ks_p", "p"), ("d", "effect")):
        expected = comparison.by_metric(corpus, algo_run, tmp_path, figure)
        for name in ("risk_score", "model.latency_ms"):
            assert found[name][theirs] == pytest.approx(expected[name], rel=1e-6), (name, figure)
    assert found["risk_score"]["drift"] and not found["model.latency_ms"]["drift"]
    # Broken lines are counted and stop nothing.
    assert "lines are no payloads" in done.stderr
    assert "<html" in report.read_text()


def test_a_version_against_itself_has_not_drifted(insights):
    done = drift(insights, "--reference", "1.0.6", "--current", "1.0.6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "drift" not in done.stdout


def test_too_few_executions_give_no_verdict(insights):
    done = drift(insights, "--reference", "1.0.6", "--current", "9.9.9")
    assert done.returncode == 3 and "enough values" in done.stderr
