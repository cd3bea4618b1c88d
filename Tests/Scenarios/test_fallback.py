# SPDX-License-Identifier: Apache-2.0
"""Payloads that the outbox cannot take wait in a file, are counted there, and are taken in later (docs/contract.md 8)."""

import json
import sqlite3
import subprocess
import time
from contextlib import contextmanager

import pytest

from harness import processes
from harness.outboxes import connect, listed, unreachable  # noqa: F401 (a fixture)
from harness.schemas import validate


@pytest.fixture
def waiting(program, unreachable):
    """A program with one payload in its outbox, for a broker that is not there."""
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    connect(program, unreachable, "--delivery-wait", "0s", "--delivery-window", "1h")
    program.run("exec", "o/n", "--request-id", "first", status=0)
    return program


@contextmanager
def locked(path, kind="IMMEDIATE"):
    """Holds SQLite's lock on a database."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"BEGIN {kind}")
    yield
    database.execute("ROLLBACK")
    database.close()


def status(program):
    found = json.loads(program.run("outbox", "status", "--json", status=0).stdout)
    validate("outbox-status", found)
    return found


def fallback(program):
    return sorted(program.home.glob("insights-fallback*.ndjson"))


def into_a_file(program):
    """Lets all that waits go to a file, and gives the request ids that arrive there."""
    program.run("connection", "set", "--type", "file", "--path", "sink", status=0)
    program.run("outbox", "deliver", status=0)
    return [json.loads(line)["request_id"] for line in (program.directory / "sink").read_bytes().splitlines()]


def kept_aside(program, *identifiers):
    """Runs executions whose payloads find the outbox locked."""
    with locked(program.home / "outbox.db"):
        for identifier in identifiers:
            program.run("exec", "o/n", "--request-id", identifier, status=0)


def test_a_payload_in_the_fallback_file_is_reported_counted_and_delivered(waiting):
    with locked(waiting.home / "outbox.db"):
        outcome, report = waiting.report("o/n", "--request-id", "second", status=0)
        [file] = fallback(waiting)
        assert len(outcome.messages) == 1 and f"waits in {file} until" in outcome.messages[0], outcome
        assert report["delivery"]["state"] == "queued" and str(file) in report["delivery"]["detail"]
        assert (status(waiting)["pending"], status(waiting)["fallback"]) == (1, 1)
        assert b"in fallback files" in waiting.run("outbox", "status", status=0).stdout
    assert into_a_file(waiting) == ["first", "second"]
    assert fallback(waiting) == [] and status(waiting)["fallback"] == 0


def test_the_next_execution_that_can_use_the_outbox_takes_it_in(waiting):
    kept_aside(waiting, "second")
    waiting.run("exec", "o/n", "--request-id", "third", status=0)
    assert fallback(waiting) == []
    assert [record["request_id"] for record in listed(waiting).values()] == ["first", "third", "second"]


def test_its_window_continues_while_it_waits_in_the_file(waiting, unreachable):
    connect(waiting, unreachable, "--delivery-wait", "0s", "--delivery-window", "1s")
    waiting.run("outbox", "purge", "--state", "pending", status=0)
    kept_aside(waiting, "short")
    [line] = fallback(waiting)[0].read_bytes().splitlines()
    end = json.loads(line)["window_end_microseconds"]
    processes.await_until(lambda: time.time_ns() > end * 1000, "its window is over")
    waiting.run("outbox", "deliver", status=1)
    assert [(record["request_id"], record["state"]) for record in listed(waiting).values()] == [("short", "expired")]


def test_with_a_file_sink_the_next_execution_writes_it(program):
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    with locked(program.home / "state.db", "EXCLUSIVE"):
        _, report = program.report("o/n/1.0.0", "--request-id", "unseen", "--", "true", status=0)
    assert report["delivery"]["state"] == "queued" and "if its version has Insights on" in report["delivery"]["detail"]
    assert status(program)["fallback"] == 1
    program.run("exec", "o/n", "--request-id", "next", status=0)
    assert [json.loads(line)["request_id"] for line in program.insights()] == ["next", "unseen"]
    assert fallback(program) == []


def test_what_ran_unverified_never_leaves_the_machine_if_insights_is_off(program):
    program.run("publish", "o/n", "--no-insights", "--", "true", status=0)
    with locked(program.home / "state.db", "EXCLUSIVE"):
        program.run("exec", "o/n/1.0.0", "--", "true", status=0)
        program.run("exec", "o/n/9.9.9", "--", "true", status=0)
    assert status(program)["fallback"] == 2
    program.run("outbox", "deliver", status=0)
    assert program.insights() == [] and fallback(program) == [] and listed(program) == {}


def test_a_batch_keeps_its_payloads_in_the_file_as_well(waiting):
    with locked(waiting.home / "state.db", "EXCLUSIVE"):
        waiting.run("batch", "o/n/1.0.0", "--output", "unverified", "--", "true", input=b"1\n2\n3\n", status=0)
    states = [json.loads(line)["delivery"]["state"]
              for line in (waiting.directory / "unverified").read_bytes().splitlines()]
    assert states == ["queued"] * 3 and status(waiting)["fallback"] == 3
    assert len(set(into_a_file(waiting))) == 4


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "ftruncate", "unlink"])
def test_a_deliverer_killed_while_it_takes_in_loses_nothing_and_repeats_only_with_the_same_key(waiting, call):
    kept_aside(waiting, "a", "b")
    waiting.run("connection", "set", "--type", "file", "--path", "sink", status=0)
    for when in range(1, 40):
        finished = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
             f"inject={call}:signal=KILL:when={when}", waiting.binary, "outbox", "deliver"],
            env=waiting.environment(), cwd=waiting.directory, check=False, capture_output=True, timeout=processes.LIMIT)
        if finished.returncode == 0:
            break
    assert finished.returncode == 0 and when > 1, (when, finished)
    waiting.run("outbox", "deliver", status=0)
    assert set(into_a_file(waiting)) == {"first", "a", "b"}
    assert fallback(waiting) == [] and listed(waiting) == {}
