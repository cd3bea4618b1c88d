# SPDX-License-Identifier: Apache-2.0
"""Checks what one execution under algo-run left behind: check-run.py RESULT REPORT INSIGHTS NAME=VALUE

RESULT is the algorithm's stdout, REPORT the file of `exec --report`, INSIGHTS the home's insights.ndjson; NAME=VALUE is
a member that the result must have. Prints the result and the count of metrics, or one sentence and status 1.
"""

import json
import sys

OPERATIONAL = {
    "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version",
}


def require(truth, sentence):
    if not truth:
        sys.exit(sentence)


def main(result_path, report_path, insights_path, expected):
    with open(result_path) as file:
        lines = file.read().splitlines()
    require(len(lines) == 1, "the result is {} lines instead of one".format(len(lines)))
    result = json.loads(lines[0])
    name, value = expected.split("=", 1)
    require(result.get(name) == json.loads(value), "the result is {}, not {}".format(lines[0], expected))

    with open(report_path) as file:
        report = json.load(file)
    require(report["outcome"] == "succeeded", "the outcome is {}".format(report["outcome"]))
    require(report["metrics"], "no metrics were collected")
    require(report["rejected_metrics"] == [], "rejected: {}".format(report["rejected_metrics"]))
    require(report["delivery"]["state"] == "written", "the delivery is {}".format(report["delivery"]))

    payload = report["payload"]
    require(OPERATIONAL <= set(payload), "the payload lacks {}".format(OPERATIONAL - set(payload)))
    inference = {name: value for name, value in payload.items() if name not in OPERATIONAL}
    require(inference == report["metrics"], "the payload's metrics are not those that were accepted")
    with open(insights_path) as file:
        written = [json.loads(line) for line in file]
    own = [line for line in written if line["request_id"] == payload["request_id"]]
    require(len(own) == 1, "insights.ndjson has {} payloads of this execution instead of one".format(len(own)))
    require(own[0] == payload, "insights.ndjson has another payload than the report: {}".format(own[0]))
    print("{}, {} metrics".format(lines[0], len(inference)))


if __name__ == "__main__":
    main(*sys.argv[1:])
