# SPDX-License-Identifier: Apache-2.0
"""Worker versions as an operator runs them: a program that calls `serve`, published with --worker."""

import json
import os
from pathlib import Path

from harness import processes
from harness.batches import parse
from harness.program import PYTHON, read_json

BINDING = Path(__file__).resolve().parents[2] / "Bindings" / "Python"

# Ends by itself when the file `go` is there: how a test holds a worker at a point and lets it continue.
PRELUDE = """
import os, signal, sys, time
import algo_run
def mark(name, text="x"):
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, text.encode())
    os.close(descriptor)
def wait_for(name):
    while not os.path.exists(name): time.sleep(0.002)
"""

# A worker that speaks protocol 1 itself, so that it can break it.
RAW = """
import os, socket, sys, time
requests, answers, side = os.fdopen(4, "rb"), 5, socket.socket(fileno=6)
def ready(): os.write(answers, b"ready 1 0 language=raw descriptors=socket\\n")
def take():
    header = requests.readline().split()
    if not header: sys.exit(0)
    _, control, _, _ = side.recvmsg(1, socket.CMSG_SPACE(4))
    os.close(int.from_bytes(control[0][2], sys.byteorder))
    return int(header[1]), requests.read(int(header[2]))
def answer(number, body): os.write(answers, b"done %d %d\\n" % (number, len(body)) + body)
"""


class Workers:
    """Runs one published worker version, `o/w`, whose source is given as text."""

    def __init__(self, program):
        self.program = program
        self.ref = "o/w"

    @property
    def directory(self):
        return self.program.directory

    def publish(self, source, *options, prelude=PRELUDE, **rest):
        """Publishes a worker; `source` defines `apply` and calls `serve` unless another prelude is given."""
        (self.directory / "worker.py").write_text(prelude + source)
        return self.program.run(
            "publish", self.ref, "--worker", "--directory", self.directory, "--env", f"PYTHONPATH={BINDING}",
            "--env", "PYTHONDONTWRITEBYTECODE=1", *options, "--", PYTHON, "-S", "worker.py", **rest)

    def apply(self, body, *options, before="", **rest):
        """Publishes a worker whose `apply(value)` has this body."""
        lines = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
        return self.publish(f"{before}\ndef apply(value):\n{lines}algo_run.serve(apply)\n", *options, status=0, **rest)

    def raw(self, source, *options):
        """Publishes a worker that speaks the protocol itself."""
        return self.publish(source, "--no-check", *options, prelude=RAW, status=0)

    def exec(self, *options, **rest):
        return self.program.run("exec", self.ref, *options, **rest)

    def report(self, *options, **rest):
        path = self.directory / "report.json"
        outcome = self.exec("--report", path, *options, **rest)
        return outcome, read_json(path.read_bytes())

    def arguments(self, *options):
        return ["batch", self.ref, "-", "--progress", "none", *options]

    def batch(self, requests, *options, **rest):
        """Runs a batch to its end; gives the outcome, with the results in the order of the requests in `.results`."""
        lines = "".join(f"{json.dumps(request)}\n" for request in requests)
        outcome = self.program.run(*self.arguments(*options), input=lines.encode(), **rest)
        outcome.results = sorted(parse(outcome.stdout), key=lambda result: result["index"])
        return outcome

    def start(self, *options, **rest):
        """Starts a batch that a test feeds by hand."""
        return Conversation(self, self.program.start(*self.arguments(*options), stdin=-1, **rest))

    def marks(self, name):
        """The marks of the worker under this name."""
        path = self.directory / name
        return path.read_text() if path.exists() else ""

    def go(self, name="go"):
        (self.directory / name).touch()

    def running(self):
        """The processes of the worker's program."""
        return [process for process in processes.marked(self.program.marker) if process.name.startswith("python")]


class Conversation:
    """A batch whose requests come one at a time."""

    def __init__(self, workers, process):
        self.workers, self.process = workers, process

    def send(self, request):
        self.process.stdin.write(f"{json.dumps(request)}\n".encode())
        self.process.stdin.flush()

    def result(self):
        return json.loads(processes.read_line(self.process.stdout.fileno()))

    def ask(self, request):
        self.send(request)
        return self.result()

    def end(self):
        """Ends the list; gives the outcome, with the results that were not yet read."""
        outcome = self.workers.program.finish(self.process)
        outcome.results = parse(outcome.stdout)
        return outcome


def end(pid):
    """Kills a process and waits until it is gone, its zombie aside."""
    os.kill(pid, 9)
    processes.await_until(lambda: not processes.is_running(pid), "the worker is dead")
