# SPDX-License-Identifier: Apache-2.0
"""algo-run as a user calls it: arguments in; status, streams and report out."""

import json
import os
import subprocess
import sys
from decimal import Decimal

from harness import processes

PYTHON = sys.executable

# Prints that it is ready and waits for its end, every signal at its default and no core left behind. A shell would not
# do: one that is interrupted between two commands may start the second all the same.
WAITS = "import os, resource, signal\n" \
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n" \
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n" \
        "os.write(1, b'ready\\n')\n" \
        "while True: signal.pause()"

# The beginning of a Python program that handles signals. Python runs a handler between two of its steps: of a signal
# that comes on the way into a call that blocks is printed when that call ends, be that never. This waits for both.
HANDLES = """
import os, select, signal, sys
awake, wake = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
def await_readable(*descriptors):
    while not set(descriptors) & set(ready := select.select([awake, *descriptors], [], [])[0]):
        os.read(awake, 512)
"""


class Number(Decimal):
    """A JSON number that remembers how it was written."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def read_json(text):
    """JSON with its numbers as they were written, in `.text`; a constant such as NaN is not JSON."""

    def refuse(token):
        raise ValueError(f"{token} is not JSON")

    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refuse)


class Outcome:
    """The result of one call of algo-run; a negative status is the signal that ended it."""

    def __init__(self, status, stdout, stderr):
        self.status, self.stdout, self.stderr = status, stdout, stderr

    @property
    def messages(self):
        """The messages of algo-run itself on stderr, without their prefix."""
        prefix = "algo-run: "
        lines = self.stderr.decode(errors="replace").splitlines()
        return [line[len(prefix):] for line in lines if line.startswith(prefix)]

    def __repr__(self):
        return f"status {self.status}, stdout {self.stdout[-2000:]!r}, stderr {self.stderr[-2000:]!r}"


class Program:
    """The binary with a home, a working directory, and a marker by which its processes are known."""

    def __init__(self, binary, home, directory, marker):
        self.binary, self.home, self.directory, self.marker = binary, home, directory, marker
        self._started = []

    def environment(self, **changes):
        """Its environment; a value of None takes a variable away."""
        variables = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),
            "ALGO_RUN_HOME": str(self.home),
            "SCENARIO_MARKER": self.marker,
            # Which librdkafka or libmicrohttpd is loaded, where a run of the tests has chosen one.
            "LD_LIBRARY_PATH": os.environ.get("LIBRDKAFKA") or os.environ.get("LIBMICROHTTPD"),
        }
        variables.update(changes)
        return {name: value for name, value in variables.items() if value is not None}

    def run(self, *arguments, status=None, input=b"", limit=processes.LIMIT, env=None, **options):
        """Runs to the end within a limit. `status` is asserted if it is given; `env` changes the environment."""
        if "stdin" not in options:
            options["input"] = input
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.directory)
        finished = subprocess.run(
            [str(self.binary), *map(os.fsencode, map(str, arguments))], env=self.environment(**(env or {})),
            timeout=limit, check=False, **options)
        outcome = Outcome(finished.returncode, finished.stdout or b"", finished.stderr or b"")
        if status is not None:
            assert outcome.status == status, repr(outcome)
        return outcome

    def start(self, *arguments, env=None, **options):
        """Starts it and gives the process, its streams as pipes; `finish` waits for its end."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.directory)
        process = subprocess.Popen(
            [str(self.binary), *map(str, arguments)], env=self.environment(**(env or {})), **options)
        self._started.append(process)
        return process

    def finish(self, process, input=None, limit=processes.LIMIT):
        """Gives a started process the rest of its input and waits for its end."""
        stdout, stderr = process.communicate(input, timeout=limit)
        return Outcome(process.returncode, stdout or b"", stderr or b"")

    def python(self, source, *options, ref=(), arguments=(), **rest):
        """Runs `exec` of a Python program given as text."""
        return self.run("exec", *([ref] if ref else []), *options, "--", PYTHON, "-c", source, *arguments, **rest)

    def start_python(self, source, *options, **rest):
        """Starts `exec` of a Python program given as text."""
        return self.start("exec", *options, "--", PYTHON, "-c", source, **rest)

    def report(self, *arguments, **options):
        """Runs `exec` with --report; gives the report, with its outcome in `.outcome` of the returned pair."""
        path = self.directory / "report.json"
        outcome = self.run("exec", "--report", path, *arguments, **options)
        return outcome, read_json(path.read_bytes())

    def stream(self, stream, *options, ref=(), **rest):
        """Runs `exec` of a child that writes these bytes to the metrics channel; gives outcome and report."""
        path = self.directory / "metric-stream"
        path.write_bytes(stream)
        reference = [ref] if ref else []
        return self.report(*reference, *options, "--", "sh", "-c", 'exec cat "$1" >&3', "sh", path, **rest)

    def insights(self, home=None):
        """The payloads in the file of the home, as bytes, one a line."""
        path = (home or self.home) / "insights.ndjson"
        if not path.exists():
            return []
        content = path.read_bytes()
        if not content:
            # It was made a moment ago, and its first line is still to come.
            return []
        assert content.endswith(b"\n"), "the last line is torn"
        return content[:-1].split(b"\n")

    def close(self):
        """Ends and reaps what was started and not waited for."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
