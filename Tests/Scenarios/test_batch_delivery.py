# SPDX-License-Identifier: Apache-2.0
"""Payloads of a batch while no broker answers: kept, reported, and never in the way (docs/contract.md 8 and 9)."""

import json
import signal

import pytest

from harness import processes
from harness.batches import Batches
from harness.outboxes import connect


@pytest.fixture
def batches(program, unreachable):
    connect(program, unreachable)
    return Batches(program, insights=True)


def drain(batches, *options):
    """Starts a batch of five requests and waits until only its payloads are left."""
    batches.write("r.ndjson", [f"{number}" for number in range(5)])
    process = batches.start("r.ndjson", "--output", "out.ndjson", *options)
    line = ""
    while "delivering 5 payloads" not in line:
        line = processes.read_line(process.stderr.fileno())
    return process


def test_results_are_complete_before_any_acknowledgement_and_show_that_payloads_wait(batches):
    process = drain(batches)
    assert [result["delivery"]["state"] for result in batches.results("out.ndjson")] == ["queued"] * 5
    process.send_signal(signal.SIGINT)
    assert batches.program.finish(process).status == 130


def test_ctrl_c_while_draining_leaves_the_rest_in_the_outbox_and_prints_its_number(batches):
    process = drain(batches, "--summary", "s.json")
    process.send_signal(signal.SIGINT)
    # Far less than the window that it would wait otherwise.
    outcome = batches.program.finish(process)
    assert any("5 waiting in the outbox" in message for message in outcome.messages)
    assert json.loads((batches.directory / "s.json").read_text())["payloads"] == {
        "delivered": 0, "waiting": 5, "undelivered": 0}
    listed = batches.program.run("outbox", "list", "--json", status=0).stdout
    keys = {result["request_id"] for result in batches.results("out.ndjson")}
    assert all(key.encode() in listed for key in keys)


def test_killed_while_draining_loses_nothing(batches):
    process = drain(batches)
    process.kill()
    batches.program.finish(process)
    listed = batches.program.run("outbox", "list", "--json", status=0).stdout
    assert all(result["request_id"].encode() in listed for result in batches.results("out.ndjson"))


def test_dropped_payloads_are_not_reported_as_kept(batches, unreachable):
    connect(batches.program, unreachable, "--delivery-window", "1s", "--on-expiry", "drop")
    batches.write("r.ndjson", ["a", "b"])
    outcome = batches.run("r.ndjson", "--summary", "s.json", status=0)
    told = [message for message in outcome.messages if "dropped" in message]
    assert len(told) == 1 and "--on-expiry drop" in told[0], outcome
    assert not any("kept" in message for message in outcome.messages)
    assert json.loads((batches.directory / "s.json").read_text())["payloads"]["undelivered"] == 2
    # If they are kept, that is reported.
    connect(batches.program, unreachable, "--on-expiry", "keep")
    outcome = batches.run("r.ndjson", status=0)
    assert any("kept for `algo-run outbox retry`" in message for message in outcome.messages), outcome
    assert not any("dropped" in message for message in outcome.messages)
