#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills algo-run with SIGKILL at random points of hundreds of runs, against a broker that comes and goes, and counts.

Each algorithm notes its request's identifier in a file as the last thing it does, with a sync: an execution *finished*
when its note is there. It is *accounted for* when algo-run itself came to its end as well. Afterwards the outbox is
delivered to the topic, and:

  - every execution that algo-run saw finish has its payload on the topic;
  - a payload is there more than once only under the same key;
  - no payload is there that no execution noted;
  - an execution that noted its end, but whose algo-run was killed before it could store the payload, is counted apart:
    its payload is the only thing that a SIGKILL can take.

Usage: ALGO_RUN=… scripts/python Tests/Kafka/crash.py [--runs 300] [--seed N]; the figures in docs/reliability.md are
its output. Closes with "1 passed, 0 failed", or with status 1 if a promise is broken.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from harness.broker import NEWEST, Kafka
from harness.fault_proxy import FaultProxy

TOPIC = "crash"
# The algorithm: reports a metric, works for a random moment, notes that it was here.
ALGORITHM = 'echo "{\\"n\\": 1}" >&3; sleep "$(printf 0.0%02d $(($$ % 40)))"; ' \
            'printf "%s\\n" "$ALGO_REQUEST_ID" >> "$NOTES"'


class Crash:
    def __init__(self, directory, runs, seed):
        self.directory, self.runs, self.random = Path(directory), runs, random.Random(seed)
        self.notes = self.directory / "notes"
        self.notes.touch()
        self.figures = Counter()
        self.stored = set()  # keys whose payload algo-run said is safe, or came to its own end with
        self.environment = {
            **os.environ, "ALGO_RUN_HOME": str(self.directory / "home"), "NOTES": str(self.notes), "LANG": "C.UTF-8"}

    def algo_run(self, *arguments, **options):
        return subprocess.Popen(
            [os.environ["ALGO_RUN"], *arguments], env=self.environment, stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **options)

    def command(self, *arguments):
        status = self.algo_run(*arguments, stdout=subprocess.DEVNULL).wait(timeout=300)
        assert status == 0, (arguments, status)

    def exec_once(self, number):
        report = self.directory / f"report-{number}"
        process = self.algo_run("exec", "demo/x", "--report", str(report), "--delivery-wait", "300ms")
        if self.random.random() < 0.6:
            time.sleep(self.random.uniform(0, 0.12))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        killed = process.wait(timeout=300) == -signal.SIGKILL
        self.figures["exec killed" if killed else "exec ended"] += 1
        if report.exists() and report.stat().st_size:
            record = json.loads(report.read_text())
            assert record["delivery"]["state"] in ("delivered", "queued"), record["delivery"]
            self.stored.add(record["request_id"])

    def batch_once(self, number):
        requests = self.directory / "requests.ndjson"
        requests.write_text("".join(f"{n}\n" for n in range(40)))
        results = self.directory / f"results-{number}"
        process = self.algo_run("batch", "demo/x", str(requests), "--output", str(results), "--progress", "none",
                                "--jobs", "4")
        time.sleep(self.random.uniform(0, 1.0))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        killed = process.wait(timeout=300) == -signal.SIGKILL
        self.figures["batch killed" if killed else "batch ended"] += 1
        # A result line is the promise that its payload is safe; a torn last line promises nothing.
        lines = results.read_bytes().split(b"\n")[:-1] if results.exists() else []
        self.stored.update(json.loads(line)["request_id"] for line in lines)

    def run(self, kafka, proxy):
        stop = threading.Event()

        def unsettle():
            source = random.Random(self.random.random())
            while not stop.wait(source.uniform(0.3, 2)):
                proxy.mode = source.choice(["refuse", "reset", "stall", "blackhole", "cut"])
                self.figures["faults"] += 1
                stop.wait(source.uniform(0.2, 1.5))
                proxy.mode = "pass"

        network = threading.Thread(target=unsettle)
        network.start()
        crash_at = {self.runs // 3, 2 * self.runs // 3}
        for number in range(self.runs):
            if number in crash_at:
                kafka.crash()
                self.figures["broker crashes"] += 1
            if number - 20 in crash_at:
                kafka.restart()
            if number % 10 == 9:
                self.batch_once(number)
            else:
                self.exec_once(number)
        stop.set()
        network.join()
        proxy.mode = "pass"
        kafka.restart()
        self.command("outbox", "deliver")

    def judge(self, kafka, bootstrap):
        topic = Counter(kafka.keys(TOPIC, bootstrap))
        noted = set(self.notes.read_text().split())
        lost = self.stored - set(topic)
        invented = set(topic) - noted
        rest = json.loads(subprocess.run(
            [os.environ["ALGO_RUN"], "outbox", "status", "--json"], env=self.environment, stdout=subprocess.PIPE,
            check=True).stdout)
        left = sum(rest[state] for state in ("pending", "expired", "rejected", "corrupt"))
        for name in sorted(self.figures):
            print(f"{name:44} {self.figures[name]:6}")
        print(f"{'executions that noted their end':44} {len(noted):6}")
        print(f"{'of these, safe as algo-run reported':44} {len(self.stored):6}")
        print(f"{'payloads on the topic (distinct keys)':44} {len(topic):6}")
        print(f"{'sent more than once, under the same key':44} {sum(count - 1 for count in topic.values()):6}")
        print(f"{'algo-run killed before it could store':44} {len(noted - set(topic)):6}")
        print(f"{'left in the outbox':44} {left:6}")
        print(f"{'LOST':44} {len(lost):6}")
        print(f"{'INVENTED':44} {len(invented):6}")
        return not lost and not invented and not left


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.runs} runs")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        proxy = FaultProxy()
        kafka = Kafka(Path(directory) / "kafka", NEWEST, "--advertise", str(proxy.port))
        try:
            proxy.target = int(kafka.PLAINTEXT.rpartition(":")[2])
            bootstrap = f"127.0.0.1:{proxy.port}"
            crash = Crash(directory, options.runs, options.seed)
            crash.command("publish", "demo/x", "--insights", "--", "sh", "-c", ALGORITHM)
            # The window is long: what is on the topic in the end must not hang on how slow this machine is.
            crash.command("connection", "set", "--type", "plaintext", "--brokers", bootstrap, "--topic", TOPIC,
                          "--delivery-window", "1h")
            crash.run(kafka, proxy)
            good = crash.judge(kafka, bootstrap)
        finally:
            proxy.close()
            kafka.stop()
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
