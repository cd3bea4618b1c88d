"""The outbox in an operator's hands: what is said of payloads that were given up, retried and removed (SPEC section 8)."""

import pytest

from outboxes import connect, listed, unreachable  # noqa: F401 (a fixture)


@pytest.fixture
def waiting(program, published, unreachable):
    """A program whose payloads expire after a second, with nobody to take them."""
    connect(program, unreachable, "--delivery-window", "1s", "--delivery-wait", "0s")
    return program


def test_exec_says_of_a_payload_that_is_dropped_that_it_is_gone(waiting, published, unreachable):
    connect(waiting, unreachable, "--on-expiry", "drop")
    # It waits for longer than the window, so it sees the end of its own payload.
    outcome, report = waiting.report(published, "--delivery-wait", "1m", "--", "true", status=0)
    [message] = outcome.messages
    assert "was dropped (--on-expiry drop)" in message and "kept" not in message
    assert report["delivery"]["state"] == "expired" and "dropped" in report["delivery"]["detail"]
    assert listed(waiting) == {}


def test_exec_says_of_a_payload_that_is_kept_that_it_can_be_retried(waiting, published):
    outcome, report = waiting.report(published, "--delivery-wait", "1m", "--", "true", status=0)
    [message] = outcome.messages
    assert "kept for `algo-run outbox retry`" in message and "dropped" not in message
    assert report["delivery"]["state"] == "expired" and "dropped" not in report["delivery"]["detail"]
    assert [record["state"] for record in listed(waiting).values()] == ["expired"]


def test_deliver_says_of_payloads_that_are_dropped_that_they_are_gone(waiting, published, unreachable):
    connect(waiting, unreachable, "--on-expiry", "drop")
    waiting.run("exec", published, "--", "true", status=0)
    outcome = waiting.run("outbox", "deliver", status=1)
    assert outcome.messages[-1] == "0 delivered, 1 dropped"
    assert any("--on-expiry drop" in message for message in outcome.messages)
    assert not any("kept" in message or "expired" in message for message in outcome.messages), outcome
    assert listed(waiting) == {}


def test_deliver_says_of_payloads_that_are_kept_that_they_can_be_retried(waiting, published):
    waiting.run("exec", published, "--", "true", status=0)
    outcome = waiting.run("outbox", "deliver", status=1)
    assert outcome.messages[-1] == "0 delivered, 1 expired"
    assert any("kept for `algo-run outbox retry`" in message for message in outcome.messages)
    assert not any("dropped" in message for message in outcome.messages)
