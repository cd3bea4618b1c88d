#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds every package of a release into a folder, from a program that is built already:

    packages/build.py PROGRAM DIST

Called by `make package`. The files depend on nothing but the commit, the program and the versions of the tools.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import bindings
import program
import sbom

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass
class Facts:
    """The statements of the packages about their origin."""

    version: str
    commit: str
    swift: str
    gcc: str
    epoch: int

    @property
    def date(self):
        return datetime.fromtimestamp(self.epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def output(*command):
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def facts_of(binary):
    version = (REPOSITORY / "VERSION").read_text().strip()
    printed = subprocess.run([binary, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if printed.split()[0] != version:
        sys.exit(f"package: the program is version {printed.split()[0]}, and VERSION holds {version}; run make version")
    time = os.environ.get("SOURCE_DATE_EPOCH") or output(
        "git", "-c", f"safe.directory={REPOSITORY}", "log", "-1", "--format=%ct")
    return Facts(
        version, re.search(r"(?m)^commit (\S+)", printed)[1], re.search(r"(?m)^Swift (\S+)", printed)[1],
        output("gcc", "-dumpversion"), int(time or 0))


def main(arguments):
    os.umask(0o022)
    binary, dist = Path(arguments[0]).resolve(), Path(arguments[1]).resolve()
    program.check_glibc(binary)
    facts = facts_of(binary)
    os.environ.update(SOURCE_DATE_EPOCH=str(facts.epoch), TZ="UTC", LC_ALL="C.UTF-8")
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        program.tarball(facts, binary, work, dist)
        program.deb(facts, binary, work, dist)
        bindings.python(facts, work, dist, "Bindings/Python", "wheel", binary)
        bindings.python(facts, work, dist, "Bindings/Python", "sdist")
        if (REPOSITORY / "integrations/insights/pyproject.toml").exists():
            bindings.python(facts, work, dist, "integrations/insights", "wheel")
        bindings.r(facts, work, dist)
        bindings.java(facts, work, dist)
    (dist / ".gitignore").unlink(missing_ok=True)
    sbom.write(facts, dist)
    files = sorted(dist.iterdir())
    (dist / "SHA256SUMS").write_text("".join(f"{sbom.sha256(path)}  {path.name}\n" for path in files))
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>10}  {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
