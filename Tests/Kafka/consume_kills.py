#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills members of a consumer group, and brokers, while requests run, and counts what readers see.

    KAFKA_HOME=… scripts/python Tests/Kafka/consume_kills.py --release 4.3 --requests 15000 --seconds 60

Under read_committed each request has one result and one payload, or this fails. With --control it takes a part of
exactly-once away (a debug build is needed, but for at-least-once) and fails unless readers notice: a loop that cannot fail
proves nothing.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from confluent_kafka import KafkaException

from harness import processes
from harness.broker import Kafka
from harness.members import SHORT, Members
from harness.program import Program

CONTROLS = {
    # A kill between results and offsets. Each answer is committed by itself, so that much of the time is spent there.
    "at-least-once": ["--delivery", "at-least-once", "--commit-interval", "0s"],
    # The map of completed offsets is not read; is read, but left out of the first commit.
    "ignore-map": [],
    "drop-map": [],
    # Offsets are read that a pending transaction will move: one of a member that stands still in the meantime. The program
    # waits before each commit, so that most of the time is spent there. A member that is killed takes its name's transaction
    # along, so that is for members without a name that are suspended only.
    "read-uncommitted": ["--commit-interval", "0s"],
}
# Requests whose number ends in 49 or 99 take 0.4 s, the others at most 19 ms: most end before an earlier one.
WORKER = """
member = os.getppid()
def apply(request):
    mark("executions", "%d/%d\\n" % (request["n"], member))
    time.sleep(0.4 if request["n"] % 50 == 49 else request["n"] % 20 / 1000)
    algo_run.report(n=request["n"])
    return request
"""


