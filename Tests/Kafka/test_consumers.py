# SPDX-License-Identifier: Apache-2.0
"""The configurations that the monitoring team is given, run as they are against real payloads."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from harness import processes
from harness.broker import SCRIPT
from harness.connections import connect, plaintext, test as walk
from harness.program import read_json

pytestmark = pytest.mark.any_library
REPOSITORY = Path(__file__).resolve().parent.parent.parent
GUIDE = (REPOSITORY / "docs" / "consume.md").read_text()


def publish_three(kafka, program, topic):
    """Three payloads and the record of a connection test on the topic; gives the payloads by key."""
    connect(program, *plaintext(kafka, topic))
    walk(program, 0)
    payloads = {}
    for number in range(3):
        _, report = program.report("demo/x", "--", "sh", "-c", f"echo '{{\"n\": {number}}}' >&3", status=0)
        payloads[report["request_id"]] = report["payload"]
    return payloads


def commands(kafka, topic):
    """The kcat commands of the guide, with this broker and topic in them."""
    found = re.findall(r"^(kcat -C .*)$", GUIDE, re.MULTILINE)
    assert len(found) == 2, "the guide has other commands now"
    return [
        [word.replace("localhost:9092", kafka.PLAINTEXT).replace("insights", topic) if not word.startswith("key ") else word
         for word in shlex.split(command)] for command in found]


def test_kcat_as_the_guide_has_it(kafka, program, topic):
    payloads = publish_three(kafka, program, topic)
    everything, values = commands(kafka, topic)
    lines = subprocess.run(values, capture_output=True, text=True, timeout=300, check=True).stdout.splitlines()
    read = [read_json(line) for line in lines]
    assert {value["request_id"]: value for value in read if "connection_test" not in value} == payloads
    # The first command waits for more: with -e it ends where the topic does.
    text = subprocess.run([*everything, "-e", "-q"], capture_output=True, text=True, timeout=300, check=True).stdout
    for key in payloads:
        assert f"key {key}\nheaders ce_specversion=1.0,ce_id={key},ce_source=/demo/x/1.0.0," in text


def test_kafka_connect_as_it_comes(kafka, program, topic, tmp_path):
    payloads, lines = connect_three(kafka, program, topic, tmp_path, lambda sink: sink)
    assert {value["request_id"]: value for value in map(read_json, lines)} == payloads


def test_kafka_connect_with_its_json_converter(kafka43, program, topic, tmp_path):
    without = lambda sink: re.sub(r"^value\.converter=.*$", "", sink, flags=re.MULTILINE)
    payloads, lines = connect_three(kafka43, program, topic, tmp_path, without)
    for line in lines:
        # The file connector writes Connect's own form of an object: {name=value, …}.
        payload = payloads.pop(re.search(r"request_id=(req-[0-9a-f-]+)", line)[1])
        assert f"n={payload['n']}" in line and f"algorithm_name={payload['algorithm_name']}" in line
    assert not payloads


def test_payloads_that_an_earlier_algo_run_left_in_the_fallback_file_are_delivered(kafka43, program, topic):
    program.run("publish", "demo/x", "--insights", "--", "true", status=0)
    program.run("connection", "set", "--type", "plaintext", "--brokers", kafka43.PLAINTEXT, "--topic", topic, status=0)
    payload = b'{"request_id":"req-1","timestamp":"2021-02-20T00:21:54.867231Z","algorithm_owner":"demo",' \
              b'"algorithm_name":"x","algorithm_version":"1.0.0","n":0.10}'
    lines = payload + b"\n" + payload.replace(b"req-1", b"req-2") + b"\n"
    (program.home / "insights-fallback.ndjson").write_bytes(lines)
    program.run("outbox", "deliver", status=0)
    records = kafka43.records(topic)
    assert [key for key, _, _ in records] == ["req-1", "req-2"]
    assert records[0][2].encode() == payload
    assert records[0][1]["ce_type"] == "algo-run.insights.v1"


def connect_three(kafka, program, topic, tmp_path, change):
    """Runs the shipped worker with the shipped sink, changed; gives three payloads and the three lines it wrote."""
    payloads = publish_three(kafka, program, topic)
    output = tmp_path / "insights.txt"
    changes = {
        "bootstrap.servers": kafka.PLAINTEXT, "offset.storage.file.filename": str(tmp_path / "offsets"),
        "topics": topic, "file": str(output), "listeners": "http://127.0.0.1:0",
    }
    files = []
    for name in ("worker.properties", "insights-file-sink.properties"):
        text = (REPOSITORY / "integrations" / "kafka-connect" / name).read_text()
        for key, value in changes.items():
            text = re.sub(rf"^{re.escape(key)}=.*$", f"{key}={value}", text, flags=re.MULTILINE)
        if name == "worker.properties":
            # Only for this test: no fixed port, and offsets immediately.
            text += f"\nlisteners={changes['listeners']}\noffset.flush.interval.ms=500\n"
            text += "consumer.auto.offset.reset=earliest\n"
        else:
            text = change(text)
        files.append(tmp_path / name)
        files[-1].write_text(text)
    log = open(tmp_path / "connect.log", "wb")
    worker = subprocess.Popen(
        [str(SCRIPT), "connect", "--release", kafka.release, *map(str, files)],
        stdout=log, stderr=log, start_new_session=True)
    try:
        processes.await_until(
            lambda: output.exists() and output.read_text().count("\n") >= 3 or worker.poll() is not None,
            "three lines of the sink", limit=300)
        lines = output.read_text().splitlines() if output.exists() else []
        assert len(lines) == 3, (tmp_path / "connect.log").read_text()[-3000:]
        return payloads, lines
    finally:
        os.killpg(worker.pid, 9)
        worker.wait()
        log.close()
