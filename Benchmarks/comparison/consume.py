# SPDX-License-Identifier: Apache-2.0
"""Requests from a Kafka topic, beside the bare loops in C and in Python on the same broker."""

import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def run(table, work, broker):
    title = "Requests from Kafka: a result and a payload each, echo by Python workers"
    if not broker:
        table.section(title)
        return table.not_measured("consume", "set KAFKA_HOME")
    # confluent-kafka is in the environment of the tests.
    measure = subprocess.Popen(
        [REPOSITORY / "scripts" / "python", REPOSITORY / "Benchmarks" / "consume" / "measure.py", broker.bootstrap, work],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    for line in measure.stdout:
        kind, *fields = line.rstrip("\n").split("\t")
        getattr(table, kind)(*fields)
    if measure.wait() != 0:
        table.not_measured("consume", "its measurement failed, see above")
