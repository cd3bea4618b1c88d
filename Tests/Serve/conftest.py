# SPDX-License-Identifier: Apache-2.0
"""Tools that check a server from outside, each made once below .build; a server for each test, or for a module."""

import os
import uuid
from pathlib import Path

import pytest

from harness import processes
from harness.program import Program
from harness.tools import call, is_missing, made, promtool, unpacked  # noqa: F401 (promtool is a fixture)

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def missing():
    return is_missing


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
