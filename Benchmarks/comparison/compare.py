# SPDX-License-Identifier: Apache-2.0
"""Comparison of two large files of executions, and of two versions in a history."""

import json
import os
import random
import sqlite3
import subprocess

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


def history(algo_run, home):
    """A home with two versions, as many executions each as the files have, in the order of their time."""
    command = ["sh", "-c", """echo '{"risk_score":1}' >&3"""]
    for _ in range(2):
        subprocess.run([algo_run, "publish", "demo/credit", "--home", home, "--", *command], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run([algo_run, "exec", "demo/credit", "--home", home], check=True)
    subprocess.run([algo_run, "runs", "--home", home], check=True, stdout=subprocess.DEVNULL)
    chance = random.Random(3)

    def rows(database):
        found = database.execute("SELECT algorithm, started, outcome, delivery, record FROM execution ORDER BY id").fetchall()
        for index in range(EXECUTIONS):
            for version, (algorithm, started, outcome, delivery, record) in enumerate(found):
                fields = json.loads(record)
                fields["request_id"] = f"req-{version}-{index}"
                fields["duration_milliseconds"] = round(chance.uniform(5, 30), 3)
                metrics = {"risk_score": chance.gauss(0.5, 0.2), "approved": int(chance.random() < 0.6),
                           "n_features": 12, "margin": chance.random(), "latency": chance.expovariate(0.2)}
                yield (algorithm, fields["request_id"], started + index, outcome, delivery,
                       json.dumps(metrics, separators=(",", ":")), json.dumps(fields, separators=(",", ":")))

    with sqlite3.connect(f"{home}/history.db") as database:
        database.executemany("INSERT INTO execution (algorithm, request_id, started, outcome, delivery, metrics, record) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?)", rows(database))
        # Room is left below the number that the history keeps.
        database.execute("DELETE FROM execution WHERE id <= 2")
        database.execute("UPDATE algorithm SET executions = ?", (EXECUTIONS,))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def measure(table, name, command):
    runs = [timing.peak_memory_and_time(command) for _ in range(3)]
    table.row(f"{name}, wall time", f"{sorted(seconds for _, seconds in runs)[1]:.2f} s", "", "≤ 3 s")
    table.row(f"{name}, peak memory", mebibytes(max(memory for memory, _ in runs)), "", "≤ 64 MiB")


def run(table, algo_run, work):
    table.section(f"compare, 2 × {EXECUTIONS:,} executions of five metrics")
    first, second = (payloads(work / f"{seed}.ndjson", seed) for seed in (1, 2))
    measure(table, "files", [algo_run, "compare", "--from", str(first), "--from", str(second), "--plot", "none"])
    for path in (first, second):
        path.unlink()
    home = str(work / "history")
    history(algo_run, home)
    versions = ["demo/credit/1.0.0", "demo/credit/1.0.1"]
    measure(table, "history", [algo_run, "compare", *versions, "--home", home, "--plot", "none"])
    memory, seconds = timing.peak_memory_and_time([algo_run, "runs", "stats", "demo/credit", "--home", home])
    table.row("runs stats of both, wall time", f"{seconds:.2f} s")
    table.row("runs stats of both, peak memory", mebibytes(memory), "", "≤ 64 MiB")
