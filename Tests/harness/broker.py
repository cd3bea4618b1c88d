"""Genuine Apache Kafka on 127.0.0.1, started by the script in KAFKA_HOME, and a look at its topics.

Without KAFKA_HOME it is the plaintext broker that scripts/kafka-broker fetches from Maven Central: tests that want more
of it, such as TLS, another release or several brokers, are skipped and say so.
"""

import json
import os
import shlex
import signal
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import ports, processes

START_LIMIT = 120
NOT_FETCHED = 75
_why_not_fetched = None


def kafka_home():
    """Where Kafka for tests is; None where it is not."""
    home = os.environ.get("KAFKA_HOME")
    return Path(home) if home and os.access(Path(home) / "kafka", os.X_OK) else None


def kafka_script():
    """The program that starts brokers; None where there is none, or nothing to fetch one with."""
    if home := kafka_home():
        return home / "kafka"
    own = Path(__file__).resolve().parent.parent.parent / "scripts" / "kafka-broker"
    return own if shutil.which("java") and shutil.which("mvn") else None


def need_kafka_home(what):
    """Skips a test that the broker without KAFKA_HOME cannot serve."""
    if kafka_home() is None:
        pytest.skip(f"{what} needs KAFKA_HOME")


class Kafka:
    """One or more brokers; their addresses are attributes named as the script prints them."""

    def __init__(self, directory, release, *options, brokers=1):
        if release != "4.3" or brokers > 1:
            need_kafka_home(f"{brokers} broker(s) of release {release}")
        self.script = kafka_script()
        self.directory = Path(directory)
        self.release = release
        self.port = ports.reserve(brokers * 10)
        self._start(["--release", release, "--port", str(self.port), "--brokers", str(brokers), *options])

    def __getattr__(self, name):
        # Only what the script did not print is looked for here.
        need_kafka_home(name)
        raise AttributeError(name)

    def _start(self, options):
        command = [str(self.script), "start", "--dir", str(self.directory), *options]
        global _why_not_fetched
        if _why_not_fetched:
            pytest.skip(_why_not_fetched)
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_LIMIT)
        if done.returncode == NOT_FETCHED:
            _why_not_fetched = f"{done.stderr.strip().splitlines()[-1]}; or set KAFKA_HOME"
            pytest.skip(_why_not_fetched)
        assert done.returncode == 0, f"Kafka did not start: {done.stdout}{done.stderr}"
        for word in shlex.split(done.stdout):
            name, _, value = word.partition("=")
            setattr(self, name, value)

    def restart(self):
        """Starts what is down: same ports, same data."""
        self._start([])

    def crash(self, broker=1):
        """SIGKILL, and gone when this returns."""
        pid = int(self.KAFKA_PIDS.split()[broker - 1])
        os.kill(pid, signal.SIGKILL)
        processes.await_until(lambda: not processes.is_running(pid), f"the end of broker {pid}")

    def stop(self):
        subprocess.run([str(self.script), "stop", "--dir", str(self.directory)], capture_output=True, timeout=60)

    def tool(self, name, *arguments):
        need_kafka_home(f"the tool {name}")
        command = [str(self.script), "tool", "--dir", str(self.directory), name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def records(self, topic, bootstrap=None):
        """All records of a topic as (key, headers, value), by kcat."""
        command = ["kcat", "-C", "-b", bootstrap or self.PLAINTEXT, "-t", topic, "-e", "-q", "-J",
                   "-X", "topic.metadata.refresh.interval.ms=500"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        found = []
        for line in done.stdout.splitlines():
            record = json.loads(line)
            names = record.get("headers") or []
            found.append((record["key"], dict(zip(names[::2], names[1::2])), record["payload"]))
        return found

    def keys(self, topic, bootstrap=None):
        """The keys of a topic's records, those of connection tests left out."""
        return [key for key, headers, _ in self.records(topic, bootstrap)
                if headers.get("ce_type") != "algo-run.connection-test.v1"]
