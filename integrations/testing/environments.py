# SPDX-License-Identifier: Apache-2.0
"""Virtual environments for tools whose packages do not go together with those of the tests."""

import functools
import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("BUILD", Path(__file__).resolve().parents[2] / ".build"))
WORK = BUILD / "integrations"
#: Whether the packages are there, without the seconds that importing them takes.
LOOK = "import sys, importlib.util; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))"


@functools.lru_cache
def environment(name, *packages):
    """The Python of a virtual environment that `integrations/run` makes; skips where it cannot be made."""
    python = (BUILD / "judges" if name == "evidently" else WORK / name) / "bin" / "python"
    if python.exists() and subprocess.run([python, "-c", LOOK, *packages]).returncode == 0:
        return str(python)
    missing = f"pip could not install {' '.join(packages)}"
    pytest.fail(missing) if "CI" in os.environ else pytest.skip(missing)
