# SPDX-License-Identifier: Apache-2.0
"""Measures `algo-run consume` and the loops beside it; prints lines for the table of Benchmarks/comparison.

A rate is the number of results over the time between the first and the last of them, by the clock of their producer.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from harness.topics import Topics

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
ALGO_RUN = os.environ["ALGO_RUN"]
COUNT = int(os.environ.get("BENCH_CONSUME_REQUESTS", "150000"))
# A loop that commits each record by itself would take an hour for all of them.
FEW = 1000
PARTITIONS = 8
# An echo is done before its next request comes. The more workers wait for one, the more answers the member finds in each
# turn of its loop; beyond this number the processors' caches lose more than that wins.
WORKERS = 8 * os.cpu_count()
LIMIT = 600


def emit(*fields):
    print(*fields, sep="\t", flush=True)


class Bench:
    def __init__(self, brokers, work):
        self.brokers, self.work = brokers, Path(work)
        self.topics = Topics(brokers)
        self.requests, self.payloads = self.topics.make("requests", "payloads", partitions=PARTITIONS)
        self.topics.produce(self.requests, (b'{"n":%d}' % number for number in range(COUNT)),
                            partition=lambda number: number % PARTITIONS)
        self.home = str(self.work / "consume-home")
        self.algo_run("connection", "set", "--home", self.home, "--type", "plaintext", "--brokers", brokers, "--topic", self.payloads)
        self.publish("echo", REPOSITORY / "Benchmarks" / "workers" / "echo.py")

    def algo_run(self, *arguments):
        subprocess.run([ALGO_RUN, *map(str, arguments)], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def publish(self, name, program):
        self.algo_run("publish", f"bench/{name}", "--home", self.home, "--insights", "--worker", "--env",
                      f"PYTHONPATH={REPOSITORY / 'Bindings' / 'Python'}", "--env", "PYTHONDONTWRITEBYTECODE=1", "--",
                      os.path.realpath(sys.executable), "-S", program)

    def rate(self, results, count, delivery):
        """Results a second; each request must have one, and exactly one where that is promised."""
        records = self.topics.read(results)
        places = {record.headers["algo_request_id"] for record in records}
        if len(places) != count or delivery == "exactly-once" and len(records) != count:
            sys.exit(f"{len(records)} results for {len(places)} of {count} requests")
        moments = sorted(record.timestamp for record in records)
        # The first commit holds what came before it; its time is not in the span, so neither are its records.
        later = sum(moment > moments[0] + 1 for moment in moments)
        return later / max(0.001, (moments[-1] - moments[0]) / 1000)

    def consume(self, delivery, interval, members):
        results, = self.topics.make(f"results-{uuid.uuid4().hex[:6]}", partitions=PARTITIONS)
        command = [ALGO_RUN, "consume", "bench/echo", "--home", self.home, "--from", self.requests, "--to", results, "--once",
                   "--group", results, "--delivery", delivery, "--commit-interval", f"{interval}ms", "--progress", "none",
                   "--no-history", "--jobs", str(WORKERS // members)]
        started = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(members)]
        for member in started:
            if member.wait(LIMIT) != 0:
                sys.exit(f"consume ended with status {member.returncode}")
        return self.rate(results, COUNT, delivery)

    def loop(self, command, delivery, interval):
        count = COUNT if interval else FEW
        results, = self.topics.make(f"results-{uuid.uuid4().hex[:6]}", partitions=PARTITIONS)
        subprocess.run([*command, self.brokers, self.requests, results, self.payloads, results, str(count), str(interval),
                        delivery], check=True, timeout=LIMIT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return self.rate(results, count, delivery)

    def rates(self):
        emit("section", f"{COUNT} requests from Kafka: a result and a payload each, {PARTITIONS} partitions, echo by {WORKERS} workers")
        loops = {"Python, confluent-kafka": [sys.executable, str(HERE / "loop.py")]}
        compiler, program = shutil.which("cc"), str(self.work / "loop")
        if compiler:
            subprocess.run([compiler, "-O2", "-o", program, str(HERE / "loop.c"), "-lrdkafka"], check=True)
            loops["C, librdkafka"] = [program]
        else:
            emit("not_measured", "C, librdkafka", "install a C compiler")
        # The first runs on a broker that has just started cost up to three times as much there: Java still compiles.
        for _ in range(2):
            self.consume("exactly-once", 100, 1)
        for delivery in ("exactly-once", "at-least-once"):
            for interval in (100, 20, 0):
                one = statistics.median(self.consume(delivery, interval, 1) for _ in range(3))
                rates = {"algo-run, 1 member": one, "algo-run, 2 members": self.consume(delivery, interval, 2)}
                rates |= {name: self.loop(command, delivery, interval) for name, command in loops.items()}
                ours = rates["algo-run, 1 member"]
                for name, rate in rates.items():
                    target = "≥ 20000/s" if (delivery, interval, name) == ("exactly-once", 100, "algo-run, 1 member") else ""
                    emit("row", f"{delivery}, {interval} ms: {name}", f"{rate:.0f}/s", f"{ours / rate:.2f}×", target)

    def takeover(self, *options):
        """Seconds from a restart after SIGKILL until there is a result of the new process."""
        results, = self.topics.make(f"results-{uuid.uuid4().hex[:6]}", partitions=1)
        command = [ALGO_RUN, "consume", "bench/slow", "--home", self.home, "--from", self.requests, "--to", results, "--jobs",
                   "2", "--group", results, "--progress", "none", "--no-history", *options]
        reader = Consumer({"bootstrap.servers": self.brokers, "group.id": f"bench-{uuid.uuid4()}", "enable.auto.commit": False,
                           "fetch.wait.max.ms": 10})
        reader.assign([TopicPartition(results, 0, 0)])

        def await_result():
            deadline = time.monotonic() + LIMIT
            while time.monotonic() < deadline:
                message = reader.poll(0.01)
                if message and not message.error():
                    return
            sys.exit("no result")

        member = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        for _ in range(50):
            await_result()
        member.kill()
        member.wait()
        # Results that it had written before it died.
        while reader.poll(0.2):
            pass
        began = time.monotonic()
        member = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        await_result()
        taken = time.monotonic() - began
        member.terminate()
        member.wait()
        reader.close()
        return taken

    def takeovers(self):
        emit("section", "From a restart after SIGKILL to the first result")
        slow = self.work / "slow.py"
        slow.write_text("import time\nimport algo_run\ndef apply(value):\n    time.sleep(0.02)\n    return value\nalgo_run.serve(apply)\n")
        self.publish("slow", slow)
        for name, options, target in (("with --instance", ["--instance", "bench"], "≤ 2 s"), ("without", [], "")):
            taken = sorted(self.takeover(*options) for _ in range(3))
            emit("row", name, f"{taken[1]:.2f} s", "", target)


bench = Bench(*sys.argv[1:])
bench.rates()
bench.takeovers()
