# SPDX-License-Identifier: Apache-2.0
"""Who delivers, and what operators see of it: claims, the connection in force, retention (docs/contract.md 8)."""

import json
import os
import re
import signal
import socket

import pytest

from harness import processes
from harness.outboxes import connect, listed


def status(program):
    return json.loads(program.run("outbox", "status", "--json", status=0).stdout)


@pytest.fixture
def silent():
    """A port of this machine where connections are made and nothing is ever answered."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def held(program, published, silent):
    """A program with three payloads in the hands of a deliverer that waits for its broker, and that process."""
    connect(program, silent, "--delivery-wait", "0s", "--delivery-window", "1h")
    for _ in range(3):
        program.run("exec", published, "--", "true", status=0)
    program.run("connection", "set", "--brokers", silent, status=0)
    process = program.start("outbox", "deliver", "--follow")
    processes.await_until(lambda: status(program)["being_delivered"] == 3, "nothing is being delivered")
    return program, process


def test_what_a_killed_deliverer_held_is_waiting_and_not_being_delivered(held):
    program, process = held
    process.send_signal(signal.SIGKILL)
    program.finish(process)
    assert (status(program)["pending"], status(program)["being_delivered"]) == (3, 0)
    assert not any(record["being_delivered"] for record in listed(program).values())
    assert b"being delivered" not in program.run("outbox", "status", status=0).stdout


def test_deliver_reports_payloads_of_other_deliverers_and_is_not_done(held):
    program, process = held
    outcome = program.run("outbox", "deliver", status=1)
    assert outcome.messages == ["0 delivered, 3 in the hands of another process"]
    process.send_signal(signal.SIGTERM)
    assert program.finish(process).status == 0


@pytest.mark.parametrize("before", [[], ["connection", "set", "--type", "file", "--path", "first.ndjson"]])
def test_the_service_delivers_to_the_connection_that_is_in_force(program, published, unreachable, before):
    if before:
        program.run(*before, status=0)
    process = program.start("outbox", "deliver", "--follow")
    assert "delivering what waits" in processes.read_line(process.stderr.fileno())
    # A payload for Kafka, made right after the change was reported: it is for no file.
    connect(program, unreachable, "--delivery-wait", "0s", "--delivery-window", "1h")
    program.run("exec", published, "--request-id", "mine", "--", "true", status=0)
    processes.await_until(lambda: status(program)["broker_outage"] or not listed(program), "the record was not taken")
    program.run("connection", "set", "--type", "file", "--path", "second.ndjson", status=0)
    processes.await_until(lambda: not listed(program), "it was not delivered")
    process.send_signal(signal.SIGTERM)
    program.finish(process)
    assert not (program.directory / "first.ndjson").exists() and program.insights() == []
    [line] = (program.directory / "second.ndjson").read_bytes().splitlines()
    assert json.loads(line)["request_id"] == "mine"


def test_what_expires_while_it_is_delivered_is_kept_within_the_retention(program, published, unreachable):
    connect(program, unreachable, "--delivery-wait", "0s", "--delivery-window", "1s", "--retention-records", "3")
    for _ in range(6):
        program.run("exec", published, "--", "true", status=0)
    message = program.run("outbox", "deliver", status=1).messages[-1]
    expired, removed = map(int, re.fullmatch(r"0 delivered, (\d) expired, (\d) removed \(--retention\)", message).groups())
    # An execution may have ended the window of one before it, and it keeps to the retention as well.
    assert removed == min(6 - expired, 3) + expired - 3
    assert status(program)["expired"] == 3
    assert list(listed(program)) == [4, 5, 6]


@pytest.mark.root
@pytest.mark.parametrize("arguments", [
    ["status"], ["status", "--json"], ["list"], ["list", "--json"], ["purge", "--all"], ["retry", "--all"], ["deliver"]])
def test_an_outbox_that_may_not_be_seen_is_not_taken_for_an_empty_one(program, published, unreachable, arguments):
    connect(program, unreachable, "--delivery-wait", "0s")
    program.run("exec", published, "--", "true", status=0)
    for parent in [program.directory, *program.directory.parents, program.binary, *program.binary.parents]:
        if parent.is_dir() and parent.stat().st_mode & 0o011 != 0o011:
            parent.chmod(parent.stat().st_mode | 0o011)

    def become():
        os.setgroups([])
        os.setgid(54321)
        os.setuid(54321)
    outcome = program.run("outbox", *arguments, "--home", program.home, status=1, preexec_fn=become)
    [message] = outcome.messages
    assert str(program.home) in message and "Permission denied" in message
    assert outcome.stdout == b""
