# SPDX-License-Identifier: Apache-2.0
"""Many executions: `batch` beside xargs and GNU parallel, and how its time and memory grow."""

import os
import shutil
import subprocess

from launch import publish
from table import mebibytes, times
from timing import Failed, peak_memory_and_time, side_by_side

REQUESTS = 2000
MANY = 1_000_000 if os.environ.get("BENCH_LONG") == "1" else int(os.environ.get("BENCH_MANY", "100000"))


def requests(work, count):
    path = work / f"{count}.ndjson"
    with open(path, "w") as file:
        file.writelines('{"n": %d}\n' % number for number in range(count))
    return str(path)


def command(algo_run, home, file, jobs, output="/dev/null"):
    return [algo_run, "batch", "bench/true", file, "--home", home, "--jobs", str(jobs), "--output", output, "--quiet"]


def homes(algo_run, work):
    on, off = str(work / "batch-on"), str(work / "batch-off")
    for home in (on, off):
        publish(algo_run, home)
    subprocess.run([algo_run, "insights", "off", "bench/true", "--home", off], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return on, off


def run(table, algo_run, work):
    table.section(f"{REQUESTS} executions of /bin/true")
    jobs = os.cpu_count()
    on, off = homes(algo_run, work)
    file, output = requests(work, REQUESTS), str(work / "results.ndjson")
    # xargs gives each request to one /bin/true as an argument, which is less than to give it an input.
    commands = {
        f"xargs -P {jobs}": [shutil.which("xargs"), "-a", file, "-d", "\\n", "-n1", "-P", str(jobs), "/bin/true"],
        "algo-run batch, Insights off": command(algo_run, off, file, jobs),
        "algo-run batch, Insights on, file": command(algo_run, on, file, jobs),
    }
    if shutil.which("parallel"):
        commands[f"parallel -j {jobs}"] = [shutil.which("parallel"), f"-j{jobs}", "-a", file, "/bin/true"]
    medians = side_by_side(commands, int(os.environ.get("BENCH_BATCH_ROUNDS", "5")), warm_up=1)
    check_results(command(algo_run, on, file, jobs, output), output)
    base = medians[f"xargs -P {jobs}"]
    for name, seconds in medians.items():
        target = "≤ 1.3× of xargs" if name.startswith("algo-run") else ""
        table.row(name, f"{REQUESTS / seconds:.0f}/s", times(seconds / base), target)
    slow = medians.get(f"parallel -j {jobs}")
    if slow:
        ours = medians["algo-run batch, Insights on, file"]
        table.row("algo-run batch over parallel", "", times(slow / ours), "≥ 5× its rate")


def check_results(line, output):
    """A rate counts only if every request really ran."""
    subprocess.run(line, check=True, stdin=subprocess.DEVNULL)
    with open(output) as file:
        succeeded = sum('"outcome":"succeeded"' in result for result in file)
    if succeeded != REQUESTS:
        raise Failed(f"{succeeded} of {REQUESTS} requests succeeded")


def growth(table, algo_run, work):
    table.section("How batch grows with its requests: /bin/true, Insights on, file")
    (work / "growth").mkdir()
    on, _ = homes(algo_run, work / "growth")
    counts = [10] + [10**power for power in range(2, 7) if 10**power <= MANY]
    base_memory = base_pace = None
    for count in counts:
        memory, seconds = peak_memory_and_time(command(algo_run, on, requests(work, count), os.cpu_count()))
        pace = seconds / count
        base_memory = base_memory or memory
        # Ten requests are over before anything but the start is measured, so paces are compared with a hundred's.
        base_pace = base_pace or (pace if count >= 100 else None)
        table.row(f"{count:,} requests, peak memory", mebibytes(memory), times(memory / base_memory),
                  "the same within 10 %")
        table.row(f"{count:,} requests, wall time", f"{seconds:.2f} s", times(pace / base_pace) if base_pace else "",
                  f"{pace * 1000:.2f} ms a request")
    if MANY < 1_000_000:
        table.not_measured("1,000,000 requests", "with BENCH_LONG=1 (it takes a quarter of an hour or more)")
