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


def load(url, connections, key, seconds=SECONDS, body='{"n":1}'):
    """Calls/s, p50 and p99 in seconds, and the calls that failed."""
    environment = {**os.environ, "BENCH_KEY": key, "BENCH_BODY": body}
    printed = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30", "-s", str(BENCHMARKS / "serve/call.lua"), url],
        check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    count, took, failed, median, most = map(int, FIGURES.search(printed).groups())
    return count * 1e6 / took, median / 1e6, most / 1e6, failed


def run(table, algo_run, work):
    if not shutil.which("wrk"):
        table.section("Calls over HTTP")
        return table.not_measured("serve", "install wrk")
    python = peers_python(table)
    serve = Serve(algo_run, work)
    started = [serve.process]
    try:
        idle = status_kibibytes(serve.process.pid, "VmRSS")
        targets = {f"serve, {kind}, Insights {on}": serve.call(f"{kind}-{on}")
                   for kind in ("worker", "command") for on in ("off", "on")}
        alone = library_alone(work)
        if alone:
            port = free_port()
            started.append(Background([alone, str(port)]))
            targets["libmicrohttpd alone"] = f"http://127.0.0.1:{port}/"
        ports = {}
        for name, (command, path) in (peers(python) if python else {}).items():
            line = tuple(command)
            if line not in ports:
                ports[line] = free_port()
                started.append(Background([word.replace("PORT", str(ports[line])) for word in command]))
            targets[name] = f"http://127.0.0.1:{ports[line]}{path}"
        for url in targets.values():
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
                  f"{os.cpu_count()} cores")
    found = {name: [] for name in targets}
    for turn in range(-1, ROUNDS):
        for name, url in targets.items():
            figures = load(url, connections, key, SECONDS if turn >= 0 else "1")
            if turn >= 0:
                found[name].append(figures)
    rates = {name: statistics.median(rate for rate, *_ in figures) for name, figures in found.items()}
    base = rates.get("FastAPI, uvicorn, function")
    for name, figures in found.items():
        median, most = (statistics.median(values) for values in list(zip(*figures))[1:3])
        failed = sum(figure[3] for figure in figures)
        target = ""
        if connections == 16 and name.startswith("serve, worker"):
            target = "≥ 3× FastAPI, p99 ≤ 5 ms"
        table.row(name, f"{rates[name]:.0f}/s", times(rates[name] / base) if base else "",
                  f"p50 {milliseconds(median)}, p99 {milliseconds(most)}{f', {failed} failed' if failed else ''} {target}")
        if name.endswith("Insights on"):
            off = rates[name[:-2] + "off"]
            table.row("  cost of Insights", "", times(off / max(rates[name], 1e-9)), "≤ 1.25×" if "worker" in name else "")


def overhead(table, algo_run, serve):
    """One call of a command at a time beside `exec` of the same."""
    table.section("One call of /bin/cat beside exec of the same")
    own = [algo_run, "exec", "bench/command-on", "--home", serve.home, "--input", "/dev/null"]
    for _ in range(3):
        once(own)
    executions, calls = [], []
    for _ in range(max(ROUNDS, 3)):
        executions += [once(own) for _ in range(20)]
        calls.append(load(serve.call("command-on"), 1, serve.key, "1")[1])
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
