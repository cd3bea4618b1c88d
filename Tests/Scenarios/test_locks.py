# SPDX-License-Identifier: Apache-2.0
"""A lock that a stopped process holds on a file of the home delays no execution (docs/contract.md 1 and 8).

No test asserts a time. Beside two executions, one after the other, runs a command that waits for the same lock for as
long as algo-run ever does: both executions must be over while that command still waits.
"""

import fcntl
import os
import sqlite3
import subprocess
from contextlib import contextmanager

import pytest

from harness import processes
from harness.outboxes import connect, listed, unreachable  # noqa: F401 (a fixture)


@pytest.fixture
def insights(program):
    program.run("publish", "o/n", "--insights", "--", "sh", "-c", "exit 3", status=0)
    return program


@pytest.fixture
def waiting(insights, unreachable):
    """A home with one payload in its outbox."""
    connect(insights, unreachable, "--delivery-wait", "0s")
    insights.run("exec", "o/n", status=3)
    return insights


@contextmanager
def transaction(path, kind):
    """Holds SQLite's lock on a database, as a process does that was stopped in the middle of a write."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"BEGIN {kind}")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


@contextmanager
def locked(path):
    """Holds the lock on a whole file."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def patient(program, *arguments):
    """A command that waits for a lock, while the body of the `with` runs and until its end."""
    process = program.start(*arguments)
    try:
        yield
        assert process.poll() is None, "the executions waited as long as a command that has all the time"
    finally:
        process.kill()


def state_lock(program):
    return transaction(program.home / "state.db", "EXCLUSIVE")


OUTBOX_LOCKS = {
    "begin-immediate": lambda home: transaction(home / "outbox.db", "IMMEDIATE"),
    "begin-exclusive": lambda home: transaction(home / "outbox.db", "EXCLUSIVE"),
    "outbox-lock": lambda home: locked(home / "outbox.lock"),
}


def test_a_locked_state_database_does_not_hold_the_launch_back(insights):
    with state_lock(insights), patient(insights, "publish", "o/n", "--", "true"):
        insights.run("exec", "o/n/1.0.0", "--", "true", status=0)
        outcome, report = insights.report("o/n/1.0.0", "--", "sh", "-c", "echo ran; exit 5", status=5)
    assert outcome.stdout == b"ran\n"
    [message] = outcome.messages
    assert "state.db is locked" in message and "The command runs" in message, message
    assert report["delivery"]["state"] == "queued"


def test_a_bare_command_runs_whatever_is_locked(insights):
    with state_lock(insights), patient(insights, "publish", "o/n", "--", "true"):
        insights.run("exec", "--", "true", status=0)
        insights.run("exec", "--", "sh", "-c", "exit 5", status=5)


@pytest.mark.parametrize("arguments", [["o/n/1.0.0"], ["o/n"], ["o/n/1", "--", "true"]])
def test_an_execution_that_needs_a_locked_state_database_ends_with_125_and_the_reason(insights, arguments):
    with state_lock(insights), patient(insights, "publish", "o/n", "--", "true"):
        insights.run("exec", *arguments, status=125)
        outcome = insights.run("exec", *arguments, status=125)
    [message] = outcome.messages
    assert "state.db is locked by another process; " in message, message


@pytest.mark.parametrize("lock", OUTBOX_LOCKS)
@pytest.mark.parametrize("wait", ["0s", "200ms"])
def test_a_locked_outbox_delays_no_execution_beyond_its_delivery_wait(waiting, lock, wait):
    with OUTBOX_LOCKS[lock](waiting.home), patient(waiting, "outbox", "purge", "--state", "pending"):
        waiting.run("exec", "o/n", "--delivery-wait", wait, status=3)
        outcome, report = waiting.report("o/n", "--delivery-wait", wait, status=3)
    assert len(outcome.messages) == 1 and "is locked by another process" in outcome.messages[0], outcome.messages
    assert report["delivery"]["state"] == "queued"
    assert len(listed(waiting)) == 1


def test_a_locked_file_sink_delays_no_execution_beyond_its_delivery_wait(insights):
    insights.run("connection", "set", "--type", "file", "--delivery-wait", "0s", status=0)
    insights.run("exec", "o/n", status=3)
    with locked(insights.home / "insights.ndjson"):
        with patient(insights, "exec", "o/n", "--delivery-wait", "1h"):
            for number in range(2):
                insights.run("exec", "o/n", "--request-id", f"hurried-{number}", status=3)
    assert [record["request_id"] for record in listed(insights).values()] == ["hurried-0", "hurried-1"]


def test_a_lock_that_ends_within_the_delivery_wait_is_waited_for(waiting):
    with transaction(waiting.home / "outbox.db", "IMMEDIATE"):
        process = waiting.start("exec", "o/n", "--delivery-wait", "2s", "--request-id", "late", "--", "sh", "-c",
                                "echo started; exit 3")
        assert processes.read_line(process.stdout.fileno()) == "started"
    assert waiting.finish(process).status == 3
    assert "late" in [record["request_id"] for record in listed(waiting).values()]


def test_version_and_connection_are_looked_up_under_one_lock(insights):
    connect(insights, "127.0.0.1:9")
    trace = insights.directory / "trace"
    subprocess.run(["strace", "-e", "trace=openat,fcntl,close", "-o", trace, insights.binary, "exec", "o/n", "--",
                    "true"], env=insights.environment(), cwd=insights.directory, check=True, capture_output=True,
                   timeout=processes.LIMIT)
    lines = trace.read_text().splitlines()
    [opened] = [number for number, line in enumerate(lines) if "state.db" in line]
    descriptor = lines[opened].rsplit("= ", 1)[1]
    closed = next(number for number in range(opened, len(lines)) if lines[number].startswith(f"close({descriptor})"))
    # SQLite takes its shared lock by a lock on 510 bytes.
    assert sum("F_RDLCK" in line and "l_len=510" in line for line in lines[opened:closed]) == 1
