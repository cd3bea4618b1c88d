# SPDX-License-Identifier: Apache-2.0
"""Members of a consumer group as an operator runs them."""

import urllib.request

from harness import processes
from harness.program import PYTHON
from harness.topics import Topics
from harness.workers import BINDING, PRELUDE

# Sessions as short as the broker allows, so that tests wait less.
SHORT = ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=1000"]


def gave_up(member):
    """Whether a member with a log has ended because librdkafka did not come back from a call, which it does now and then
    when brokers stand still."""
    return member.poll() == 1 and "has not come back from a call" in member.log.read_text()


class Members:
    """Runs `consume` of one version over topics of its own."""

    def __init__(self, program, kafka, partitions=4):
        self.program, self.kafka = program, kafka
        self.topics = Topics(kafka.PLAINTEXT)
        self.requests, self.results, self.payloads = self.topics.make(
            "requests", "results", "payloads", partitions=partitions)
        self.ref = "demo/member"
        self.logs = []
        self.group = "algo-run.demo.member-" + self.topics.prefix[:-1]
        program.run("connection", "set", "--type", "plaintext", "--brokers", kafka.PLAINTEXT, "--topic", self.payloads,
                    status=0)

    def publish(self, *command, insights=True, worker=False, options=()):
        self.program.run("publish", self.ref, "--insights" if insights else "--no-insights",
                         *(["--worker", "--no-check"] if worker else []), *options, "--", *command, status=0)

    def publish_python(self, source, **rest):
        """A process for each request."""
        self.publish(PYTHON, "-c", source, **rest)

    def publish_worker(self, source, **rest):
        """A worker in Python: `source` defines `apply(request)`."""
        path = self.program.directory / "worker.py"
        path.write_text(PRELUDE + source + "\nalgo_run.serve(apply)\n")
        self.publish(PYTHON, path, worker=True,
                     options=["--env", f"PYTHONPATH={BINDING}", *rest.pop("options", [])], **rest)

    def arguments(self, *options):
        return ["consume", self.ref, "--from", self.requests, "--to", self.results, "--group", self.group, *options]

    def run(self, *options, **rest):
        return self.program.run(*self.arguments(*options), **rest)

    def once(self, *options, status=0, **rest):
        return self.run("--once", *options, status=status, **rest)

    def start(self, *options, **rest):
        return self.program.start(*self.arguments(*options), **rest)

    def start_logged(self, *options, **rest):
        """Starts a member whose messages go to a file, `.log`; `print_logs` shows those of all."""
        path = self.program.directory / f"member-{len(self.logs)}.log"
        with open(path, "wb") as file:
            member = self.start(*options, stderr=file, **rest)
        member.log = path
        self.logs.append(path)
        return member

    def print_logs(self):
        """For the report of a test that fails."""
        for path in self.logs:
            print(f"{path.name}:", path.read_text(errors="replace"), sep="\n")

    def await_results(self, count, limit=processes.LIMIT):
        processes.await_until(lambda: len(self.topics.read(self.results)) >= count, f"{count} results", limit)

    def by_value(self):
        """Results by the value of the result."""
        return {record.value: record for record in self.topics.read(self.results)}

    def marks(self, name="marks"):
        """The lines that the algorithm wrote into a file of the working directory."""
        path = self.program.directory / name
        return path.read_text().split() if path.exists() else []

    def figures(self, member):
        """A function that gives the figures of a member that was started with `--metrics 127.0.0.1:0`, by short name."""
        log = getattr(member, "log", None)
        if log:
            line = processes.await_until(lambda: [line for line in log.read_text().splitlines(True) if line.endswith("/metrics.\n")],
                                         "the address of the figures")[0]
        else:
            line = processes.read_line(member.stderr.fileno())
        address = line.split()[-1].rstrip(".")

        def read():
            text = urllib.request.urlopen(address, timeout=300).read().decode()
            lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
            return {name.removeprefix("algo_run_consume_"): value for name, value in lines}

        read.address = address
        return read
