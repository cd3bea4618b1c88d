# SPDX-License-Identifier: Apache-2.0
"""Draws panels of the ClickHouse dashboard from a store: draw(query, path)."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

VERSIONS = {"1.0.6": "#3274d9", "1.1.0": "#e0752d"}


def draw(query, path):
    """`query` gives the rows of a statement."""
    matplotlib.rcParams.update({"svg.hashsalt": "algo-run", "font.size": 9, "axes.spines.top": False,
                                "axes.spines.right": False})
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for version, colour in VERSIONS.items():
        values = [float(value) for [value] in query(
            "SELECT metrics['risk_score'] FROM algo_run.insights FINAL WHERE algorithm_name = 'credit' "
            f"AND algorithm_version = '{version}'")]
        left.hist(values, bins=[edge / 20 for edge in range(21)], alpha=0.6, color=colour, label=version)
        ordered = sorted(values)
        middle.step(ordered, [place / len(ordered) for place in range(1, len(ordered) + 1)], where="post", color=colour,
                    label=version)
    left.set(title="risk_score by version", xlabel="risk_score", ylabel="executions")
    middle.set(title="risk_score: distribution functions", xlabel="risk_score", ylabel="share below")
    rows = query("SELECT algorithm_version, outcome, toFloat64(count()) FROM algo_run.insights FINAL "
                 "WHERE algorithm_name = 'credit' GROUP BY 1, 2 ORDER BY 1, 2")
    counts = {(version, outcome): float(count) for version, outcome, count in rows}
    failed = [100 * counts.get((version, "failed"), 0) / sum(
        count for (other, _), count in counts.items() if other == version) for version in VERSIONS]
    right.bar(list(VERSIONS), failed, color=list(VERSIONS.values()))
    right.set(title="failing share", ylabel="%")
    left.legend(frameon=False)
    middle.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return failed
