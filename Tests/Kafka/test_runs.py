# SPDX-License-Identifier: Apache-2.0
"""`runs` and `compare --from topic`: what was delivered, read back from the topic itself."""

import json
import subprocess

import pytest

from harness.connections import connect, plaintext, test as walk
from harness.program import PYTHON


def test_the_topic_is_read_to_its_end_and_each_execution_counts_once(kafka, program, topic):
    connect(program, *plaintext(kafka, topic))
    walk(program, 0)
    metrics = {}
    for number in range(5):
        _, report = program.report("demo/x", "--", "sh", "-c", f"echo '{{\"n\":{number}.50}}' >&3", status=0)
        assert report["delivery"]["state"] == "delivered"
        metrics[report["request_id"]] = report["metrics"]
    outcome = program.run("runs", "--from", "topic", "--json", status=0)
    assert outcome.messages == []
    runs = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert {run["request_id"]: {"n": str(run["metrics"]["n"])} for run in runs} == {
        key: {"n": str(float(value["n"]))} for key, value in metrics.items()}
    # The history knows the same executions, and that their payloads were acknowledged.
    states = [json.loads(line)["delivery"]["state"] for line in program.run("runs", "--json", status=0).stdout.splitlines()]
    assert states == ["delivered"] * 5


REPORT = "import os, sys; os.write(3, b'{\"score\":%f}' % (int(sys.stdin.read()) * float(sys.argv[1])))"


def test_versions_are_compared_by_what_is_in_the_topic_and_a_payload_that_is_there_twice_counts_once(
    kafka, program, topic):
    connect(program, *plaintext(kafka, topic))
    walk(program, 0)
    inputs = program.directory / "inputs.ndjson"
    inputs.write_text("".join(f"{number}\n" for number in range(40)))
    for factor in ("1", "3"):
        program.run("publish", "demo/score", "--insights", "--", PYTHON, "-c", REPORT, factor, status=0)
        program.run("batch", "demo/score", inputs, "--output", program.directory / factor, "--no-history", status=0)
    again = [value for _, _, value in kafka.records(topic) if "score" in value][:10]
    subprocess.run(["kcat", "-P", "-b", kafka.PLAINTEXT, "-t", topic], input="\n".join(again), text=True, check=True)
    outcome = program.run("compare", "--from", "topic", "demo/score/1.0.0", "demo/score", "--json", status=1)
    found = json.loads(outcome.stdout)
    assert outcome.messages == []
    assert found["a"] == {"source": "demo/score/1.0.0", "version": "1.0.0", "executions": 40}
    assert found["b"] == {"source": "demo/score", "version": "1.0.1", "executions": 40}
    assert [metric["verdict"] for metric in found["metrics"]] == ["drift"]


@pytest.mark.parametrize("command, status", [(["runs"], 1), (["compare", "a/b/1.0.0", "a/b"], 125)])
def test_a_topic_that_cannot_be_read_is_reported_with_its_cause(program, unreachable, command, status):
    without = program.run(*command, "--from", "topic", status=status)
    assert len(without.messages) == 1 and "connection set" in without.messages[0]
    program.run("connection", "set", "--type", "plaintext", "--brokers", unreachable, "--topic", "t", status=0)
    outcome = program.run(*command, "--from", "topic", status=status)
    assert len(outcome.messages) == 1 and "connection test" in outcome.messages[0]
