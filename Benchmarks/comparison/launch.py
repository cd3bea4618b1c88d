# SPDX-License-Identifier: Apache-2.0
"""The cost of one execution: `exec` on /bin/true beside the bare command and beside other wrappers."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from table import mebibytes, milliseconds, times
from timing import Failed, peak_memory, side_by_side

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "200"))


def publish(algo_run, home):
    subprocess.run([algo_run, "publish", "bench/true", "--home", home, "--insights", "--", "/bin/true"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def peers():
    # The interpreter itself: on some systems /usr/bin/python3 is a launcher, whose cost is not subprocess.run's.
    python = os.path.realpath(sys.executable)
    found = {
        "/usr/bin/time": ["/usr/bin/time", "-o", "/dev/null", "/bin/true"],
        "tini -s": [shutil.which("tini"), "-s", "/bin/true"],
        "python3 -c 'subprocess.run'": [python, "-c", "import subprocess; subprocess.run(['/bin/true'])"],
        "parallel": [shutil.which("parallel"), "-j1", "/bin/true", ":::", "x"],
    }
    return {name: command for name, command in found.items() if command[0] and os.path.exists(command[0])}


def run(table, algo_run, work):
    home = str(work / "home")
    publish(algo_run, home)
    own = [algo_run, "exec", "bench/true", "--home", home]
    others = peers()
    # GNU parallel takes a quarter of a second: fewer rounds of it, in a comparison of their own.
    slow = {name: others.pop(name) for name in ("parallel",) if name in others}
    silent = {"without history": [*own, "--no-history"]}
    medians = side_by_side({"bare": ["/bin/true"], "exec": own, **silent, **others}, ROUNDS)
    bare, ours = medians["bare"], medians["exec"]

    table.section("One execution of /bin/true: wall time over the bare command")
    table.row("/bin/true, bare", milliseconds(bare), times(1))
    table.row("algo-run exec, Insights on, file", f"+{milliseconds(ours - bare)}", times(ours / bare))
    history = ours - medians["without history"]
    table.row("  the history of it", f"+{milliseconds(history)}", times(history / bare), "≤ +0.1 ms")
    if "/usr/bin/time" in others:
        overhead = (ours - bare) / (medians["/usr/bin/time"] - bare)
        table.row("  overhead over that of /usr/bin/time", "", times(overhead), "≤ 2.2×")
    for name in others:
        table.row(name, f"+{milliseconds(medians[name] - bare)}", times(medians[name] / bare))
    if slow:
        few = side_by_side({"bare": ["/bin/true"], "exec": own, **slow}, max(ROUNDS // 10, 3), warm_up=1)
        for name in slow:
            table.row(name, f"+{milliseconds(few[name] - few['bare'])}", times(few[name] / few["bare"]))

    table.section("Peak memory of one execution")
    table.row("algo-run exec, Insights on, file", mebibytes(peak_memory(own)), "", "≤ 12 MiB")
    for name, command in {**others, **slow}.items():
        if not name.endswith("time"):
            table.row(name, mebibytes(peak_memory(command)))


def libraries(algo_run, home):
    """The environment that loads each librdkafka, by its version: the system's, and those beside the test broker."""
    found = {}
    for directory in [None, *sorted(glob.glob(os.environ["KAFKA_HOME"] + "/librdkafka-*"))]:
        environment = {**os.environ, "LD_LIBRARY_PATH": directory} if directory else dict(os.environ)
        test = subprocess.run([algo_run, "connection", "test", "--json", "--home", home], env=environment,
                              stdout=subprocess.PIPE, text=True).stdout
        version = re.search(r"librdkafka ([0-9.]+)", test)
        if version:
            found[version[1] + (" of the system" if not directory else "")] = environment
    return found


def run_with_broker(table, algo_run, work, broker):
    table.section("One execution of /bin/true, acknowledged by a broker on this machine")
    what = "algo-run exec, Insights on, Kafka"
    if not broker:
        return table.not_measured(what, "set KAFKA_HOME")
    home, report = str(work / "kafka-home"), str(work / "report")
    publish(algo_run, home)
    configured = subprocess.run(
        [algo_run, "connection", "set", "--home", home, "--type", "plaintext", "--brokers", broker.bootstrap,
         "--topic", "bench"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if configured.returncode != 0:
        return table.not_measured(what, configured.stderr.strip())
    own = [algo_run, "exec", "bench/true", "--home", home, "--report", report]
    environments = libraries(algo_run, home)
    medians = side_by_side({"bare": ["/bin/true"], **{version: own for version in environments}}, ROUNDS,
                           environments=environments)
    with open(report) as file:
        delivery = json.load(file)["delivery"]
    if delivery["state"] != "delivered":
        raise Failed(f"the last payload was not acknowledged: {delivery}")
    table.row("/bin/true, bare", milliseconds(medians["bare"]), times(1))
    for version, environment in environments.items():
        ours, bare = medians[version], medians["bare"]
        table.row(f"exec, librdkafka {version}", f"+{milliseconds(ours - bare)}", times(ours / bare), "≤ +12 ms")
        table.row("  peak memory of it", mebibytes(peak_memory(own, environment)), "", "≤ 12 MiB")
