"""Payloads of a batch while no broker answers: kept, told, and never in the way (SPEC sections 8 and 9)."""

import json
import signal
import socket

import pytest

import processes
from batches import Batches


@pytest.fixture
def unreachable():
    """A port of this machine that refuses connections as long as the test lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def batches(program, unreachable):
    program.run("connection", "set", "--type", "plaintext", "--topic", "insights", "--brokers", unreachable, status=0)
    return Batches(program, insights=True)


def drain(batches, *options):
    """Starts a batch of five requests and waits until only its payloads are left."""
    batches.write("r.ndjson", [f"{number}" for number in range(5)])
    process = batches.start("r.ndjson", "--output", "out.ndjson", *options)
    line = ""
    while "delivering 5 payloads" not in line:
        line = processes.read_line(process.stderr.fileno())
    return process



def test_results_are_complete_before_any_acknowledgement_and_say_that_payloads_wait(batches):
    process = drain(batches)
    assert [result["delivery"]["state"] for result in batches.results("out.ndjson")] == ["queued"] * 5
    process.send_signal(signal.SIGINT)
    assert batches.program.finish(process).status == 130


def test_ctrl_c_while_draining_leaves_the_rest_in_the_outbox_and_tells_how_many(batches):
    process = drain(batches, "--summary", "s.json")
    process.send_signal(signal.SIGINT)
    # Far less than the window that it would wait otherwise.
    outcome = batches.program.finish(process)
    assert any("5 waiting in the outbox" in message for message in outcome.messages)
    assert json.loads((batches.directory / "s.json").read_text())["payloads"] == {
        "delivered": 0, "waiting": 5, "lost": 0}
    listed = batches.program.run("outbox", "list", "--json", status=0).stdout
    keys = {result["request_id"] for result in batches.results("out.ndjson")}
    assert all(key.encode() in listed for key in keys)


def test_killed_while_draining_loses_nothing(batches):
    process = drain(batches)
    process.kill()
    batches.program.finish(process)
    listed = batches.program.run("outbox", "list", "--json", status=0).stdout
    assert all(result["request_id"].encode() in listed for result in batches.results("out.ndjson"))
