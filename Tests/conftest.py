"""What every test of the built program needs: the program. ALGO_RUN names it; the release build is the default."""

import os
from pathlib import Path

import pytest

RELEASE_BUILD = Path(__file__).resolve().parent.parent / ".build" / "release" / "algo-run"


def pytest_configure(config):
    binary = os.environ.setdefault("ALGO_RUN", str(RELEASE_BUILD))
    if not os.access(binary, os.X_OK) or os.path.isdir(binary):
        pytest.exit(f"{binary} is not a program; run `make release`, or set ALGO_RUN to the program to test", 2)
