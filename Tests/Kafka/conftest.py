# SPDX-License-Identifier: Apache-2.0
"""Scenarios against genuine Apache Kafka: the built binary, a real broker, and what is on the topic afterwards.

KAFKA_HOME is a directory with a `kafka` script that starts brokers (releases 3.9 and 4.3). Without it release 4.3 comes
from Maven Central, and one line names how many tests are not run with 3.9. A broker serves all tests of a run that do not
harm it.

LIBRDKAFKA, a directory, has the program load the librdkafka in it instead of the system's: everything is tested with
every release of the library that is supported.
"""

import os
import uuid
from pathlib import Path

import pytest

from harness import processes
from harness.broker import KAFKA_HOME, NEWEST, OLDEST, RELEASES, Kafka
from harness.fault_proxy import FaultProxy
from harness.members import Members
from harness.program import Program
from harness.request_proxy import RequestProxy
from harness.tools import promtool  # noqa: F401 (a fixture)


def pytest_collection_modifyitems(config, items):
    config.with_every_release = sum("kafka" in item.fixturenames for item in items)


def pytest_terminal_summary(terminalreporter, config):
    if not KAFKA_HOME and hasattr(config, "with_every_release"):
        terminalreporter.write_line(f"not run: {config.with_every_release} tests with Kafka 3.9; they need KAFKA_HOME")


@pytest.fixture(scope="session")
def brokers(tmp_path_factory):
    """Gives the shared broker of a release, started when it is first wanted."""
    running = {}

    def broker(release):
        if release not in running:
            running[release] = Kafka(tmp_path_factory.mktemp("kafka") / release, release)
        return running[release]

    yield broker
    for kafka in running.values():
        kafka.stop()


@pytest.fixture(params=RELEASES)
def kafka(request, brokers):
    """A broker that other tests use as well."""
    return brokers(request.param)


@pytest.fixture
def kafka43(brokers):
    """The shared broker of the newest release, where the release makes no difference."""
    return brokers(NEWEST)


@pytest.fixture(scope="session")
def strict_kafka(tmp_path_factory):
    """A broker that makes no topic by itself and offers no other login than PLAIN; started when it is first wanted."""
    kafka = Kafka(tmp_path_factory.mktemp("strict") / "kafka", OLDEST, "-o", "auto.create.topics.enable=false",
                  "-o", "sasl.enabled.mechanisms=PLAIN")
    yield kafka
    kafka.stop()


@pytest.fixture
def own_kafka(tmp_path_factory):
    """Starts brokers that a test may crash; stopped when it ends."""
    started = []

    def start(release=NEWEST, *options, brokers=1):
        started.append(Kafka(tmp_path_factory.mktemp("own") / "kafka", release, *options, brokers=brokers))
        return started[-1]

    yield start
    for kafka in started:
        kafka.stop()


@pytest.fixture
def proxy():
    """Between a member and its broker: requests can be held, swallowed and slowed down there."""
    proxy = RequestProxy()
    yield proxy
    proxy.holds.clear()
    proxy.close()


@pytest.fixture
def proxied_members(program, own_kafka, proxy):
    """Members that reach their broker through the proxy."""
    kafka = own_kafka(NEWEST, "--advertise", str(proxy.port))
    proxy.target = int(kafka.PLAINTEXT.rpartition(":")[2])
    kafka.PLAINTEXT = f"127.0.0.1:{proxy.port}"
    members = Members(program, kafka)
    yield members
    members.print_logs()


@pytest.fixture(scope="session")
def proxied_broker(tmp_path_factory):
    """A broker that its clients reach through a fault proxy, and the proxy; started when it is first wanted."""
    proxy = FaultProxy()
    kafka = Kafka(tmp_path_factory.mktemp("proxied") / "kafka", NEWEST, "--advertise", str(proxy.port))
    proxy.target = int(kafka.PLAINTEXT.rpartition(":")[2])
    kafka.PLAINTEXT = f"127.0.0.1:{proxy.port}"
    yield kafka, proxy
    proxy.close()
    kafka.stop()


@pytest.fixture
def proxied(proxied_broker):
    """The same, with a proxy that lets everything pass at first."""
    kafka, proxy = proxied_broker
    yield kafka, proxy
    proxy.mode = "pass"


@pytest.fixture
def topic():
    """A topic's name that no other test uses."""
    return f"insights-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def program(tmp_path):
    """algo-run in a home and a directory of its own, with a published version `demo/x` whose Insights are on."""
    directory = tmp_path / "work"
    directory.mkdir()
    program = Program(Path(os.environ["ALGO_RUN"]).resolve(), tmp_path / "home", directory, f"kafka-{uuid.uuid4()}")
    program.run("publish", "demo/x", "--insights", "--", "true", status=0)
    yield program
    program.close()
    left = processes.await_none(program.marker)
    processes.end_all(program.marker)
    assert not left, f"still running after the test: {left}"
