# SPDX-License-Identifier: Apache-2.0
"""The broker, the corpus and the table of results. `integrations/run` starts the broker for all; else it is started here."""

import json
import os
import re
import sys
import uuid
from pathlib import Path

import pytest

import corpus as corpora
from contract import Contract
from corpus import create
from environments import WORK
from harness import ports
from harness.broker import NEWEST, Kafka
from servers import REPOSITORY, Server, fetch

ALGO_RUN = str(Path(os.environ.get("ALGO_RUN", REPOSITORY / ".build/release/algo-run")).resolve())
#: Where `integrations/run` has put what all tests share.
SHARED = os.environ.get("INTEGRATIONS_SHARED")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """A broker: its addresses, users and authority are attributes, as the script prints them."""
    if SHARED:
        yield type("Shared", (), json.loads((Path(SHARED) / "kafka.json").read_text()))
        return
    broker = Kafka(tmp_path_factory.mktemp("kafka") / "kafka", NEWEST)
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The home of the algo-run that made the corpus, with its history and its batch results."""
    return Path(SHARED) / "home" if SHARED else tmp_path_factory.mktemp("corpus") / "home"


@pytest.fixture(scope="session")
def corpus(kafka, home):
    if SHARED:
        return corpora.Corpus.load(Path(SHARED) / "corpus.json")
    return corpora.make(ALGO_RUN, home, kafka.PLAINTEXT, f"source-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def topic(kafka):
    name = f"insights-{uuid.uuid4().hex[:8]}"
    create(kafka.PLAINTEXT, name)
    return name


@pytest.fixture(scope="session")
def algo_run():
    return ALGO_RUN


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    """Starts `algo-run-insights` with these words; gives the server. `figures` is where its own metrics are."""
    started = []

    def start(target, *words, listen="--metrics", env={}):
        port = ports.reserve(1)
        command = [sys.executable, "-m", "algo_run_insights", target, listen, f"127.0.0.1:{port}", *map(str, words)]
        server = Server("algo-run-insights", command, tmp_path_factory.mktemp("bridge"), env={**os.environ, **env})
        started.append(server)
        server.figures = f"http://127.0.0.1:{port}/metrics"
        return server.await_ready(lambda: fetch(server.figures)[0] == 200)

    yield start
    for server in started:
        assert server.stop() == 0, server.text()


@pytest.fixture(scope="session")
def consumer_options(kafka):
    """Options of a bridge: by plaintext, or by SCRAM over TLS."""

    def options(topic, login=True):
        if not login:
            return ["--brokers", kafka.PLAINTEXT, "--topic", topic, "--group", topic]
        return ["--brokers", kafka.SASL_SSL, "--topic", topic, "--group", topic, "--mechanism", "SCRAM-SHA-512", "--username", kafka.USER,
                "--password-env", "KAFKA_PASSWORD", "--ca", kafka.CA]

    return options


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    clause = re.match(r"test_(\d)_", item.name)
    if not clause or not item.cls or not issubclass(item.cls, Contract):
        return
    verdict = {"failed": "FAILED", "passed": "holds"}.get(report.outcome)
    if report.skipped:
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        verdict = getattr(report, "wasxfail", f"skipped: {reason}").removeprefix("reason: ")
    if report.when == "call" or report.failed or report.skipped:
        WORK.mkdir(parents=True, exist_ok=True)
        with open(WORK / "results.ndjson", "a") as results:
            results.write(json.dumps({"tool": item.cls.tool, "clause": clause[1], "verdict": verdict}) + "\n")
