# SPDX-License-Identifier: Apache-2.0
"""Workers in R, Java and Swift through algo-run: one request of `exec`, many of `batch`, with the tests' own workers."""

import json
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def r_worker(tmp_path_factory):
    library = tmp_path_factory.mktemp("r")
    subprocess.run(["R", "CMD", "INSTALL", "--no-docs", f"--library={library}", REPOSITORY / "Bindings/R"],
                   check=True, capture_output=True)
    return ["env", f"R_LIBS={library}", "Rscript", "--vanilla", REPOSITORY / "Bindings/R/tests/support/probe.R", "serve"]


@pytest.fixture(scope="module")
def java_worker(tmp_path_factory):
    classes = tmp_path_factory.mktemp("java")
    sources = (REPOSITORY / "Bindings/Java/src").rglob("*.java")
    subprocess.run(["javac", "--release", "11", "-d", classes, *sources], check=True, capture_output=True)
    return ["java", "-cp", classes, "io.github.algorun.Probe", "serve"]


PACKAGE = """// swift-tools-version: 6.3
import PackageDescription
let package = Package(
  name: "swift-worker",
  targets: [.target(name: "AlgoMetrics"), .executableTarget(name: "swift-worker", dependencies: ["AlgoMetrics"])])
"""


@pytest.fixture(scope="module")
def swift_worker(tmp_path_factory):
    # A package of its own: the repository's may be building at the same time, with other flags.
    package = tmp_path_factory.mktemp("swift")
    (package / "Sources").mkdir()
    (package / "Sources/AlgoMetrics").symlink_to(REPOSITORY / "Sources/AlgoMetrics")
    (package / "Sources/swift-worker").symlink_to(REPOSITORY / "Tests/SwiftWorker")
    (package / "Package.swift").write_text(PACKAGE)
    subprocess.run(["swift", "build", "--package-path", package], check=True, capture_output=True)
    return [package / ".build/debug/swift-worker"]


@pytest.fixture(params=["r", "java", "swift"])
def version(request, program):
    """A published version of each language's worker."""
    worker = request.getfixturevalue(f"{request.param}_worker")
    program.run("publish", "demo/letters", "--worker", "--insights", "--", *worker, status=0)
    return "demo/letters"


def test_one_request_has_its_result_and_its_metrics(program, version):
    outcome, report = program.report(version, input="café".encode(), status=0)
    assert outcome.stdout == "<café>".encode()
    assert (report["outcome"], report["cause"], report["error"]) == ("succeeded", None, None)
    assert {name: value.text for name, value in report["metrics"].items()} == {"letters": "4"}


def test_what_apply_raises_is_in_the_record(program, version):
    outcome, report = program.report(version, input=b"fail", status=1)
    assert outcome.stdout == b""
    assert (report["outcome"], report["cause"]) == ("failed", "exception")
    assert report["error"]["message"] == "no cats at all" and report["error"]["type"]


def credited(program, version, word, count):
    """The metrics of each request of a batch that asks for `word`, and its summary."""
    requests, results = program.directory / "requests.ndjson", program.directory / "results.ndjson"
    summary = program.directory / "summary.json"
    requests.write_text("".join(f"{word} {number}\n" for number in range(1, count + 1)))
    program.run("batch", version, requests, "--jobs", "4", "--keep-order", "--output", results, "--summary", summary,
                status=0, limit=3600)
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(lines) == count == len(program.insights())
    return [line["metrics"] for line in lines], json.loads(summary.read_text())


@pytest.mark.soak
def test_no_late_report_of_a_batch_is_credited_to_another_request(program, version, request):
    """Of each request a thread and a child report while the worker's next one runs. `make soak` has 10,000 of them."""
    count = 10_000 if request.config.getoption("requests") >= 1_000_000 else 60
    metrics, summary = credited(program, version, "isolated", count)
    for number, reported in enumerate(metrics, 1):
        assert reported and set(reported.values()) == {number}, reported
        assert not any(name.startswith("late") for name in reported), reported
    assert summary["late_metrics"] > 0


def test_the_same_experiment_finds_wrong_credit_with_one_channel_for_all_requests(program, version):
    metrics, _ = credited(program, version, "shared", 60)
    assert any(set(reported.values()) != {number} for number, reported in enumerate(metrics, 1)), metrics
