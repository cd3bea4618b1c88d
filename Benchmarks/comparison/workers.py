# SPDX-License-Identifier: Apache-2.0
"""Requests through workers, beside other ways to have many requests answered by few processes."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from table import mebibytes, milliseconds, times
from timing import Failed, costs_side_by_side, once

SOURCES = Path(__file__).resolve().parent.parent / "workers"
BINDINGS = Path(__file__).resolve().parent.parent.parent / "Bindings"
COUNT = int(os.environ.get("BENCH_WORKER_REQUESTS", "50000"))
COLD = 200
ROUNDS = int(os.environ.get("BENCH_BATCH_ROUNDS", "5"))
PYTHON = os.path.realpath(sys.executable)


SWIFT_PACKAGE = """// swift-tools-version: 6.3
import PackageDescription
let package = Package(
  name: "echo",
  targets: [.target(name: "AlgoMetrics"), .executableTarget(name: "Echo", dependencies: ["AlgoMetrics"])])
"""


class Versions:
    """A home for each state of Insights, with a version for each program."""

    def __init__(self, algo_run, work):
        self.algo_run = algo_run
        self.homes = {on: str(work / f"workers-{on}") for on in ("on", "off")}

    def publish(self, name, command, *options):
        for on, home in self.homes.items():
            insights = "--insights" if on == "on" else "--no-insights"
            subprocess.run(
                [self.algo_run, "publish", f"bench/{name}", "--home", home, insights, *options, "--env",
                 f"PYTHONPATH={BINDINGS / 'Python'}", "--env", "PYTHONDONTWRITEBYTECODE=1", "--", *command],
                check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def batch(self, name, file, jobs, insights="off", output="/dev/null"):
        return [self.algo_run, "batch", f"bench/{name}", file, "--home", self.homes[insights], "--jobs", str(jobs),
                "--output", output, "--quiet"]


def requests(work, count):
    path = work / f"workers-{count}.ndjson"
    with open(path, "w") as file:
        file.writelines('{"n": %d}\n' % number for number in range(count))
    return str(path)


def languages(work):
    """The echo program of each language that can be built here, and why the others cannot."""
    found, missing = {}, {}
    compiler = shutil.which("cc")
    if compiler:
        program = str(work / "echo")
        subprocess.run([compiler, "-O2", "-o", program, str(SOURCES / "echo.c")], check=True)
        found["C"] = [program]
    else:
        missing["C"] = "install a C compiler"
    found["Python"] = [PYTHON, "-S", str(SOURCES / "echo.py")]
    for language, file, tools in (
            ("R", "echo.R", ["Rscript"]), ("Java", "Echo.java", ["javac", "java"]), ("Swift", "Echo.swift", ["swift"])):
        source = SOURCES / file
        if not source.exists() or not all(map(shutil.which, tools)):
            missing[language] = f"needs {' and '.join(tools)} and {source.name}"
            continue
        found[language] = build(language, source, work)
    return found, missing


def build(language, source, work):
    target = work / language
    target.mkdir()
    if language == "R":
        subprocess.run(["R", "CMD", "INSTALL", "--no-docs", f"--library={target}", str(BINDINGS / "R")], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return ["env", f"R_LIBS={target}", "Rscript", str(source)]
    if language == "Swift":
        (target / "Sources" / "Echo").mkdir(parents=True)
        (target / "Sources" / "Echo" / source.name).symlink_to(source)
        (target / "Sources" / "AlgoMetrics").symlink_to(BINDINGS.parent / "Sources" / "AlgoMetrics")
        (target / "Package.swift").write_text(SWIFT_PACKAGE)
        subprocess.run(["swift", "build", "-c", "release", "--package-path", str(target)], check=True,
                       stdout=subprocess.DEVNULL)
        return [str(target / ".build" / "release" / "Echo")]
    files = [str(path) for path in (BINDINGS / "Java" / "src" / "main").rglob("*.java")]
    subprocess.run(["javac", "-d", str(target), *files, str(source)], check=True)
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", str(target), "Echo"]


def run(table, algo_run, work):
    versions = Versions(algo_run, work)
    jobs = os.cpu_count()
    programs, missing = languages(work)
    for language, command in programs.items():
        versions.publish(language, command, "--worker")
    rates(table, versions, programs, missing, work, jobs)
    peers(table, versions, work, jobs)
    modes(table, versions, work, jobs)
    memory(table, versions, work)


def check(command, output, count):
    """A rate counts only if every request was answered."""
    subprocess.run([*command, "--overwrite"], check=True, stdin=subprocess.DEVNULL)
    with open(output) as file:
        succeeded = sum('"outcome":"succeeded"' in line for line in file)
    if succeeded != count:
        raise Failed(f"{succeeded} of {count} requests succeeded")


def rates(table, versions, programs, missing, work, jobs):
    table.section(f"{COUNT} requests through workers: echo, one metric each; rate and CPU time a request")
    file, output = requests(work, COUNT), str(work / "workers.out")
    commands = {}
    for language in programs:
        check(versions.batch(language, file, jobs, "on", output), output, COUNT)
        for number in sorted({1, jobs}):
            for insights in ("off", "on"):
                commands[language, number, insights] = versions.batch(language, file, number, insights)
    costs = costs_side_by_side(commands, ROUNDS, warm_up=1)
    for (language, number, insights), cost in costs.items():
        workers = f"{number} worker{'s' if number > 1 else ''}"
        base = costs.get(("C", number, insights))
        target = "≥ 15000/s" if (language, number, insights) == ("Python", jobs, "on") else ""
        table.row(f"{language}, {workers}, Insights {insights}", rate(cost, COUNT),
                  times(base.seconds / cost.seconds) + " of C" if base else "", target)
        if insights == "on":
            off = costs[language, number, "off"]
            table.row("  cost of Insights", f"{(cost.seconds - off.seconds) / COUNT * 1e6:.1f} µs",
                      times(cost.seconds / off.seconds), "≤ 1.25×")
    for language, why in missing.items():
        table.not_measured(language, why)
    pinned = shutil.which("taskset")
    if pinned and "C" in programs:
        table.section("The same on one core, so that no wake-up of another is in it")
        one = {language: [pinned, "-c", "0", *versions.batch(language, file, 1)] for language in programs}
        costs = costs_side_by_side(one, ROUNDS, warm_up=1)
        for language, cost in costs.items():
            table.row(f"{language}, 1 worker", rate(cost, COUNT), times(costs["C"].seconds / cost.seconds) + " of C",
                      "≥ 0.60×" if language == "Python" else "")


def rate(cost, count):
    return f"{count / cost.seconds:.0f}/s {cost.cpu / count * 1e6:.0f} µs"


def peers(table, versions, work, jobs):
    table.section(f"The same echo by Python, {jobs} processes")
    file, few = requests(work, COUNT), requests(work, COLD)
    pool = lambda kind: [PYTHON, "-S", str(SOURCES / "pool.py"), kind, str(jobs), file]
    commands = {
        "algo-run batch, workers": versions.batch("Python", file, jobs, "on"),
        "multiprocessing.Pool.imap": pool("multiprocessing.Pool"),
        "concurrent.futures, process pool": pool("concurrent.futures"),
    }
    costs = costs_side_by_side(commands, ROUNDS, warm_up=1)
    ours = costs["algo-run batch, workers"].seconds
    for name, cost in costs.items():
        table.row(name, rate(cost, COUNT), times(ours / cost.seconds))
    environment = {**os.environ, "PYTHONPATH": str(BINDINGS / "Python")}
    script = [PYTHON, "-S", str(SOURCES / "echo.py")]
    cold = {"algo-run batch, a process each": [
        versions.algo_run, "batch", "bench/cold", few, "--home", versions.homes["on"], "--jobs", str(jobs), "--output",
        "/dev/null", "--quiet"]}
    versions.publish("cold", script)
    if shutil.which("parallel"):
        # From stdin: with --pipe it reads no file of -a.
        cold["parallel, a process each"] = [
            "/bin/sh", "-c", f"exec parallel -j{jobs} --pipe -N1 {shlex.join(script)} <{shlex.quote(few)}"]
    costs = costs_side_by_side(cold, max(ROUNDS // 2, 1), warm_up=1, environments=dict.fromkeys(cold, environment))
    for name, cost in costs.items():
        table.row(name, rate(cost, COLD), times(ours / COUNT / (cost.seconds / COLD)))


def modes(table, versions, work, jobs):
    for title, modules in (("no module", []), ("NumPy", ["numpy"]), ("NumPy and scikit-learn", ["numpy", "sklearn.ensemble"])):
        table.section(f"One request of Python with {title} loaded, {jobs} at a time: CPU time, and ratio of times")
        if subprocess.run([PYTHON, "-c", "".join(f"import {name};" for name in modules)], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            table.not_measured(title, "set BENCH_PYTHON to a Python that has it")
            continue
        name = f"modes-{len(modules)}"
        script = [PYTHON, str(SOURCES / "echo.py"), *modules]
        versions.publish(f"{name}-cold", script)
        versions.publish(f"{name}-warm", script, "--worker")
        versions.publish(f"{name}-isolated", script, "--worker", "--isolate")
        figures = {}
        # Each mode is given enough requests for its start to be a small part.
        for mode, count in (("cold", 10 * jobs), ("isolated", 2000), ("warm", COUNT)):
            cost = once(versions.batch(f"{name}-{mode}", requests(work, count), jobs, "on"))
            figures[mode] = (cost.seconds / count, cost.cpu / count)
        for mode, (seconds, cpu) in figures.items():
            target = "≥ 50×" if mode == "isolated" and modules else ""
            table.row(mode, milliseconds(cpu), times(figures["cold"][0] / seconds), target)


def memory(table, versions, work):
    table.section("Memory of 8 processes that hold 200 MiB of loaded data (PSS)")
    source = work / "holds.py"
    source.write_text("""
