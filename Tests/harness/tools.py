# SPDX-License-Identifier: Apache-2.0
"""Tools that judge from outside, each made once below .build."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("BUILD", Path(__file__).resolve().parents[2] / ".build")).resolve() / "serve-tools"


def is_missing(what):
    """Fails in CI; skips with the reason elsewhere."""
    (pytest.fail if "CI" in os.environ else pytest.skip)(what)


def made(name, make):
    """The directory of that name, made once, whatever runs at the same time."""
    BUILD.mkdir(parents=True, exist_ok=True)
    directory, mark = BUILD / name, BUILD / f"{name}.made"
    with open(BUILD / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            shutil.rmtree(directory, ignore_errors=True)
            try:
                make(directory)
            except (OSError, subprocess.CalledProcessError) as error:
                is_missing(f"{name} cannot be made: {error}")
            mark.touch()
    return directory


def call(*command, cwd=None):
    subprocess.run([str(word) for word in command], check=True, cwd=cwd, stdout=subprocess.DEVNULL)


def unpacked(package, program):
    """A program of Debian. Its package is unpacked and not installed: it would start a service."""
    def make(directory):
        directory.mkdir()
        call("apt-get", "download", "-q", package, cwd=directory)
        call("dpkg", "-x", next(directory.glob(f"{package}_*.deb")), directory)

    return shutil.which(program) or made(package, make) / program.lstrip("/")


@pytest.fixture(scope="session")
def promtool():
    return unpacked("prometheus", "/usr/bin/promtool")