class Loop:
    def __init__(self, options, directory):
        self.options, self.chance = options, random.Random(options.seed)
        self.kafka = Kafka(directory / "kafka", options.release, brokers=options.brokers)
        work = directory / "work"
        work.mkdir()
        binary = Path(os.environ["ALGO_RUN"]).resolve()
        self.program = Program(binary, directory / "home", work, f"kills-{uuid.uuid4()}")
        self.members = Members(self.program, self.kafka, partitions=6)
        self.dead, = self.members.topics.make("dead", partitions=6)
        self.members.publish_worker(WORKER)
        self.running = [None] * options.members
        self.kills = self.broker_kills = self.stops = self.restarts = 0
        self.killed = set()
        self.frozen = {}

    def start(self, number):
        options = ["--jobs", "4", "--dead-letter", self.dead, *SHORT, *CONTROLS.get(self.options.control, [])]
        if not self.options.dynamic:
            options += ["--instance", f"member-{number}"]
        log = open(self.program.directory / f"member-{number}.log", "ab")
        self.running[number] = self.program.start(
            *self.members.arguments(*options), stdout=log, stderr=log,
            env={"ALGO_RUN_CONSUME_FAULT": self.options.control or None})
        log.close()

    def produce(self):
        values = (b'{"n":%d}' % number for number in range(self.options.requests))
        self.members.topics.produce(self.members.requests, values, partition=lambda number: number % 6)

    def run(self):
        self.produce()
        for number in range(self.options.members):
            self.start(number)
        end = time.monotonic() + self.options.seconds
        next_broker = time.monotonic() + self.options.broker_every if self.options.broker_every else None
        while time.monotonic() < end:
            time.sleep(self.chance.uniform(0.2, 0.9))
            self.revive()
            victim = self.chance.randrange(self.options.members)
            if self.options.freeze and (self.options.no_kills or self.chance.random() < 0.15):
                if not self.frozen:
                    self.freeze(victim)
            elif victim not in self.frozen:
                self.running[victim].kill()
                self.running[victim].wait()
                self.kills += 1
                self.killed.add(self.running[victim].pid)
                self.start(victim)
            if next_broker and time.monotonic() > next_broker:
                self.kafka.crash(self.chance.randint(1, self.options.brokers))
                self.kafka.restart()
                self.broker_kills += 1
                next_broker = time.monotonic() + self.options.broker_every
        for number in list(self.frozen):
            self.frozen[number] = 0
        self.finish()

    def freeze(self, number):
        self.running[number].send_signal(signal.SIGSTOP)
        self.frozen[number] = time.monotonic() + 9
        self.stops += 1

    def revive(self):
        """Continues members that stood still long enough, and starts those again that ended by themselves."""
        for number, until in list(self.frozen.items()):
            if time.monotonic() >= until:
                del self.frozen[number]
                self.running[number].send_signal(signal.SIGCONT)
        for number, member in enumerate(self.running):
            if number not in self.frozen and member.poll() is not None:
                self.restarts += 1
                self.start(number)

    def finish(self):
        """Lets the members work off the rest: until the group has committed every partition to its end."""
        ends = {number: self.options.requests // 6 + (number < self.options.requests % 6) for number in range(6)}

        def is_done():
            self.revive()
            time.sleep(0.3)
            try:
                committed = self.members.topics.committed(self.members.group, self.members.requests)
            except KafkaException:
                # The broker is loading the group.
                return False
            return all(committed[number][0] >= ends[number] for number in ends)

        processes.await_until(is_done, "the group has committed all requests", limit=self.options.patience)
        for member in self.running:
            member.send_signal(signal.SIGTERM)
        for member in self.running:
            member.wait(timeout=300)

    def again(self):
        """How many executions there were, how many of them ran a request again because a member was killed, and how many
        although the member lived that had run it before."""
        before, counts = {}, [0, 0]
        lines = (self.program.directory / "executions").read_text().split()
        for number, member in (map(int, line.split("/")) for line in lines):
            if number in before:
                counts[before[number] not in self.killed] += 1
            before[number] = member
        return len(lines), *counts

    def verdict(self):
        topics, wanted = self.members.topics, self.options.requests
        results, payloads = topics.count(self.members.results), topics.count(self.members.payloads)
        executions, after_kills, others = self.again()
        wrong = {}
        for name, counts in (("results", results), ("payloads", payloads)):
            wrong[name] = (wanted - len(counts), sum(count - 1 for count in counts.values()))
        dead = len(topics.read(self.dead))
        print(f"Kafka {self.options.release}, {'dynamic' if self.options.dynamic else 'static'} members, "
              f"control {self.options.control or 'none'}: {self.kills} members killed, {self.stops} suspended, "
              f"{self.broker_kills} brokers killed, {self.restarts} restarts; {wanted} requests, {executions} executions "
              f"({after_kills} again after a kill, {others} again for another reason); "
              f"results missing {wrong['results'][0]}, duplicated {wrong['results'][1]}; "
              f"payloads missing {wrong['payloads'][0]}, duplicated {wrong['payloads'][1]}; dead letters {dead}", flush=True)
        is_exact = wrong == {"results": (0, 0), "payloads": (0, 0)} and dead == 0
        assert executions >= wanted
        return not is_exact if self.options.control else is_exact

    def close(self):
        for number in self.frozen:
            self.running[number].send_signal(signal.SIGCONT)
        self.program.close()
        processes.end_all(self.program.marker)
        self.kafka.stop()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", default="4.3")
    parser.add_argument("--requests", type=int, default=15_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--broker-every", type=float, help="seconds between two SIGKILLs of the broker")
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--freeze", action="store_true", help="suspend members for 9 s as well")
    parser.add_argument("--no-kills", action="store_true", help="only suspend members: with --freeze")
    parser.add_argument("--control", choices=sorted(CONTROLS))
    parser.add_argument("--patience", type=float, default=240)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    options = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="consume-kills-"))
    loop = Loop(options, directory)
    try:
        loop.run()
        fine = loop.verdict()
    finally:
        loop.close()
        if options.keep:
            print(directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{int(fine)} passed, {int(not fine)} failed")
    return fine


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
