# SPDX-License-Identifier: Apache-2.0
"""`runs --from topic`: what was delivered, read back from the topic itself."""

import json

from harness.connections import connect, plaintext, test as walk


def test_the_topic_is_read_to_its_end_and_each_execution_counts_once(kafka, program, topic):
    connect(program, *plaintext(kafka, topic))
    walk(program, 0)
    metrics = {}
    for number in range(5):
        _, report = program.report("demo/x", "--", "sh", "-c", f"echo '{{\"n\":{number}.50}}' >&3", status=0)
        assert report["delivery"]["state"] == "delivered"
        metrics[report["request_id"]] = report["metrics"]
    outcome = program.run("runs", "--from", "topic", "--json", status=0)
    runs = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert {run["request_id"]: {"n": str(run["metrics"]["n"])} for run in runs} == {
        key: {"n": str(float(value["n"]))} for key, value in metrics.items()}
    # The history knows the same executions, and that their payloads were acknowledged.
    states = [json.loads(line)["delivery"]["state"] for line in program.run("runs", "--json", status=0).stdout.splitlines()]
    assert states == ["delivered"] * 5


def test_a_broker_that_is_down_is_reported_with_its_cause(program, unreachable):
    program.run("connection", "set", "--type", "plaintext", "--brokers", unreachable, "--topic", "t", status=0)
    outcome = program.run("runs", "--from", "topic", status=1)
    assert len(outcome.messages) == 1 and "connection test" in outcome.messages[0]
