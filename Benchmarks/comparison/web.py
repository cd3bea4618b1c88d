# SPDX-License-Identifier: Apache-2.0
"""Servers of a benchmark: their processes, their ports, and the Python in which the peers of `serve` are installed."""

import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
REPOSITORY = BENCHMARKS.parent


class Background:
    """A server that runs until it is stopped."""

    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **environment})
        self.pid = self.process.pid

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Ends it, by force after ten seconds."""
        self.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    """Below the ports that the kernel gives to clients, of which a benchmark uses many."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port := random.randrange(20_000, 32_000)))
                return port
            except OSError:
                continue


def peers_python(table):
    """A Python with FastAPI and Flask, made once in .build; None, with a row, if it cannot be made."""
    if "BENCH_PEERS_PYTHON" in os.environ:
        return os.environ["BENCH_PEERS_PYTHON"]
    wanted = f"# {sys.version}\n{(BENCHMARKS / 'serve/requirements.txt').read_text()}"
    directory = Path(os.environ["BUILD"]).resolve() / "bench-python"
    python, made_from = directory / "bin/python", directory / "made-from"
    if made_from.exists() and made_from.read_text() == wanted:
        return str(python)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(directory)], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
                        str(BENCHMARKS / "serve/requirements.txt")], check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        table.section("FastAPI and Flask")
        table.not_measured("all of their rows", f"they cannot be installed from PyPI: {problem}")
        return None
    made_from.write_text(wanted)
    return str(python)
