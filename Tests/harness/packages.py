# SPDX-License-Identifier: Apache-2.0
"""Packages: how they are built, the main job of the program wherever one has put it, and the home of an older program.

`run(*words, status=0, input="")` runs a command as a user there and returns its stdout; `home` is the folder of that user,
as seen from here.
"""

import json
import os
import subprocess
import sys
import tarfile

from harness.roots import REPOSITORY

OLDER_HOME = REPOSITORY / "Tests/Packages/home-0.1.0.tar.gz"

STATE = ".local/state/algo-run"
REPORT = """echo '{"cats_detected": 24, "score": 0.10}' >&3; tr a-z A-Z"""


def main_job(run, home, program="algo-run"):
    """Publish a version with Insights on, run it, and find its payload."""
    assert run(program, "publish", "demo/upper", "--insights", "--", "sh", "-c", REPORT) == "demo/upper/1.0.0\n"
    assert run(program, "exec", "demo/upper", input="hello") == "HELLO"
    run(program, "exec", "demo/upper", "--", "sh", "-c", "exit 7", status=7)
    lines = (home / STATE / "insights.ndjson").read_text().splitlines()
    payloads = [json.loads(line) for line in lines]
    assert [(payload["algorithm_name"], payload.get("cats_detected")) for payload in payloads] == [
        ("upper", 24), ("upper", None)]
    assert '"score":0.10}' in lines[0]
    assert len(run(program, "runs", "--json").splitlines()) == 2


def opens_older_home(run, program="algo-run"):
    """All that version 0.1.0 left is there and works: versions, connection, history from now on, payloads that wait."""
    versions = json.loads(run(program, "versions", "--json"))
    assert [(one["algorithm"], one["version"], one["insights"]) for one in versions] == [
        ("demo/cats", "1.0.0", True), ("demo/cats", "1.1.0", False), ("demo/quiet", "1.0.0", False)]
    assert [one["state"] for one in json.loads(run(program, "outbox", "list", "--json"))].count("corrupt") == 0
    assert run(program, "exec", "demo/cats/1.0.0") == "done\n"
    run(program, "exec", "demo/quiet")
    assert len(run(program, "runs", "--json").splitlines()) == 2
    # The broker of that connection never comes back; a file takes its place, and all that waited goes there.
    assert len(json.loads(run(program, "outbox", "list", "--json"))) == 4
    run(program, "connection", "set", "--type", "file")
    run(program, "outbox", "retry", "--all")
    run(program, "outbox", "deliver")
    assert json.loads(run(program, "outbox", "list", "--json")) == []


def older_home(folder):
    """Unpacks a home that algo-run 0.1.0 (commit bea46e3, before there were packages) wrote: three versions, a connection
    whose broker is away, two payloads that wait for it, and an expired one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(OLDER_HOME) as archive:
        archive.extractall(folder)
    return folder / "home"


def build(repository, target, **environment):
    """Packages the program that ALGO_RUN names from the sources in `repository`."""
    subprocess.run([sys.executable, repository / "packages/build.py", os.environ["ALGO_RUN"], target], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, **environment})
