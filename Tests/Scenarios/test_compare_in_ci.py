# SPDX-License-Identifier: Apache-2.0
"""The workflow step of docs/compare.md, run as a workflow runs it."""

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from harness import samples

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text()
MODEL = """
import os, sys
size = float(sys.stdin.read())
os.write(3, b'{"price":%f}' % (size * FACTOR))
"""


@pytest.fixture
def step():
    """The script of the step."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    head, script = block.split("run: |\n")
    assert "- name:" in head
    return textwrap.dedent(script)


@pytest.mark.parametrize("factor, status, verdict", [("1", 0, "| same |"), ("1.5", 1, "| **drift** |")])
def test_the_step_passes_an_equal_version_and_fails_a_different_one(program, step, factor, status, verdict):
    folder, model = program.directory, program.directory / "model.py"
    samples.write(folder / "inputs.ndjson", map(str, range(100)))
    model.write_text(MODEL.replace("FACTOR", "1"))
    program.run("publish", "released/model", "--", "python3", "model.py", status=0)
    program.run("batch", "released/model", "inputs.ndjson", "--output", "released.ndjson", status=0)
    model.write_text(MODEL.replace("FACTOR", factor))
    summary = folder / "summary.md"
    path = f"{Path(program.binary).parent}:{program.environment()['PATH']}"
    # How a runner starts the script of a step.
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step], cwd=folder,
        env=program.environment(PATH=path, GITHUB_STEP_SUMMARY=str(summary)), capture_output=True, text=True)
    assert ended.returncode == status, ended.stderr
    assert verdict in summary.read_text() and "100 pairs" in summary.read_text()
