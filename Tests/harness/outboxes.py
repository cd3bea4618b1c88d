# SPDX-License-Identifier: Apache-2.0
"""A home whose payloads wait in the outbox, because its broker does not answer."""

import json
import socket

import pytest


@pytest.fixture
def unreachable():
    """A port of this machine that refuses connections as long as the test lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def connect(program, brokers, *options):
    """Sets a connection to a broker that is not there."""
    program.run("connection", "set", "--type", "plaintext", "--topic", "insights", "--brokers", brokers, *options,
                status=0)


def listed(program):
    """The entry of each payload in `outbox list`, by its number."""
    return {record["id"]: record for record in json.loads(program.run("outbox", "list", "--json", status=0).stdout)}
