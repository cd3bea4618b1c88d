# SPDX-License-Identifier: Apache-2.0
"""Fixtures of every scenario: a home of its own, the binary to drive, and proof that nothing is left running.

Scenarios look at algo-run from outside, as a user does. Nothing here knows how it is built or what it is made of.
"""

import os
import uuid
from pathlib import Path

import pytest

from harness import processes
from harness.program import Program


@pytest.fixture
def home(tmp_path):
    """Where algo-run keeps its state in this test; not yet made."""
    return tmp_path / "home"


@pytest.fixture
def program(tmp_path, home):
    """algo-run in a home and a directory of its own. Whatever a test starts through it must be gone when it ends."""
    directory = tmp_path / "work"
    directory.mkdir()
    program = Program(Path(os.environ["ALGO_RUN"]).resolve(), home, directory, f"scenario-{uuid.uuid4()}")
    yield program
    left = processes.await_none(program.marker)
    processes.end_all(program.marker)
    program.close()
    assert not left, f"still running after the test: {left}"


@pytest.fixture
def published(program):
    """The reference of a version with Insights on, whose command is to be given after `--`."""
    program.run("publish", "asli/credit_card_approval", "--insights", "--", "true", status=0)
    return "asli/credit_card_approval/1.0.0"
