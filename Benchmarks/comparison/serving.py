# SPDX-License-Identifier: Apache-2.0
"""Calls over HTTP: `serve` beside libmicrohttpd alone, FastAPI and Flask, at several numbers of connections."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from typing import NamedTuple

from table import mebibytes, milliseconds, times
from timing import Failed, once
from web import BENCHMARKS, REPOSITORY, Background, free_port, peers_python

ROUNDS = int(os.environ.get("BENCH_SERVE_ROUNDS", "5"))
SECONDS = os.environ.get("BENCH_SERVE_SECONDS", "2")
CONNECTIONS = (1, 16, 256)
FIGURES = re.compile(r"figures (\d+) (\d+) (\d+) (\d+) (\d+)")


class Serve:
    """`serve` with a trivial algorithm as worker and as command, each with Insights on and off."""

    def __init__(self, algo_run, work):
        self.home = str(work / "serve-home")
        python = os.path.realpath(sys.executable)
        for on in ("on", "off"):
            insights = "--insights" if on == "on" else "--no-insights"
            for name, command in (("worker", ["--worker", "--env", f"PYTHONPATH={REPOSITORY / 'Bindings/Python'}", "--",
                                              python, "-S", str(BENCHMARKS / "workers/echo.py")]),
                                  ("command", ["--", "/bin/cat"])):
                subprocess.run([algo_run, "publish", f"bench/{name}-{on}", "--home", self.home, insights, *command],
                               check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.key = subprocess.run([algo_run, "keys", "create", "bench", "--home", self.home], check=True, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        begun = time.perf_counter()
        # The queue holds all callers, so that none is refused; access lines go nowhere, as those of the others.
        self.process = Background([algo_run, "serve", "--home", self.home, "--listen", f"127.0.0.1:{port}", "--queue",
                                   "512"])
        await_ready(f"{self.address}/readyz")
        self.start = time.perf_counter() - begun

    def call(self, name):
        return f"{self.address}/v1/algo/bench/{name}"


def await_ready(url):
    while True:
        try:
            return urllib.request.urlopen(url).read()
        except OSError:
            time.sleep(0.0005)


def status_kibibytes(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{name}:"))


def cpu_seconds(pid):
    """CPU time of a process and its descendants, those that ended and were waited for included."""
    parents, used = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(name)] = int(fields[1])
        used[int(name)] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def belongs(number):
        return number == pid or number in parents and belongs(parents[number])

    return sum(seconds for number, seconds in used.items() if belongs(number))


def library_alone(work):
    """A server on libmicrohttpd and nothing else; None without a compiler or the library's header."""
    program = work / "mhd"
    compiler = shutil.which("cc")
    built = compiler and subprocess.run(
        [compiler, "-O2", "-o", str(program), str(BENCHMARKS / "serve/mhd.c"), "-lmicrohttpd"], check=False,
        stderr=subprocess.DEVNULL)
    return str(program) if built and built.returncode == 0 else None


def peers(python):
    """The commands of the other servers, and the path of their call. PORT is filled in."""
    uvicorn = [python, "-m", "uvicorn", "--app-dir", str(BENCHMARKS / "serve"), "--log-level", "warning", "--port", "PORT"]
    plain = ["--http", "h11", "--loop", "asyncio", "fastapi_app:app"]
    fast = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "fastapi_app:app"]
    gunicorn = [python, "-m", "gunicorn", "--chdir", str(BENCHMARKS / "serve"), "--log-level", "error", "-w",
                str(os.cpu_count()), "-b", "127.0.0.1:PORT", "flask_app:app"]
    return {
        "FastAPI, uvicorn, function": ([*uvicorn, *plain], "/function"),
        "  with uvloop and httptools, no log": ([*uvicorn, *fast], "/function"),
        "FastAPI, uvicorn, subprocess.run": ([*uvicorn, *plain], "/command"),
        f"Flask, gunicorn -w {os.cpu_count()}, function": (gunicorn, "/function"),
        f"Flask, gunicorn -w {os.cpu_count()}, subprocess.run": (gunicorn, "/command"),
    }


class Load(NamedTuple):
    """Calls/s, p50 and p99 in seconds, calls that failed, and CPU seconds of the server for each call."""

    rate: float
    median: float
    most: float
    failed: int
    cpu: float


def load(url, connections, key, server, seconds=SECONDS, body='{"n":1}'):
    """Calls `url` of a server as often as it answers."""
    before = cpu_seconds(server.pid)
    environment = {**os.environ, "BENCH_KEY": key, "BENCH_BODY": body}
    printed = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30", "-s", str(BENCHMARKS / "serve/call.lua"), url],
        check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    count, took, failed, median, most = map(int, FIGURES.search(printed).groups())
    cpu = (cpu_seconds(server.pid) - before) / max(count, 1)
    return Load(count * 1e6 / took, median / 1e6, most / 1e6, failed, cpu)


