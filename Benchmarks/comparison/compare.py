# SPDX-License-Identifier: Apache-2.0
"""Comparison of two large files of executions."""

import json
import os
import random

import timing
from table import mebibytes

EXECUTIONS = int(os.environ.get("BENCH_EXECUTIONS", "500000"))


def payloads(path, seed):
    """A file of payloads with five metrics each."""
    chance = random.Random(seed)
    with open(path, "w") as file:
        for index in range(EXECUTIONS):
            file.write(json.dumps({
                "request_id": f"req-{seed}-{index}", "timestamp": "2026-01-01T00:00:00.000000Z",
                "duration_milliseconds": round(chance.uniform(5, 30), 3), "algorithm_owner": "demo",
                "algorithm_name": "credit", "algorithm_version": f"1.0.{seed}", "risk_score": chance.gauss(0.5, 0.2),
                "approved": int(chance.random() < 0.6), "n_features": 12, "margin": chance.random(),
                "latency": chance.expovariate(0.2),
            }, separators=(",", ":")) + "\n")
    return path


def run(table, algo_run, work):
    table.section(f"compare, 2 × {EXECUTIONS:,} payloads of five metrics from files")
    first, second = (payloads(work / f"{seed}.ndjson", seed) for seed in (1, 2))
    command = [algo_run, "compare", "--from", str(first), "--from", str(second), "--plot", "none"]
    runs = [timing.peak_memory_and_time(command) for _ in range(3)]
    table.row("wall time", f"{sorted(seconds for _, seconds in runs)[1]:.2f} s", "", "≤ 3 s")
    table.row("peak memory", mebibytes(max(memory for memory, _ in runs)), "", "≤ 64 MiB")
    for path in (first, second):
        path.unlink()
