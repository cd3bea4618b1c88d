# SPDX-License-Identifier: Apache-2.0
"""The options of `connection set` for each way into the test brokers."""

import json
import re

# Long enough for a loaded machine; shorter waits are stated where they are.
PATIENT = ["--delivery-wait", "30s"]


def plaintext(kafka, topic):
    return ["--type", "plaintext", "--brokers", kafka.PLAINTEXT, "--topic", topic, *PATIENT]


def sasl(kafka, topic, mechanism="PLAIN", brokers=None, user=None, ca=None):
    return ["--type", "sasl_ssl", "--brokers", brokers or kafka.SASL_SSL, "--topic", topic, "--mechanism", mechanism,
            "--username", user or kafka.USER, "--password-env", "KAFKA_PASSWORD", "--ca", ca or kafka.CA, *PATIENT]


def connect(program, *options, **env):
    return program.run("connection", "set", *options, status=0, env=env)


def test(program, status, **env):
    """Runs `connection test` and gives its steps by name."""
    outcome = program.run("connection", "test", "--json", status=status, env=env)
    return {step["stage"]: step for step in json.loads(outcome.stdout)}


def library_version(program, **env):
    """The version of librdkafka that the program loads, as a tuple."""
    steps = test(program, None, **env)
    found = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", steps["settings"]["detail"])
    assert found, steps["settings"]
    return tuple(map(int, found.groups()))
