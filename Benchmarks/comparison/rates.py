# SPDX-License-Identifier: Apache-2.0
"""Rates inside one process: metric lines validated, payloads delivered, calls of the bindings."""

import json
import os
import statistics
import subprocess
import time

from table import times

LINE = json.dumps({f"feature_{number}_drift": number * 0.0817 + 0.001 for number in range(12)}) + "\n"


def build(name):
    """Path of a benchmark program of this package, built with optimisation."""
    flags = ["--scratch-path", os.environ.get("BUILD", ".build"), "-c", "release"]
    # The same flags as the release build's, or everything would be compiled anew.
    flags += os.environ.get("LEAN_FLAGS", "").split()
    built = subprocess.run(["swift", "build", *flags, "--static-swift-stdlib", "--product", name],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode != 0:
        return None, built.stdout.strip().splitlines()[-1]
    return f"{os.environ.get('BUILD', '.build')}/release/{name}", ""


def python_json():
    """MB/s of the same lines read by Python's C parser, with no validation at all."""
    lines = LINE * 5000
    rates = []
    for _ in range(5):
        begun = time.perf_counter()
        for line in lines.splitlines():
            json.loads(line)
        rates.append(len(lines) / 1e6 / (time.perf_counter() - begun))
    return statistics.median(rates)


def validation(table):
    table.section("Metric lines parsed and validated, one core")
    program, why = build("validation-bench")
    if not program:
        return table.not_measured("algo-run", why)
    base = python_json()
    table.row("json.loads of CPython, 12 metrics a line", f"{base:.0f} MB/s", times(1))
    for line in subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        name, rate, unit = line.split("\t")
        table.row(f"algo-run, {name}", f"{rate} {unit}", times(int(rate) / base), "≥ 300 MB/s")


def delivery(table, work, broker):
    table.section("Payloads of a batch: stored, produced and acknowledged")
    program, why = build("delivery-bench")
    if not program:
        return table.not_measured("algo-run", why)
    count = os.environ.get("BENCH_PAYLOADS", "200000")
    kinds = [("file", [])]
    if broker:
        kinds.append(("outbox and Kafka", [broker.bootstrap, "bench-rate"]))
    rates = {name: [] for name, _ in kinds}
    for turn in range(3):
        for name, arguments in kinds:
            home = work / f"delivery-{len(arguments)}-{turn}"
            printed = subprocess.run([program, str(home), count, *arguments], stdout=subprocess.PIPE, text=True)
            if printed.returncode != 0:
                return table.not_measured(name, printed.stdout.strip())
            rates[name].append(int(printed.stdout.split("\t")[1]))
    for name, values in rates.items():
        target = "≥ 20000/s" if name != "file" else ""
        table.row(f"{count} payloads, {name}", f"{statistics.median(values):.0f}/s", "", target)
    if not broker:
        table.not_measured("outbox and Kafka", "set KAFKA_HOME")


def report(table, script):
    table.section("One report() call")
    if not script.exists():
        return table.not_measured("bindings", f"{script} is not there")
    subprocess.run([str(script)], check=False, stdin=subprocess.DEVNULL)
