# SPDX-License-Identifier: Apache-2.0
"""Algorithms written for the original service run unchanged, also where its packages are installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.batches import parse
from harness.worker_host import WorkerHost

BINDING = Path(__file__).resolve().parents[2] / "Bindings" / "Python"
# The last releases of the original's packages.
ORIGINALS = ("algorithmia==2.0.5", "algorithmia-adk==1.2.4", "algorithmia-api-client==1.5.1")
CATS = """
import Algorithmia
from Algorithmia.errors import AlgorithmException
from adk import ADK

client = Algorithmia.client()

def load():
    globals = {}
    globals["limit"] = 20
    return globals

def apply(input, globals):
    client.report_insights({"cats_detected": input["cats"], "confidence": "0.950"})
    if input["cats"] > globals["limit"]:
        raise AlgorithmException("too many cats", error_type="TooManyCats")
    client.report_insights({"limit": globals["limit"]})
    return {"cats": input["cats"], "client": Algorithmia.__name__}

algorithm = ADK(apply, load)
algorithm.init({"cats": 1})
"""


@pytest.fixture
def cats(program):
    """The file of an algorithm, as the original's documentation showed them."""
    path = program.directory / "src" / "cats.py"
    path.parent.mkdir()
    path.write_text(CATS)
    return path


@pytest.fixture
def originals(tmp_path):
    """A Python with the original's packages and this binding."""
    environment = tmp_path / "originals"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *ORIGINALS], check=True)
    return environment / "bin" / "python"


def test_an_original_algorithm_runs_cold_and_its_insights_are_metrics(program, cats):
    environment = {"PYTHONPATH": str(BINDING)}
    command = [sys.executable, "-m", "algo_run.adk", cats]
    outcome, report = program.report("--", *command, input=b'{"cats": 3}', env=environment)
    assert (outcome.status, outcome.stdout) == (0, b'{"cats":3,"client":"Algorithmia"}')
    assert [(name, number.text) for name, number in report["metrics"].items()] == [
        ("cats_detected", "3"), ("confidence", "0.950"), ("limit", "20")]
    outcome, report = program.report("--", *command, input=b'{"cats": 30}', env=environment)
    assert outcome.status == 1 and outcome.stderr.endswith(b"AlgorithmException: too many cats\n")
    assert [*report["metrics"]] == ["cats_detected", "confidence"]


@pytest.mark.parametrize("options", [(), ("--isolate",)], ids=["warm", "isolated"])
def test_an_original_algorithm_runs_as_a_worker_with_its_insights_and_error_types(program, cats, options):
    program.run("publish", "alice/cats", "--insights", "--worker", "--env", f"PYTHONPATH={BINDING}", "--",
                sys.executable, "-m", "algo_run.adk", cats, status=0)
    requests = b"".join(b'{"cats": %d}\n' % number for number in range(18, 23))
    outcome = program.run("batch", "alice/cats", "-", *options, "--jobs", "2", input=requests, status=1)
    results = sorted(parse(outcome.stdout), key=lambda result: result["index"])
    for number, result in enumerate(results, 18):
        if number <= 20:
            assert result["result"] == {"cats": number, "client": "Algorithmia"}
            assert result["metrics"] == {"cats_detected": number, "confidence": 0.95, "limit": 20}
        else:
            assert (result["outcome"], result["cause"]) == ("failed", "exception")
            assert result["error"] == {"type": "TooManyCats", "message": "too many cats"}
            assert result["metrics"] == {"cats_detected": number, "confidence": 0.95}
    assert len(program.insights()) == 5 and all(b'"confidence":0.950' in payload for payload in program.insights())


@pytest.mark.slow
def test_this_binding_answers_where_the_original_packages_are_installed(program, cats, originals):
    look = "import adk, Algorithmia; print(adk.__file__, Algorithmia.__file__)"
    found = subprocess.run([originals, "-c", look], stdout=subprocess.PIPE, text=True, check=True, cwd=program.directory)
    assert found.stdout.count("site-packages") == 2
    environment = {"PYTHONPATH": str(BINDING)}
    command = [str(originals), "-m", "algo_run.adk", str(cats)]
    outcome, report = program.report("--", *command, input=b'{"cats": 3}', env=environment)
    assert (outcome.status, outcome.stdout) == (0, b'{"cats":3,"client":"Algorithmia"}')
    assert report["metrics"]["confidence"].text == "0.950"
    with WorkerHost(command, env=environment) as worker:
        worker.ready()
        for number in range(1, 4):
            answer = worker.run(b'{"cats": %d}' % number)
            assert answer.metrics == b'{"cats_detected":%d,"confidence":0.950}\n{"limit":20}\n' % number
        assert worker.run(b'{"cats": 30}').keys == {"type": "TooManyCats"}
