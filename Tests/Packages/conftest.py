# SPDX-License-Identifier: Apache-2.0
"""The packages of the program that ALGO_RUN names, built once for all tests, and the systems that they are tried in.

DIST names a folder of packages that exist already; scripts/release-check uses it.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.packages import build
from harness.roots import REPOSITORY, Root, base


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """The folder of the packages; workers of one run share it."""
    if "DIST" in os.environ:
        return Path(os.environ["DIST"]).resolve()
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with open(shared / "dist.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "dist/SHA256SUMS").exists():
            build(REPOSITORY, shared / "dist")
    return shared / "dist"


@pytest.fixture
def one(dist):
    """The package whose name matches a pattern."""

    def find(pattern):
        [path] = dist.glob(pattern)
        return path
    return find


@pytest.fixture
def root(request, tmp_path):
    """A fresh copy of a Debian root: that of the test's parameter, else the oldest system that is supported."""
    if os.getuid() != 0:
        pytest.skip("only root can make a root")
    if not shutil.which("debootstrap"):
        (pytest.fail if "CI" in os.environ else pytest.skip)("debootstrap is not installed")
    copy = fresh(base(getattr(request, "param", "bookworm")), tmp_path)
    yield Root(copy)
    if os.path.ismount(copy):
        subprocess.run(["umount", "--lazy", copy], check=True)
    shutil.rmtree(tmp_path, ignore_errors=True)


def fresh(base, folder):
    """The base with a layer of its own above it, or a copy where layers cannot be mounted."""
    layers = [folder / name for name in ("root", "changes", "work")]
    for layer in layers:
        layer.mkdir()
    options = f"lowerdir={base},upperdir={layers[1]},workdir={layers[2]}"
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, layers[0]], stderr=subprocess.DEVNULL).returncode:
        subprocess.run(["cp", "-a", f"{base}/.", layers[0]], check=True)
    return layers[0]
