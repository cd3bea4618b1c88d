# SPDX-License-Identifier: Apache-2.0
"""A drift report of two versions by Evidently: drift.py --reference 1.0.6 --current 1.1.0 [--html FILE] INSIGHTS…

INSIGHTS are files of payloads, a line each: the file sink's, or `kcat -C -e -q -f '%s\\n'` of the topic. Metrics with more
than ten values are judged by Kolmogorov–Smirnov, others by chi-squared. A metric has drifted if its p is below --alpha
*and* the effect is at least --effect (the distance D, or the total variation of shares): p alone finds differences that
do not matter as soon as there are many executions. Prints a line a metric. Exit status: 0 no drift; 1 drift; 2 usage;
3 nothing could be judged.
"""

import argparse
import json
import sys
import warnings

import pandas
from scipy import stats

OPERATIONAL = {"request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name",
               "algorithm_version", "time", "session_id"}
EXTENDED = {"outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes",
            "queue_milliseconds"}
DISCRETE = 10


def read(paths, algorithm, versions):
    """The metrics of each version, one row an execution; a payload that came twice counts once."""
    rows = {version: {} for version in versions}
    unreadable = 0
    for path in paths:
        with open(path, "rb") as lines:
            for line in lines:
                try:
                    payload = json.loads(line)
                    if "connection_test" in payload and "algorithm_name" not in payload:
                        continue
                    name = f"{payload['algorithm_owner']}/{payload['algorithm_name']}"
                    version, request_id = payload["algorithm_version"], payload["request_id"]
                except (ValueError, KeyError, TypeError):
                    unreadable += 1
                    continue
                if name != algorithm or version not in rows:
                    continue
                known = OPERATIONAL | EXTENDED if isinstance(payload.get("outcome"), str) else OPERATIONAL
                rows[version][request_id] = {key: float(value) for key, value in payload.items() if key not in known}
    if unreadable:
        print(f"{unreadable} lines are no payloads and are left out", file=sys.stderr)
    return [pandas.DataFrame(list(rows[version].values())) for version in versions]


def effect(reference, current, is_discrete):
    if not is_discrete:
        return stats.ks_2samp(reference, current).statistic
    shares = pandas.concat([reference.value_counts(normalize=True), current.value_counts(normalize=True)], axis=1)
    return shares.fillna(0).diff(axis=1).iloc[:, 1].abs().sum() / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("insights", nargs="+", metavar="INSIGHTS")
    parser.add_argument("--algorithm", required=True, metavar="OWNER/NAME")
    parser.add_argument("--reference", required=True, metavar="VERSION")
    parser.add_argument("--current", required=True, metavar="VERSION")
    parser.add_argument("--alpha", type=float, default=0.01)
    parser.add_argument("--effect", type=float, default=0.1)
    parser.add_argument("--min-samples", type=int, default=30)
    parser.add_argument("--html", metavar="FILE", help="write Evidently's report there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")

    reference, current = read(arguments.insights, arguments.algorithm, [arguments.reference, arguments.current])
    names, discrete = [], {}
    for name in reference.columns.intersection(current.columns):
        sides = reference[name].dropna(), current[name].dropna()
        if min(map(len, sides)) >= arguments.min_samples:
            names.append(name)
            discrete[name] = pandas.concat(sides).nunique() <= DISCRETE
    if not names:
        print("no metric has enough values in both versions; check --algorithm and the versions", file=sys.stderr)
        return 3

    # It takes seconds to load.
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    definition = DataDefinition(numerical_columns=[name for name in names if not discrete[name]],
                                categorical_columns=[name for name in names if discrete[name]])
    datasets = [Dataset.from_pandas(side[names], data_definition=definition) for side in (reference, current)]
    report = Report([ValueDrift(column=name, method="chisquare" if discrete[name] else "ks", threshold=arguments.alpha)
                     for name in names])
    snapshot = report.run(current_data=datasets[1], reference_data=datasets[0])
    if arguments.html:
        snapshot.save_html(arguments.html)
    found = {}
    for name, metric in zip(names, snapshot.dict()["metrics"]):
        size = float(effect(reference[name].dropna(), current[name].dropna(), discrete[name]))
        p = float(metric["value"])
        found[name] = {"p": p, "effect": size, "drift": p < arguments.alpha and size >= arguments.effect}
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, verdict in found.items():
            print(f"{'drift' if verdict['drift'] else 'same ':8}{name:32} effect {verdict['effect']:.3f}  p {verdict['p']:.3g}")
    return 1 if any(verdict["drift"] for verdict in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
