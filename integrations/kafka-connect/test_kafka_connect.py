# SPDX-License-Identifier: Apache-2.0
"""Kafka Connect 4.3: plain payloads become typed records by `schema.content`, seen through the file sink."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from contract import Contract, Row, Store
from corpus import read
from harness.broker import NEWEST, SCRIPT
from servers import Server

HERE = Path(__file__).resolve().parent
#: Any text is a timestamp for the file sink, and what the schema lacks is dropped. A typed store refuses the first.
LET_THROUGH = {"req-time", "req-text"}


def schema(algo_run, home):
    """That of both algorithms, as algo-run prints it from their history, and the outcome of the extended format."""
    fields = {}
    for algorithm in ("demo/credit", "demo/odd"):
        shown = subprocess.run([algo_run, "runs", "schema", algorithm, "--for", "connect", "--home", home],
                               stdout=subprocess.PIPE, check=True).stdout
        for field in json.loads(shown)["fields"]:
            if field["field"] == "nul":
                # SQLite ends a name at U+0000; such a field is written by hand.
                field["field"] = "nul\0x"
            fields.setdefault(field["field"], field)
    fields["outcome"] = {"field": "outcome", "type": "string", "optional": True}
    return {"type": "struct", "fields": list(fields.values())}


class Connect(Store):
    """A standalone worker with the typed connector."""

    def __init__(self, directory, bootstrap, topic, corpus, schema):
        super().__init__(bootstrap, topic, corpus)
        self.fields = schema["fields"]
        self.output = directory / "insights.txt"
        self.unread = f"{topic}-unreadable"
        content = json.dumps(schema).replace("\\", "\\\\")
        worker = self.changed("worker.properties", directory, {
            "bootstrap.servers": bootstrap, "offset.storage.file.filename": str(directory / "offsets")},
            "listeners=http://127.0.0.1:0\noffset.flush.interval.ms=500\nconsumer.auto.offset.reset=earliest\n")
        sink = self.changed("insights-typed.properties", directory, {
            "topics": topic, "file": str(self.output), "value.converter.schema.content": content,
            "errors.deadletterqueue.topic.name": self.unread})
        self.worker = Server("connect", [SCRIPT, "connect", "--release", NEWEST, worker, sink], directory,
                             start_new_session=True)

    def changed(self, name, directory, changes, more=""):
        text = (HERE / name).read_text()
        for key, value in changes.items():
            text, count = re.subn(rf"^{re.escape(key)}=.*$", lambda _: f"{key}={value}", text, flags=re.MULTILINE)
            assert count == 1, key
        path = directory / name
        path.write_text(f"{text}\n{more}")
        return path

    def structs(self):
        """The records, each as the members that it has. A name may hold any character: the schema's order leads."""
        found = []
        text = self.output.read_text() if self.output.exists() else ""
        for struct in re.split(r"(?:^|\n)Struct\{", text)[1:]:
            members = {}
            for field in self.fields:
                prefix = field["field"] + "="
                if struct.startswith(prefix):
                    value = re.match(r"[^,}]*", struct[len(prefix):])[0]
                    struct = struct[len(prefix) + len(value) + 1:]
                    members[field["field"]] = value
            if "request_id" in members:
                found.append(members)
        return found

    def rows(self):
        operational = {"request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name",
                       "algorithm_version", "outcome"}
        extended = {"exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes"}
        rows = {}
        for members in self.structs():
            if members["request_id"] in LET_THROUGH:
                continue
            known = operational | extended if "outcome" in members else operational
            rows[members["request_id"]] = Row(
                members["request_id"], members["timestamp"].rstrip("Z"),
                {name: float(value) for name, value in members.items() if name not in known}, members.get("outcome"))
        return list(rows.values())

    def has(self, request_id):
        assert self.worker.process.poll() is None, self.worker.text()[-3000:]
        return self.output.exists() and request_id in self.output.read_text()

    def unreadable(self):
        """On the topic for them; two of the corpus are left to the store."""
        keys = {record.key for record in read(self.bootstrap, self.unread)}
        return len({key for key in keys if key.startswith("broken-")} | LET_THROUGH)

    def stop(self):
        # With the program that the script runs: that would live on.
        if self.worker.process.poll() is None:
            os.killpg(self.worker.process.pid, signal.SIGTERM)
        self.worker.stop()


@pytest.fixture(scope="module")
def store(kafka, corpus, home, topic, algo_run, tmp_path_factory):
    store = Connect(tmp_path_factory.mktemp("connect"), kafka.PLAINTEXT, topic, corpus, schema(algo_run, home))
    try:
        store.fill()
        yield store
    finally:
        store.stop()


class TestKafkaConnect(Contract):
    tool = "kafka-connect"
    # Its converter reads a decimal number, which has no -0.0.
    keeps_negative_zero = False
    # The schema types it as text, for the extended format; a number there is null.
    lost_metrics = frozenset(["outcome"])
    exceptions = {5: "the sink does it, by upsert on request_id; the file sink of the test appends"}

    def expected(self, corpus):
        """A legacy payload has no `timestamp`, which the schema wants."""
        return {key: execution for key, execution in corpus.executions.items() if execution.format != "legacy"}


def test_what_the_schema_does_not_fit_is_on_its_topic_with_the_reason(store, corpus):
    records = {record.key: dict(record.headers) for record in read(store.bootstrap, store.unread)}
    left_out = set(corpus.executions) - set(TestKafkaConnect().expected(corpus))
    assert left_out and left_out <= set(records)
    assert all("__connect.errors.exception.message" in headers for headers in records.values())


@pytest.mark.parametrize("path", sorted((HERE / "examples").iterdir()), ids=lambda path: path.name)
def test_an_example_says_that_it_is_not_run(path):
    text = path.read_text()
    assert "Not run by a test" in text and re.search(r"^topics=insights$", text, re.MULTILINE)
