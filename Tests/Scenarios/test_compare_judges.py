# SPDX-License-Identifier: Apache-2.0
"""One corpus, five judges: `compare` finds the D and p of scipy, DuckDB, SQLite and Evidently."""

import fcntl
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from harness import samples

REPOSITORY = Path(__file__).resolve().parents[2]
JUDGES = REPOSITORY / "Tests" / "judges"


@pytest.fixture(scope="module")
def judges():
    """The Python that has the other judges, made once below .build."""
    folder = Path(os.environ.get("BUILD", REPOSITORY / ".build")) / "judges"
    requirements = (JUDGES / "requirements.txt").read_text()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "made-from"
        if not made.exists() or made.read_text() != requirements:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            installed = subprocess.run([folder / "bin" / "pip", "install", "-q", "-r", JUDGES / "requirements.txt"],
                                       stderr=subprocess.PIPE, text=True)
            if installed.returncode and "CI" not in os.environ:
                pytest.skip(f"pip cannot install the other judges: {installed.stderr.strip()[-200:]}")
            assert installed.returncode == 0, installed.stderr
            made.write_text(requirements)
    return folder / "bin" / "python"


def corpus(program, count):
    """Two versions of a credit model; one metric is reported late, one is first an integer and then a decimal."""
    chance = random.Random(count)
    paths = []
    for version, mean in (("1.0.6", 0.5), ("1.1.0", 0.53)):
        lines = []
        for index in range(count if version == "1.0.6" else count * 9 // 10):
            metrics = {"risk_score": chance.gauss(mean, 0.2), "approved": int(chance.random() < mean),
                       "rounded": index % 7 if index < count // 2 else round(chance.gauss(3, 2), 1)}
            if index > count // 3:
                metrics["late"] = chance.expovariate(1 / (1 + mean))
            lines.append(samples.payload(index, version, **metrics))
        paths.append(samples.write(program.directory / version, lines))
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("count", [400, 20_000])
def test_five_judges_agree(program, judges, count):
    a, b = corpus(program, count)
    shown = program.run("compare", "--from", a, "--from", b, "--json").stdout
    found = {metric["name"]: metric for metric in json.loads(shown)["metrics"]}
    for name in ("risk_score", "approved", "rounded", "late"):
        answer = subprocess.run([judges, JUDGES / "judges.py", a, b, name], check=True, stdout=subprocess.PIPE).stdout
        others = json.loads(answer.splitlines()[-1])
        ours = found[name]
        for judge in ("scipy", "duckdb", "sqlite"):
            assert ours["d"] == pytest.approx(others[judge]["d"], rel=1e-9), (name, judge)
        exact = ["scipy", "evidently"] if count <= 10_000 else []
        limiting = ["scipy limit", "duckdb", "sqlite"] if count > 10_000 else []
        for judge in exact + limiting:
            assert ours["ks_p"] == pytest.approx(others[judge]["p"], rel=1e-6, abs=1e-12), (name, judge)
