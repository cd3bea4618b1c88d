# SPDX-License-Identifier: Apache-2.0
"""Payloads of a batch that the file did not take: delivered as soon as it does, reported, and never lost (docs/contract.md 8)."""

import fcntl
import json
import os
import signal

import pytest

from harness import processes
from harness.batches import Batches, await_lines
from harness.outboxes import listed


class FileBatches(Batches):
    """Batches whose payloads go to a file in a directory that is not there yet."""

    def __init__(self, program):
        super().__init__(program, insights=True)
        self.sink = program.directory / "sink" / "insights.ndjson"
        self.connect()

    def connect(self, *options):
        self.program.run("connection", "set", "--type", "file", "--path", self.sink, *options, status=0)

    def mend(self):
        """Makes the directory; until then no payload can be written."""
        self.sink.parent.mkdir()

    def written(self):
        """The identifiers in the file."""
        content = self.sink.read_bytes()
        assert content.endswith(b"\n"), "the last line is torn"
        return [json.loads(line)["request_id"] for line in content.splitlines()]

    def waiting(self):
        """How many payloads are pending, and how many of these a deliverer holds."""
        status = json.loads(self.program.run("outbox", "status", "--json", status=0).stdout)
        return status["pending"], status["being_delivered"]

    def figures(self):
        """Of the summary: delivered, waiting, given up."""
        return tuple(json.loads((self.directory / "s.json").read_bytes())["payloads"].values())

    def drain(self, *options):
        """Starts a batch of five requests and waits until only its payloads are left."""
        self.write("r.ndjson", [f"{number}" for number in range(5)])
        process = self.start("r.ndjson", "--output", "out.ndjson", "--summary", "s.json", *options)
        process.told = [self.await_told(process, "delivering 5 payloads")]
        return process

    def await_told(self, process, words):
        """Everything printed up to a line with these words."""
        told = processes.read_line(process.stderr.fileno())
        return told if words in told else f"{told}\n{self.await_told(process, words)}"


@pytest.fixture
def batches(program):
    return FileBatches(program)


def identifiers(batches):
    return sorted(result["request_id"] for result in batches.results("out.ndjson"))


def test_what_waited_is_written_while_the_batch_runs_once_the_file_takes_lines(batches):
    batches.write("r.ndjson", ["1", "2", "last"])
    # The third request ends only when the first two payloads are in the file.
    wait = 'read -r n; [ "$n" != last ] || until [ -e go ]; do sleep 0.01; done'
    process = batches.start("r.ndjson", "--output", "out.ndjson", "--jobs", "1", "--summary", "s.json",
                            command=["sh", "-c", wait])
    out = batches.directory / "out.ndjson"
    await_lines(out, 2)
    assert [result["delivery"]["state"] for result in batches.results("out.ndjson")] == ["queued"] * 2
    assert batches.waiting()[0] == 2
    batches.mend()
    await_lines(batches.sink, 2)
    assert process.poll() is None
    (batches.directory / "go").touch()
    outcome = batches.program.finish(process)
    assert outcome.status == 0
    assert batches.results("out.ndjson")[2]["delivery"] == {"state": "written"}
    assert sorted(batches.written()) == identifiers(batches)
    assert batches.figures() == (3, 0, 0) and batches.waiting() == (0, 0)
    [obstacle] = [message for message in outcome.messages if "wait in the outbox: " in message]
    assert str(batches.sink) in obstacle
    assert outcome.messages.count("the file can be written again") == 1


def test_the_batch_keeps_trying_at_its_end_until_the_file_takes_them(batches):
    process = batches.drain()
    assert [result["delivery"]["state"] for result in batches.results("out.ndjson")] == ["queued"] * 5
    batches.mend()
    outcome = batches.program.finish(process)
    assert outcome.status == 0
    assert sorted(batches.written()) == identifiers(batches)
    assert batches.figures() == (5, 0, 0) and batches.waiting() == (0, 0)
    assert outcome.messages.count("the file can be written again") == 1


def test_ctrl_c_at_its_end_leaves_them_in_the_outbox_and_prints_their_number(batches):
    process = batches.drain()
    process.send_signal(signal.SIGINT)
    # Far less than the window that it would wait otherwise.
    outcome = batches.program.finish(process)
    assert outcome.status == 130
    assert any("0 delivered, 5 waiting in the outbox" in message for message in outcome.messages), outcome
    assert batches.figures() == (0, 5, 0) and batches.waiting() == (5, 0)


def test_a_window_that_ends_is_reported_once_and_its_payloads_are_kept(batches):
    batches.connect("--delivery-window", "2s")
    process = batches.drain()
    outcome = batches.program.finish(process)
    assert outcome.status == 0
    [told] = [message for message in outcome.messages if "expired and are kept for `algo-run outbox retry`" in message]
    assert str(batches.sink) in told, "the message names the obstacle"
    assert batches.figures() == (0, 0, 5)
    kept = listed(batches.program).values()
    assert [record["state"] for record in kept] == ["expired"] * 5
    assert sorted(record["request_id"] for record in kept) == identifiers(batches)
    batches.mend()
    batches.program.run("outbox", "retry", "--all", status=0)
    batches.program.run("outbox", "deliver", status=0)
    assert sorted(batches.written()) == identifiers(batches)


def test_payloads_that_others_left_are_written_by_the_next_batch_and_are_not_its_own(batches):
    for _ in range(3):
        batches.program.run("exec", batches.ref, "--", "true", status=0)
    assert batches.waiting()[0] == 3
    before = {record["request_id"] for record in listed(batches.program).values()}
    batches.mend()
    batches.write("r.ndjson", ["1"])
    outcome = batches.run("r.ndjson", "--output", "out.ndjson", "--summary", "s.json", status=0)
    assert batches.figures() == (1, 0, 0)
    assert set(batches.written()) == before | set(identifiers(batches)) and len(batches.written()) == 4
    assert batches.waiting() == (0, 0)
    assert not any("wait in the outbox" in message for message in outcome.messages), outcome


def test_payloads_that_a_killed_batch_held_are_written_by_the_next(batches):
    batches.mend()
    with open(batches.sink, "ab") as held:
        # A deliverer that has claimed records waits for this lock while it holds them.
        fcntl.flock(held, fcntl.LOCK_EX)
        process = batches.drain()
        processes.await_until(lambda: batches.waiting()[1] > 0, "records are claimed")
        process.kill()
        batches.program.finish(process)
    before = identifiers(batches)
    batches.write("more.ndjson", ["more"])
    batches.run("more.ndjson", status=0)
    assert len(batches.written()) == 6 and set(before) < set(batches.written())
    assert batches.waiting() == (0, 0)


def test_a_file_that_takes_everything_makes_no_outbox(batches):
    batches.mend()
    batches.write("r.ndjson", [f"{number}" for number in range(50)])
    batches.run("r.ndjson", "--output", "out.ndjson", status=0)
    assert sorted(batches.written()) == identifiers(batches)
    assert {"outbox.db", "outbox.lock", "deliverers"}.isdisjoint(os.listdir(batches.program.home))
