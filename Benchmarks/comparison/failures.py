# SPDX-License-Identifier: Apache-2.0
"""A server in trouble: `serve` beside FastAPI and Flask that run the same command as a child."""

import collections
import http.client
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from serving import await_answer, load
from table import milliseconds
from web import BENCHMARKS, Background, free_port, peers_python

# Appends its number to a file, then works as long as its input says.
COMMAND = ["/bin/sh", "-c", "echo $$ >>pids; read -r text; exec sleep \"$(echo \"$text\" | tr -cd 0-9.)\""]
CALLERS = 64
LEAK_CALLS = 1000


class Contender:
    """One way to serve COMMAND over HTTP, in a directory of its own."""

    def __init__(self, name, command, path, directory, key="", environment={}):
        self.name, self.path, self.directory, self.key = name, path, directory, key
        self.port = free_port()
        command = [word.replace("PORT", str(self.port)) for word in command]
        self.process = Background(command, BENCH_COMMAND="\x1f".join(COMMAND), BENCH_DIRECTORY=str(directory), **environment)
        await_answer(f"http://127.0.0.1:{self.port}{path}", key, b"0")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def send(self, connection, seconds):
        connection.request("POST", self.path, str(seconds).encode(),
                           {"Authorization": f"Simple {self.key}", "Content-Type": "application/json"})

    def children(self):
        return (self.directory / "pids").read_text().split()


def contenders(table, algo_run, work):
    """Starts one after the other, so that each has the machine for itself."""
    home = str(work / "failures-home")
    directory = Path(tempfile.mkdtemp(dir=work))
    subprocess.run([algo_run, "publish", "bench/child", "--home", home, "--insights", "--directory", str(directory), "--",
                    *COMMAND], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    key = subprocess.run([algo_run, "keys", "create", "failures", "--home", home], check=True, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    yield lambda: Contender(
        "serve", [algo_run, "serve", "--home", home, "--listen", "127.0.0.1:PORT"], "/v1/algo/bench/child", directory, key)
    python = peers_python(table)
    if not python:
        return
    serve = str(BENCHMARKS / "serve")
    for name, command in {
        "FastAPI, uvicorn, subprocess.run": [python, "-m", "uvicorn", "--app-dir", serve, "--log-level", "critical", "--port",
                                             "PORT", "fastapi_app:app"],
        "Flask, gunicorn, subprocess.run": [python, "-m", "gunicorn", "--chdir", serve, "--log-level", "critical", "-w",
                                            str(os.cpu_count()), "-b", "127.0.0.1:PORT", "flask_app:app"],
    }.items():
        yield lambda name=name, command=command: Contender(name, command, "/command", Path(tempfile.mkdtemp(dir=work)))


def run(table, algo_run, work):
    cases = [("p50 and p99 of a child that works 20 ms, connections = cores", pace),
             ("the caller leaves a child that works 10 s", disconnect),
             (f"{CALLERS} callers at once of a child that works 300 ms", overload),
             ("SIGTERM while 16 callers call a child that works 50 ms", termination),
             (f"open descriptors after {LEAK_CALLS} calls", leak)]
    rows = {title: [] for title, _ in cases}
    for start in contenders(table, algo_run, work):
        for title, case in cases:
            contender = start()
            try:
                rows[title].append((contender.name, case(contender)))
            finally:
                contender.process.stop()
    for title, found in rows.items():
        table.section(title)
        for name, text in found:
            table.row(name, "", "", text)


def pace(contender):
    if not shutil.which("wrk"):
        return "not measured: install wrk"
    url = f"http://127.0.0.1:{contender.port}{contender.path}"
    found = load(url, os.cpu_count(), contender.key, contender.process, "5", body="0.02")
    return (f"p50 {milliseconds(found.median)}, p99 {milliseconds(found.most)}, {found.rate:.0f}/s, "
            f"{found.failed} failed")


def disconnect(contender):
    before = len(contender.children())
    connection = contender.connect()
    contender.send(connection, 10)
    while len(contender.children()) == before:
        time.sleep(0.01)
    child = contender.children()[-1]
    connection.close()
    begun = time.monotonic()
    while os.path.exists(f"/proc/{child}"):
        if time.monotonic() - begun > 5:
            return "the child goes on"
        time.sleep(0.01)
    return f"the child is ended within {milliseconds(time.monotonic() - begun)}"


def overload(contender):
    found, most, over = collections.Counter(), [0], threading.Event()

    def watch():
        while not over.is_set():
            running = sum(os.path.exists(f"/proc/{child}") for child in set(contender.children()))
            most[0] = max(most[0], running)
            time.sleep(0.02)

    def call():
        connection = contender.connect()
        contender.send(connection, 0.3)
        found[connection.getresponse().status] += 1

    watching = threading.Thread(target=watch)
    watching.start()
    in_threads(CALLERS, call)
    over.set()
    watching.join()
    answers = ", ".join(f"{count} × {status}" for status, count in sorted(found.items()))
    return f"{answers}; {most[0]} children at once"


def termination(contender):
    lost, answered, refused = [], [], threading.Event()

    def call():
        while True:
            connection = contender.connect()
            try:
                connection.connect()
            except OSError:
                refused.set()
                return
            try:
                contender.send(connection, 0.05)
                connection.getresponse().read()
                answered.append(1)
            except (OSError, http.client.HTTPException):
                lost.append(1)
            connection.close()

    def end():
        time.sleep(1)
        contender.process.terminate()

    threading.Thread(target=end).start()
    in_threads(16, call)
    return f"{len(lost)} responses lost of {len(lost) + len(answered)}"


def leak(contender):
    def descriptors():
        return len(os.listdir(f"/proc/{contender.process.pid}/fd"))

    connection = contender.connect()
    for number in range(LEAK_CALLS + 1):
        contender.send(connection, 0)
        connection.getresponse().read()
        if number == 0:
            first = descriptors()
    return f"{descriptors() - first:+d}"


def in_threads(count, work):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
