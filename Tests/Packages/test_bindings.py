# SPDX-License-Identifier: Apache-2.0
"""The R source package and the jar, as a user of those languages takes them."""

import json
import os
import shutil
import subprocess

import pytest


def need(tool):
    if not shutil.which(tool):
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"{tool} is not installed")


@pytest.fixture
def metrics(tmp_path):
    """The metrics of a program under `algo-run exec`."""

    def run(*command, **environment):
        report = tmp_path / "r.json"
        subprocess.run([os.environ["ALGO_RUN"], "exec", "--report", report, "--", *command], check=True,
                       env={**os.environ, "ALGO_RUN_HOME": str(tmp_path / "home"), **environment})
        return json.loads(report.read_text())["metrics"]
    return run


def test_the_r_package_is_installed_reports_and_is_removed(one, metrics, tmp_path):
    need("R")
    library = tmp_path / "library"
    library.mkdir()
    install = ["R", "CMD", "INSTALL", "--no-test-load", f"--library={library}", one("algorun_*.tar.gz")]
    # The second is an upgrade.
    for _ in range(2):
        subprocess.run(install, check=True, capture_output=True)
    code = "library(algorun); report(cats = 24L); cat(as.character(packageVersion('algorun')))"
    assert metrics("Rscript", "-e", code, R_LIBS=str(library)) == {"cats": 24}
    subprocess.run(["R", "CMD", "REMOVE", f"--library={library}", "algorun"], check=True, capture_output=True)
    assert list(library.iterdir()) == []


def test_the_jar_reports_from_the_class_path(one, metrics, tmp_path):
    need("java")
    source = tmp_path / "Algo.java"
    source.write_text("""
        public class Algo {
            public static void main(String[] arguments) { io.github.algorun.AlgoRun.report("cats", 24); }
        }""")
    assert metrics("java", "-cp", one("algo-run-*.jar"), source) == {"cats": 24}
    described = subprocess.run(["jar", "--describe-module", "--file", one("algo-run-*.jar")], capture_output=True, text=True)
    assert described.stdout.startswith("No module descriptor found. Derived automatic module.\n\nio.github.algorun")
