# SPDX-License-Identifier: Apache-2.0
"""Tools that check a server from outside, each made once below .build; a server for each test, or for a module."""

import fcntl
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from harness import processes
from harness.program import Program

HERE = Path(__file__).parent
BUILD = Path(os.environ.get("BUILD", HERE.parents[1] / ".build")).resolve() / "serve-tools"


def is_missing(what):
    """Fails in CI; skips with the reason elsewhere."""
    (pytest.fail if "CI" in os.environ else pytest.skip)(what)


@pytest.fixture(scope="session")
def missing():
    return is_missing


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


@pytest.fixture(scope="session")
def tools():
    """Programs of a virtual environment with the packages of requirements.txt."""
    def make(directory):
        call("python3", "-m", "venv", directory)
        call(directory / "bin/pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "-r",
             HERE / "requirements.txt")

    return made("environment", make) / "bin"


@pytest.fixture(scope="session")
def clients(tools):
    """A function: the directory of unmodified packages from PyPI."""
    def get(name, *packages):
        return made(f"client-{name}", lambda directory: call(
            tools / "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", directory, *packages))

    return get


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


@pytest.fixture(scope="session")
def nginx():
    return unpacked("nginx", "/usr/sbin/nginx")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """algo-run in a home and a directory of its own, for all tests of a module."""
    directory = tmp_path_factory.mktemp("serve")
    (directory / "work").mkdir()
    program = Program(
        Path(os.environ["ALGO_RUN"]).resolve(), directory / "home", directory / "work", f"serve-{uuid.uuid4()}")
    yield program
    left = processes.await_none(program.marker)
    processes.end_all(program.marker)
    program.close()
    assert not left, f"still running after the tests: {left}"
