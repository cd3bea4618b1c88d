# SPDX-License-Identifier: Apache-2.0
"""The outbox in an operator's hands: reports on payloads that were given up, retried and removed (docs/contract.md 8)."""

import signal

import pytest

from harness import processes
from harness.outboxes import connect, listed


@pytest.fixture
def waiting(program, published, unreachable):
    """A program whose payloads expire after a second, with no broker to take them."""
    connect(program, unreachable, "--delivery-window", "1s", "--delivery-wait", "0s")
    return program


def test_exec_reports_that_a_dropped_payload_is_gone(waiting, published, unreachable):
    connect(waiting, unreachable, "--on-expiry", "drop")
    # It waits for longer than the window, so it sees the end of its own payload.
    outcome, report = waiting.report(published, "--delivery-wait", "1m", "--", "true", status=0)
    [message] = outcome.messages
    assert "was dropped (--on-expiry drop)" in message and "kept" not in message
    assert report["delivery"]["state"] == "expired" and "dropped" in report["delivery"]["detail"]
    assert listed(waiting) == {}


def test_exec_reports_that_a_kept_payload_can_be_retried(waiting, published):
    outcome, report = waiting.report(published, "--delivery-wait", "1m", "--", "true", status=0)
    [message] = outcome.messages
    assert "kept for `algo-run outbox retry`" in message and "dropped" not in message
    assert report["delivery"]["state"] == "expired" and "dropped" not in report["delivery"]["detail"]
    assert [record["state"] for record in listed(waiting).values()] == ["expired"]


def test_deliver_reports_that_dropped_payloads_are_gone(waiting, published, unreachable):
    connect(waiting, unreachable, "--on-expiry", "drop")
    waiting.run("exec", published, "--", "true", status=0)
    outcome = waiting.run("outbox", "deliver", status=1)
    assert outcome.messages[-1] == "0 delivered, 1 dropped"
    assert any("--on-expiry drop" in message for message in outcome.messages)
    assert not any("kept" in message or "expired" in message for message in outcome.messages), outcome
    assert listed(waiting) == {}


def test_deliver_reports_that_kept_payloads_can_be_retried(waiting, published):
    waiting.run("exec", published, "--", "true", status=0)
    outcome = waiting.run("outbox", "deliver", status=1)
    assert outcome.messages[-1] == "0 delivered, 1 expired"
    assert any("kept for `algo-run outbox retry`" in message for message in outcome.messages)
    assert not any("dropped" in message for message in outcome.messages)


def test_a_payload_that_expired_because_the_library_was_missing_has_that_cause(waiting, published):
    # The file that the loader finds first, and cannot load.
    (waiting.directory / "librdkafka.so.1").write_text("no library")
    without = {"LD_LIBRARY_PATH": str(waiting.directory)}
    outcome = waiting.run("exec", published, "--", "true", env=without, status=0)
    assert "file too short" in outcome.messages[0], outcome
    waiting.run("outbox", "deliver", env=without, status=1)
    [record] = listed(waiting).values()
    assert record["state"] == "expired" and "file too short" in record["last_error"]
    # Retrying it forgets that error, and the next deliverer meets it again.
    waiting.run("outbox", "retry", "--all", status=0)
    waiting.run("outbox", "deliver", env=without, status=1)
    [record] = listed(waiting).values()
    assert record["state"] == "expired" and "file too short" in record["last_error"]


def test_times_beyond_reason_are_refused_and_zero_is_shown_as_seconds(program, published):
    program.run("connection", "set", "--type", "file", "--retention", "0s", "--delivery-wait", "1h",
                "--delivery-window", "30d", status=0)
    shown = program.run("connection", "show", status=0).stdout.decode()
    assert "0s" in shown and "0ms" not in shown
    for arguments in (["connection", "set", "--delivery-wait", "61m"], ["connection", "set", "--delivery-window", "31d"],
                      ["exec", "--delivery-wait", "61m", "--", "true"]):
        outcome = program.run(*arguments, status=64)
        assert "at most" in outcome.stderr.decode(), outcome


@pytest.fixture
def given_up(waiting, published):
    """The same with two expired payloads and a pending one, and their numbers."""
    for _ in range(2):
        waiting.run("exec", published, "--", "true", status=0)
    waiting.run("outbox", "deliver", status=1)
    waiting.run("connection", "set", "--delivery-window", "1h", status=0)
    waiting.run("exec", published, "--", "true", status=0)
    records = listed(waiting)
    return waiting, {state: [number for number, record in records.items() if record["state"] == state]
                     for state in ("expired", "pending")}


def test_a_number_that_cannot_be_retried_is_reported_and_the_others_are_retried(given_up):
    program, numbers = given_up
    [first, second], [pending] = numbers["expired"], numbers["pending"]
    outcome = program.run("outbox", "retry", first, 4711, pending, 4711, status=1)
    assert outcome.messages[0].startswith("1 payload(s) are pending again")
    [told] = outcome.messages[1:]
    assert told.startswith(f"not retried: 4711 (not in the outbox), {pending} (pending already)")
    assert listed(program)[first]["state"] == "pending" and listed(program)[second]["state"] == "expired"
    # One that is given twice is one.
    assert len(program.run("outbox", "retry", second, second, status=0).messages) == 1
    assert {record["state"] for record in listed(program).values()} == {"pending"}


def test_a_number_that_cannot_be_purged_is_reported_and_the_others_are_purged(given_up):
    program, numbers = given_up
    [first, second], [pending] = numbers["expired"], numbers["pending"]
    outcome = program.run("outbox", "purge", first, 4711, status=1)
    assert outcome.messages[0] == "1 payload(s) removed." and outcome.messages[1].startswith("not removed: 4711 (not in")
    outcome = program.run("outbox", "purge", pending, second, "--state", "expired", status=1)
    assert outcome.messages[1].startswith(f"not removed: {pending} (pending)")
    assert program.run("outbox", "purge", pending, "--state", "expired", status=1).messages == outcome.messages[1:]
    assert list(listed(program)) == [pending]
    assert program.run("outbox", "purge", pending, status=0).messages == ["1 payload(s) removed."]


@pytest.mark.parametrize("word", ["retry", "purge"])
def test_without_an_outbox_no_number_is_known(program, published, word):
    outcome = program.run("outbox", word, "1", "2", status=1)
    [message] = outcome.messages
    assert message.startswith("not ") and "1 (not in the outbox), 2 (not in the outbox)" in message
    program.run("outbox", word, "--all", status=0)


def test_of_many_unknown_numbers_some_are_printed_and_the_rest_is_counted(program, published):
    outcome = program.run("outbox", "retry", *range(1, 31), status=1)
    assert len(outcome.messages) == 1 and "and 10 more" in outcome.messages[0]


@pytest.mark.slow
@pytest.mark.parametrize("options, number, status", [
    ([], signal.SIGINT, 130), ([], signal.SIGTERM, 1),
    (["--follow"], signal.SIGINT, 0), (["--follow"], signal.SIGTERM, 0)])
def test_interrupting_a_delivery_gives_130_and_ending_the_service_0(waiting, published, options, number, status):
    waiting.run("connection", "set", "--delivery-window", "1h", status=0)
    waiting.run("exec", published, "--", "true", status=0)
    process = waiting.start("outbox", "deliver", *options)
    told = ""
    while "the broker is down" not in told:
        told = processes.read_line(process.stderr.fileno())
    process.send_signal(number)
    assert waiting.finish(process).status == status
    assert [record["state"] for record in listed(waiting).values()] == ["pending"]
