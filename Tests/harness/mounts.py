# SPDX-License-Identifier: Apache-2.0
"""algo-run in mounts of its own, where file systems can be full and names mean something else."""

import os
import subprocess

import pytest

from harness import processes


def mounted(program, script, size=None):
    """Runs a shell script in mounts of its own, in which HERE is a fresh file system of that size."""
    here = program.directory / "mounted"
    here.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o size={size},mode=0700 tmpfs "$HERE" && ' if size else ""
    # In a chroot the root is not a mount point, and there is nothing whose propagation could be changed.
    own = ["unshare", "-m"]
    ways = [own, [*own, "--propagation", "unchanged"]] if os.getuid() == 0 else [["unshare", "-rm"]]
    tried = [*ways[0], "true"]
    unshare = ways[0] if subprocess.run(tried, check=False, capture_output=True).returncode == 0 else ways[-1]
    tried = [*unshare, "mount", "-t", "tmpfs", "tmpfs", here]
    if subprocess.run(tried, check=False, capture_output=True).returncode:
        pytest.skip("needs mounts of its own (unshare -m), which this machine does not allow")
    finished = subprocess.run(
        [*unshare, "sh", "-c", mount + script], cwd=program.directory, timeout=processes.LIMIT, check=False,
        env=program.environment(HERE=str(here), A=str(program.binary), ALGO_RUN_HOME=str(here)),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return finished.returncode, finished.stdout.decode(), finished.stderr.decode().splitlines()
