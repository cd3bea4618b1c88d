# SPDX-License-Identifier: Apache-2.0
"""How long `exec` stays for its payload after its child has ended (docs/contract.md 8, who delivers)."""

import signal
import socket
import sqlite3
import time

import pytest

from harness import processes
from harness.mounts import mounted
from harness.outboxes import connect, listed


@pytest.fixture
def insights(program):
    program.run("publish", "o/n", "--insights", "--", "sh", "-c", "exit 3", status=0)
    return program


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_end_ends_the_wait_and_changes_no_exit_status(insights, unreachable, number):
    connect(insights, unreachable, "--delivery-wait", "1h")
    process = insights.start("exec", "o/n")
    outbox = insights.home / "outbox.db"
    processes.await_until(lambda: outbox.exists() and listed(insights), "the payload is in the outbox")
    process.send_signal(number)
    outcome = insights.finish(process)
    assert outcome.status == 3
    assert outcome.messages == [
        "the payload waits in the outbox (not waited for any longer, as algo-run was asked to end)"]
    assert [record["state"] for record in listed(insights).values()] == ["pending"]


def test_a_broker_that_refused_all_the_time_that_the_child_ran_is_not_waited_for_again(insights, unreachable):
    connect(insights, unreachable, "--delivery-wait", "1500ms")
    outcome = insights.run("exec", "o/n", "--", "sleep", "2", status=0)
    [message] = outcome.messages
    assert "not acknowledged: " in message and "Connection refused" in message, message
    # The others know it from now on.
    assert "the broker has been down since" in insights.run("exec", "o/n", status=3).messages[0]


def test_when_an_outage_has_lapsed_one_execution_tries_again_and_no_other_waits(insights, unreachable):
    connect(insights, unreachable, "--delivery-wait", "2s")
    insights.run("exec", "o/n", status=3)
    # An hour old, so that the one that tries has a minute for it.
    with sqlite3.connect(insights.home / "outbox.db") as outbox:
        outbox.execute("UPDATE broker_outage SET since = since - 3600000000, until = until - 60000000")
    outbox.close()
    outcomes = [insights.finish(process) for process in [insights.start("exec", "o/n") for _ in range(8)]]
    assert [outcome.status for outcome in outcomes] == [3] * 8
    messages = [message for outcome in outcomes for message in outcome.messages]
    assert len(messages) == 8
    assert sum("not acknowledged within 2s" in message for message in messages) == 1, messages
    assert sum("the broker has been down since" in message for message in messages) == 7, messages


@pytest.mark.root
def test_a_hanging_dns_server_does_not_delay_exec(insights):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.77", 53))
        connect(insights, "kafka.example:9092", "--delivery-wait", "1s")
        # The resolver would wait for two minutes, far beyond the limit of a test.
        script = 'echo nameserver 127.0.0.77 > "$HERE/resolv.conf" && mount --bind "$HERE/resolv.conf" /etc/resolv.conf' \
                 f' && ALGO_RUN_HOME={insights.home} RES_OPTIONS="timeout:30 attempts:4" "$A" exec o/n'
        status, _, said = mounted(insights, script)
    assert (status, len(said)) == (3, 1) and "the broker did not answer in time" in said[0], said


def test_a_reclaimed_payload_is_reported_with_its_cause(insights):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(insights, f"127.0.0.1:{silent.getsockname()[1]}", "--delivery-wait", "1s")
        insights.run("exec", "o/n", status=3)
    assert [record["last_error"] for record in listed(insights).values()] == ["the broker did not answer in time"]


def test_an_execution_that_cannot_deliver_ends_the_windows_of_those_before_it(insights, unreachable):
    connect(insights, unreachable, "--delivery-wait", "0s", "--delivery-window", "1s")
    insights.run("exec", "o/n", status=3)
    began = time.monotonic()
    processes.await_until(lambda: time.monotonic() > began + 1, "its window is over")
    insights.run("exec", "o/n", status=3)
    assert sorted(record["state"] for record in listed(insights).values()) == ["expired", "pending"]