def run(table, algo_run, work):
    if not shutil.which("wrk"):
        table.section("Calls over HTTP")
        return table.not_measured("serve", "install wrk")
    python = peers_python(table)
    serve = Serve(algo_run, work)
    started = [serve.process]
    try:
        idle = status_kibibytes(serve.process.pid, "VmRSS")
        targets = {f"serve, {kind}, Insights {on}": (serve.call(f"{kind}-{on}"), serve.process)
                   for kind in ("worker", "command") for on in ("off", "on")}
        alone = library_alone(work)
        if alone:
            port = free_port()
            started.append(Background([alone, str(port)]))
            targets["libmicrohttpd alone"] = f"http://127.0.0.1:{port}/", started[-1]
        servers = {}
        for name, (command, path) in (peers(python) if python else {}).items():
            line = tuple(command)
            if line not in servers:
                port = free_port()
                started.append(Background([word.replace("PORT", str(port)) for word in command]))
                servers[line] = port, started[-1]
            port, process = servers[line]
            targets[name] = f"http://127.0.0.1:{port}{path}", process
        for url, _ in targets.values():
            await_answer(url, serve.key)
        for connections in CONNECTIONS:
            measure(table, targets, connections, serve.key)
        overhead(table, algo_run, serve)
        table.section("serve, idle")
        table.row("memory", mebibytes(idle), "", "≤ 25 MiB")
        table.row("  after these calls", mebibytes(status_kibibytes(serve.process.pid, "VmRSS")))
        table.row("start until /readyz", milliseconds(start(algo_run, serve)), "", "≤ 50 ms")
    finally:
        for process in started:
            process.stop()


def await_answer(url, key, body=b'{"n":1}'):
    """A rate counts only if calls are answered."""
    headers = {"Authorization": f"Simple {key}", "Content-Type": "application/json"}
    deadline = time.monotonic() + 60
    while True:
        try:
            request = urllib.request.Request(url, body, headers)
            if urllib.request.urlopen(request).read():
                return
        except OSError as problem:
            if time.monotonic() > deadline:
                raise Failed(f"{url} gives no answer: {problem}") from problem
            time.sleep(0.05)


def measure(table, targets, connections, key):
    table.section(f"Calls of a trivial algorithm, {connections} connection{'s' if connections > 1 else ''}, wrk on the same "
                  f"{os.cpu_count()} cores, {ROUNDS} rounds of {SECONDS} s")
    found = {name: [] for name in targets}
    for turn in range(-1, ROUNDS):
        for name, (url, server) in targets.items():
            figures = load(url, connections, key, server, SECONDS if turn >= 0 else "1")
            if turn >= 0:
                found[name].append(figures)
    found = {name: Load(*map(statistics.median, zip(*figures))) for name, figures in found.items()}
    base = found.get("FastAPI, uvicorn, function")
    for name, figures in found.items():
        text = f"p50 {milliseconds(figures.median)}, p99 {milliseconds(figures.most)}, CPU {figures.cpu * 1e6:.0f} µs"
        if figures.failed:
            text += f", {figures.failed:.0f} failed"
        if connections == 16 and name.startswith("serve, worker"):
            text += " (≥ 3×, p99 ≤ 5 ms)"
        table.row(name, f"{figures.rate:.0f}/s", times(figures.rate / base.rate) if base else "", text)
        if name.endswith("Insights on"):
            off = found[name[:-2] + "off"]
            table.row("  cost of Insights", "", times(off.rate / max(figures.rate, 1e-9)),
                      f"CPU {times(figures.cpu / max(off.cpu, 1e-9))}{' (≤ 1.25×)' if 'worker' in name else ''}")


def overhead(table, algo_run, serve):
    """One call of a command at a time beside `exec` of the same."""
    table.section("One call of /bin/cat beside exec of the same")
    own = [algo_run, "exec", "bench/command-on", "--home", serve.home, "--input", "/dev/null"]
    for _ in range(3):
        once(own)
    executions, calls = [], []
    for _ in range(max(ROUNDS, 3)):
        executions += [once(own).seconds for _ in range(20)]
        calls.append(load(serve.call("command-on"), 1, serve.key, serve.process, "1").median)
    execution, call = statistics.median(executions), statistics.median(calls)
    table.row("exec", milliseconds(execution))
    table.row("call", milliseconds(call), times(call / execution))
    table.row("  a call over exec", f"{(call - execution) * 1000:+.2f} ms", "", "≤ +1 ms")


def start(algo_run, serve):
    """Median seconds from the launch of a server until it is ready."""
    taken = []
    for _ in range(max(ROUNDS, 3)):
        port = free_port()
        begun = time.perf_counter()
        process = Background([algo_run, "serve", "--home", serve.home, "--listen", f"127.0.0.1:{port}"])
        await_ready(f"http://127.0.0.1:{port}/readyz")
        taken.append(time.perf_counter() - begun)
        process.stop()
    return statistics.median(taken)
