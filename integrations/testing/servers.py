# SPDX-License-Identifier: Apache-2.0
"""Servers of Debian for the tests: found below .build/tools or in the system, run in the foreground, stopped by id."""

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from harness import processes

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("BUILD", REPOSITORY / ".build")) / "tools" / "root"
LIBRARIES = TOOLS / "usr/lib/x86_64-linux-gnu"


def tool(*names):
    """The path of a program, by the paths it may have below / or its name on PATH. Skips the test if there is none."""
    for name in names:
        for path in (TOOLS / name.lstrip("/"), Path("/") / name.lstrip("/")):
            if os.access(path, os.X_OK):
                return str(path)
        if found := shutil.which(Path(name).name):
            return found
    missing = f"{Path(names[0]).name} is not installed and apt-get cannot fetch it"
    if "CI" in os.environ:
        pytest.fail(missing)
    pytest.skip(missing)


def alertmanager(directory):
    """A command `prometheus-alertmanager` in `directory`. Debian's looks for its template below /usr/share alone: where
    it is unpacked, it sees that of .build/tools there, in a namespace of its own.
    """
    program = tool("usr/bin/prometheus-alertmanager")
    command = directory / "prometheus-alertmanager"
    if program.startswith(str(TOOLS)):
        rights = "" if os.getuid() == 0 else "--map-root-user "
        inner = f"mount --bind {TOOLS}/usr/share /usr/share && exec {program} \"$@\""
        command.write_text(f"#!/bin/sh\nexec unshare --mount {rights}sh -c '{inner}' sh \"$@\"\n")
        command.chmod(0o755)
    else:
        command.symlink_to(program)


def environment(**more):
    """With the libraries that were unpacked after those of the system."""
    return {**os.environ, "LD_LIBRARY_PATH": f"{LIBRARIES}", **more}


class Server:
    """A process in the foreground; its output is in a file."""

    def __init__(self, name, command, directory, **options):
        self.name = name
        self.log = Path(directory) / f"{name}.log"
        options.setdefault("env", environment())
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)

    def await_ready(self, condition):
        """Waits until it serves; fails with its output if it ends instead."""

        def is_ready():
            assert self.process.poll() is None, f"{self.name} ended: {self.text()[-3000:]}"
            return condition()

        processes.await_until(is_ready, f"{self.name} is ready", limit=300)
        return self

    def text(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        """Asks it to end, and ends it if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def fetch(url, data=None, headers={}):
    """Status and body of an HTTP request; (0, b"") where nothing listens."""
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read()
    except OSError:
        return 0, b""


def figure(server, name):
    """The sum of a bridge's own metric."""
    lines = fetch(server.figures)[1].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}(\{{|\s)", line))