import os, time, algo_run
kept = bytearray(os.urandom(1 << 20) * 200)
def apply(value):
    sum(kept[::4096])
    open(f"ready-{os.getpid()}", "w").close()
    while len([name for name in os.listdir(".") if name.startswith("ready-")]) < 8: time.sleep(0.01)
    while not os.path.exists("go"): time.sleep(0.01)
    return value
algo_run.serve(apply)
""")
    figures = {}
    for mode, jobs, options in (("workers", 8, []), ("forks of 8 loaded programs", 8, ["--isolate"])):
        directory = work / f"memory-{len(options)}"
        directory.mkdir()
        name = f"holds-{len(options)}"
        versions.publish(name, [PYTHON, "-S", str(source)], "--worker", "--directory", str(directory), *options)
        with open(os.devnull) as nothing:
            process = subprocess.Popen(versions.batch(name, requests(work, 8), jobs), stdin=nothing)
        while len(list(directory.glob("ready-*"))) < 8:
            if process.poll() is not None:
                return table.not_measured(mode, "the batch ended early")
        figures[mode] = sum(pss(pid) for pid in descendants(process.pid))
        (directory / "go").touch()
        process.wait()
    for mode, kibibytes in figures.items():
        table.row(mode, mebibytes(kibibytes), times(kibibytes / figures["workers"]))


def descendants(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
            found += [child, *descendants(child)]
    return found


def pss(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
