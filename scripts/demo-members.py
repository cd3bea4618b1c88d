# SPDX-License-Identifier: Apache-2.0
"""The second half of `make demo-kafka`: two members share the requests of a topic, one is killed in the middle, and every
request has one result. Called by scripts/demo-kafka with the brokers and a home."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

from harness.topics import Topics

REPOSITORY = Path(__file__).resolve().parent.parent
REQUESTS = 400
PATIENCE = 120
# A worker; each execution leaves a line with its member, by which the executions are counted below.
WORKER = """
import os, time
import algo_run
member = os.getppid()
def square(request):
    with open("executions", "a") as file: file.write(f"{member}\\n")
    time.sleep(0.02)
    algo_run.report(number=request["n"])
    return {"n": request["n"], "square": request["n"] ** 2}
algo_run.serve(square)
"""


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"demo: waited {PATIENCE} s in vain until {what}")
        time.sleep(0.1)


def main(brokers, home):
    program = os.environ["ALGO_RUN"]
    topics = Topics(brokers)
    requests, results = topics.make("requests", "results", partitions=4)
    work = Path(tempfile.mkdtemp(dir=home))
    (work / "square.py").write_text(WORKER)
    subprocess.run([program, "publish", "examples/square", "--home", home, "--worker", "--insights", "--directory", work,
                    "--env", f"PYTHONPATH={REPOSITORY}/Bindings/Python", "--", "python3", "square.py"],
                   check=True, stdout=subprocess.DEVNULL)
    print(f"\nTwo members of one group: {REQUESTS} requests in topic {requests}")
    topics.produce(requests, (b'{"n":%d}' % number for number in range(REQUESTS)), partition=lambda number: number % 4)
    command = [program, "consume", "examples/square", "--home", home, "--from", requests, "--to", results, "--jobs", "1",
               "--group", f"demo-{uuid.uuid4().hex[:8]}", "--progress", "none", "-X", "session.timeout.ms=6000",
               "-X", "heartbeat.interval.ms=1000"]
    print("  algo-run", *command[1:3], "--from", requests, "--to", results, "…   (twice)")
    members = [subprocess.Popen(command) for _ in range(2)]

    def executions():
        path = work / "executions"
        return path.read_text().split() if path.exists() else []

    def finished():
        return topics.count(results)

    try:
        wait_until(lambda: len(executions()) > 50, "requests run")
        # More, until both have had some: the first may have begun alone.
        count = REQUESTS
        while len(set(executions())) < 2 and count < 50 * REQUESTS:
            topics.produce(requests, (b'{"n":%d}' % number for number in range(count, count + REQUESTS)),
                           partition=lambda number: number % 4)
            count += REQUESTS
            wait_until(lambda: len(set(executions())) == 2 or len(finished()) >= count, "the second member has requests")
        members[0].kill()
        members[0].wait()
        print(f"  one is killed after {len(executions())} executions")
        wait_until(lambda: len(finished()) >= count, "every request has a result")
        members[1].terminate()
        members[1].wait()
    finally:
        for member in members:
            member.kill()
            member.wait()
    counts = Counter(finished().values())
    ran = len(executions())
    print(f"  {count} requests, {sum(counts.values())} results for {sum(counts[number] for number in counts)} requests, "
          f"{counts[1]} of them exactly one; {ran} executions, {ran - count} of them again after the kill")
    return counts == {1: count}


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else "demo: a request has no result, or two")
