# SPDX-License-Identifier: Apache-2.0
"""The results of other programs for the same two files: judges.py A B METRIC prints {"judge": {"d": …, "p": …}} as JSON.

Runs in an environment of its own with requirements.txt, since Evidently brings much with it.
"""

import json
import math
import sqlite3
import sys

import duckdb
import numpy
import pandas
from evidently.legacy.calculations.stattests import ks_stat_test
from evidently.legacy.core import ColumnType
from scipy import special, stats

# One text for both engines: counts of each value, running shares, the largest gap, and the limiting law's series.
SQL = """
WITH RECURSIVE n AS (
  SELECT sum(CASE WHEN side = 'a' THEN 1.0 ELSE 0 END) AS a, sum(CASE WHEN side = 'b' THEN 1.0 ELSE 0 END) AS b FROM samples
), counts AS (
  SELECT value, sum(CASE WHEN side = 'a' THEN 1.0 ELSE 0 END) AS a, sum(CASE WHEN side = 'b' THEN 1.0 ELSE 0 END) AS b
  FROM samples GROUP BY value
), shares AS (
  SELECT sum(counts.a) OVER (ORDER BY value) / n.a AS a, sum(counts.b) OVER (ORDER BY value) / n.b AS b FROM counts, n
), distance AS (SELECT max(abs(a - b)) AS d FROM shares),
terms(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM terms WHERE k < 100)
SELECT d, (SELECT 2 * sum((CASE WHEN k % 2 = 1 THEN 1 ELSE -1 END) * exp(-2.0 * k * k * d * d * n.a * n.b / (n.a + n.b)))
           FROM terms)
FROM distance, n
"""


def values(path, metric):
    with open(path) as file:
        return [float(line[metric]) for line in map(json.loads, file) if metric in line]


def by_duckdb(paths, metric):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE samples (side VARCHAR, value DOUBLE)")
    for side, path in zip("ab", paths):
        # A type is named, for DuckDB would guess it from the first lines.
        connection.execute(
            f"INSERT INTO samples SELECT '{side}', \"{metric}\" FROM read_json(?, format = 'newline_delimited', "
            f"columns = {{'{metric}': 'DOUBLE'}}) WHERE \"{metric}\" IS NOT NULL", [str(path)])
    return connection.execute(SQL).fetchone()


def by_sqlite(paths, metric):
    connection = sqlite3.connect(":memory:")
    connection.create_function("exp", 1, math.exp, deterministic=True)
    connection.execute("CREATE TABLE samples (side TEXT, value REAL)")
    for side, path in zip("ab", paths):
        with open(path) as file:
            connection.executemany(
                "INSERT INTO samples SELECT ?, json_each.value FROM json_each(?) WHERE key = ?",
                ((side, line, metric) for line in file))
    return connection.execute(SQL).fetchone()


def main(a, b, metric):
    x, y = values(a, metric), values(b, metric)
    found = {}
    exact = stats.ks_2samp(x, y)
    found["scipy"] = {"d": float(exact.statistic), "p": float(exact.pvalue)}
    size = len(x) * len(y) / (len(x) + len(y))
    found["scipy limit"] = {"d": found["scipy"]["d"],
                            "p": float(special.kolmogorov(math.sqrt(size) * found["scipy"]["d"]))}
    for name, judge in (("duckdb", by_duckdb), ("sqlite", by_sqlite)):
        d, p = judge((a, b), metric)
        found[name] = {"d": float(d), "p": float(p)}
    p, _ = ks_stat_test.func(pandas.Series(numpy.array(x)), pandas.Series(numpy.array(y)), ColumnType.Numerical, 0.05)
    found["evidently"] = {"p": float(p)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
