# SPDX-License-Identifier: Apache-2.0
"""The algorithm that the integrations watch: a credit decision as a worker, whose version 1.1.0 has drifted."""

import os
import random
import sys

import algo_run

DRIFTED = os.environ.get("ALGO_VERSION") == "1.1.0"


def apply(number):
    chance = random.Random(f"{number} {DRIFTED}")
    score = min(max(chance.gauss(0.47 if DRIFTED else 0.4, 0.15), 0), 1)
    metrics = {"risk_score": score, "approved": int(score < 0.45), "n_features": 12,
               "model.latency_ms": chance.expovariate(1 / 8)}
    if DRIFTED:
        metrics["calibration error"] = chance.random() / 10
    algo_run.report(metrics)
    if number % 100 == 13:
        raise ValueError("the applicant has no income")
    return {"approved": score < 0.45}


if __name__ == "__main__":
    sys.exit(algo_run.serve(apply))
