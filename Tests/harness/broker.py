# SPDX-License-Identifier: Apache-2.0
"""Genuine Apache Kafka on 127.0.0.1, started by the script in KAFKA_HOME, and a look at its topics.

Without KAFKA_HOME it is release 4.3 alone, which scripts/kafka-broker fetches from Maven Central.
"""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

from harness import ports, processes

START_LIMIT = 300
KAFKA_HOME = os.environ.get("KAFKA_HOME")
SCRIPT = Path(KAFKA_HOME) / "kafka" if KAFKA_HOME else Path(__file__).resolve().parents[2] / "scripts" / "kafka-broker"
RELEASES = ["3.9", "4.3"] if KAFKA_HOME else ["4.3"]
OLDEST, NEWEST = RELEASES[0], RELEASES[-1]


class Kafka:
    """One or more brokers; their addresses are attributes named as the script prints them."""

    def __init__(self, directory, release, *options, brokers=1):
        self.directory = Path(directory)
        self.release = release
        self.port = ports.reserve(brokers * 10)
        self._start(["--release", release, "--port", str(self.port), "--brokers", str(brokers), *options])

    def _start(self, options):
        command = [str(SCRIPT), "start", "--dir", str(self.directory), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_LIMIT)
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
        subprocess.run([str(SCRIPT), "stop", "--dir", str(self.directory)], capture_output=True, timeout=300)

    def tool(self, name, *arguments):
        command = [str(SCRIPT), "tool", "--dir", str(self.directory), name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def records(self, topic, bootstrap=None):
        """All records of a topic as (key, headers, value), by kcat."""
        command = ["kcat", "-C", "-b", bootstrap or self.PLAINTEXT, "-t", topic, "-e", "-q", "-J",
                   "-X", "topic.metadata.refresh.interval.ms=500"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
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
