# SPDX-License-Identifier: Apache-2.0
"""The program under test. ALGO_RUN names it; the release build is the default."""

import os
import random
from pathlib import Path

import pytest

from harness.console import browser  # noqa: F401 (a fixture of every test)
from harness.outboxes import unreachable  # noqa: F401 (a fixture of every test)

RELEASE_BUILD = Path(__file__).resolve().parent.parent / ".build" / "release" / "algo-run"


def pytest_addoption(parser):
    group = parser.getgroup("algo-run")
    group.addoption("--kills", type=int, default=50, help="how often a test kills at random (50)")
    group.addoption("--requests", type=int, default=30_000, help="requests of a long batch (30,000)")
    group.addoption("--seed", default="1", help="of random choices: a number, or `random` (1)")


def pytest_configure(config):
    binary = os.environ.setdefault("ALGO_RUN", str(RELEASE_BUILD))
    if not os.access(binary, os.X_OK) or os.path.isdir(binary):
        pytest.exit(f"{binary} is not a program; run `make release`, or set ALGO_RUN to the program to test", 2)


def pytest_collection_modifyitems(items):
    for item in items:
        if os.getuid() != 0 and item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="only root can run it"))
    # The longest tests begin first, so that no worker is left alone with it at the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def chance(request):
    """Random choices that are the same in each run, unless --seed is given."""
    seed = request.config.getoption("seed")
    if seed == "random":
        seed = random.SystemRandom().randrange(1 << 30)
    # Shown if the test fails.
    print(f"--seed {seed}")
    return random.Random(int(seed))
