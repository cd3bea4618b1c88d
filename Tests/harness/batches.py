# SPDX-License-Identifier: Apache-2.0
"""A batch as an operator runs it: a list in, results out."""

import base64
import hashlib
import json
import os
import re
import signal
from pathlib import Path

from harness import processes
from harness.program import PYTHON


class Batches:
    """Runs batches of one published version, whose command is given each time or is `cat`."""

    def __init__(self, program, insights=False):
        self.program = program
        self.ref = "demo/echo"
        program.run("publish", self.ref, "--insights" if insights else "--no-insights", "--", "cat", status=0)

    @property
    def directory(self):
        return self.program.directory

    def write(self, name, content):
        """Writes a request file; gives its name."""
        if isinstance(content, list):
            content = "".join(f"{line}\n" for line in content)
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def arguments(self, *arguments, command=()):
        return ["batch", self.ref, *arguments, *(["--", *command] if command else [])]

    def run(self, *arguments, command=(), **rest):
        """Runs to the end; gives the outcome, with the results on stdout in `.results`."""
        outcome = self.program.run(*self.arguments(*arguments, command=command), **rest)
        outcome.results = parse(outcome.stdout)
        return outcome

    def start(self, *arguments, command=(), **rest):
        return self.program.start(*self.arguments(*arguments, command=command), **rest)

    def python(self, *arguments, source, **rest):
        """Runs a batch of a Python program given as text."""
        return self.run(*arguments, command=[PYTHON, "-c", source], **rest)

    def results(self, name):
        return parse((self.directory / name).read_bytes())

    def payloads(self):
        return [json.loads(line) for line in self.program.insights()]


def parse(lines):
    """Result lines as objects; every line must be whole and JSON."""
    assert lines == b"" or lines.endswith(b"\n"), f"the last line is torn: {lines[-200:]!r}"
    return [json.loads(line) for line in lines.splitlines()]


def decoded(result):
    """The bytes of a result."""
    if result.get("result_encoding") == "base64":
        return base64.b64decode(result["result"], validate=True)
    value = result["result"]
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def sha256(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def outcomes(results):
    return [result["outcome"] for result in results]


def reason(result):
    """Why a request never started."""
    return result["delivery"]["detail"]


def peak_memory(pid):
    """The process's own high-water mark in KiB; the one of wait4 would begin with that of the test runner."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def await_lines(path, count, limit=processes.LIMIT):
    """Waits until a file has that many whole lines."""
    path = Path(path)
    processes.await_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, f"{count} results", limit)


def interrupt(process, number=signal.SIGINT):
    process.send_signal(number)
