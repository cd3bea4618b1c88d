# SPDX-License-Identifier: Apache-2.0
"""Worker programs for tests, and the supervisor of harness.worker_host around them."""

import os
import subprocess
import sys
from pathlib import Path

from harness.worker_host import WorkerHost

HERE = Path(__file__).parent.parent


def host(source, env=None, **options):
    """A worker whose program is this text after `import algo_run`; it defines `apply` and need not call serve."""
    return WorkerHost([sys.executable, "-c", program(source)], env=environment(env), **options)


def environment(changes):
    # Unbuffered output would hide that it has to be flushed before an answer.
    return {"PYTHONPATH": str(HERE), "PYTHONUNBUFFERED": "", **(changes or {})}


def program(source):
    source = "import algo_run, os, sys, threading, time\n" + source
    return source if "serve(" in source else source + "\nalgo_run.serve(apply)"


def cold(source, input=b"", env=None, status=0):
    """The same program without a supervisor."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ALGO_")}
    variables.update(environment(env))
    ended = subprocess.run(
        [sys.executable, "-c", program(source)], input=input, env=variables, capture_output=True, timeout=60
    )
    assert ended.returncode == status, ended
    return ended
