# SPDX-License-Identifier: Apache-2.0
"""Progress: one bar on a terminal, plain lines elsewhere, nothing when asked (docs/contract.md 9)."""

import re
import signal
import subprocess
import time

import pytest

from harness import processes
from harness.batches import Batches, outcomes, parse
from harness.terminal import Terminal, shell


@pytest.fixture
def batches(program):
    return Batches(program)


def on_terminal(batches, *options, command=()):
    arguments = [str(batches.program.binary), *map(str, batches.arguments(*options, command=command))]
    return Terminal(arguments, batches.program.environment(TERM="xterm"), batches.directory)


def until_go(batches):
    return ["sh", "-c", f"until test -e {batches.directory}/go; do sleep 0.02; done"]


def test_a_terminal_shows_one_bar_that_leaves_nothing_behind_but_the_summary(batches):
    batches.write("r.ndjson", ["a"] * 10)
    with on_terminal(batches, "r.ndjson", "-o", "out.ndjson", command=until_go(batches)) as terminal:
        terminal.resize(24, 100)
        terminal.see(r"\[\.+\]   0%  0/10")
        (batches.directory / "go").touch()
        assert terminal.end() == 0
    shown = terminal.shown.decode()
    assert "10 requests in" in shown
    # The screen at the end: every drawn line was erased before something else was written.
    last = re.split(r"\r\x1b\[K|\n", shown)
    assert all("[" not in line or "\r[" in "\r" + line for line in last)
    assert shown.rindex("\x1b[K") < shown.index("10 requests in")


def test_a_message_of_delivery_stands_on_a_line_of_its_own(program, unreachable):
    batches = Batches(program, insights=True)
    program.run("connection", "set", "--type", "plaintext", "--brokers", unreachable, "--topic", "insights", "--delivery-window",
                "5s", status=0)
    batches.write("r.ndjson", ["a", "b"])
    ends = ["sh", "-c", f"read -r line; [ $line = a ] || until test -e {batches.directory}/go; do sleep 0.02; done"]
    with on_terminal(batches, "r.ndjson", "-o", "out.ndjson", command=ends) as terminal:
        terminal.resize(24, 100)
        terminal.see(r"50%  1/2.*payload")
        terminal.see("algo-run: payloads of this batch wait|algo-run: the broker is down")
        (batches.directory / "go").touch()
        terminal.end()
    # All that was drawn was erased before a message.
    parts = re.split(r"\r\x1b\[K|\r\n", terminal.shown.decode())
    assert all(part.startswith("algo-run: ") for part in parts if "algo-run: " in part), parts


def test_the_bar_fits_the_terminal_at_any_moment(batches):
    batches.write("r.ndjson", ["a"] * 10)
    with on_terminal(batches, "r.ndjson", "-o", "out.ndjson", command=until_go(batches)) as terminal:
        terminal.resize(24, 100)
        terminal.see(r"\[\.{40}\]")
        terminal.resize(24, 30)
        terminal.see(r"\r\[\.{5,16}\]   0%  0/10\x1b\[K")
        terminal.resize(24, 8)
        terminal.see(r"\r0/10\x1b\[K")
        (batches.directory / "go").touch()
        terminal.end()


def test_results_on_the_terminal_are_not_mixed_with_a_bar(batches):
    batches.write("r.ndjson", ["a"] * 5)
    with on_terminal(batches, "r.ndjson", command=["sleep", "0.2"]) as terminal:
        assert terminal.end() == 0
    assert b"\x1b[K" not in terminal.shown


def test_ctrl_c_on_the_terminal_reaches_the_batch_and_not_its_children(batches):
    batches.write("r.ndjson", ["a"] * 10)
    with on_terminal(batches, "r.ndjson", "-o", "out.ndjson", "-j", "2", command=until_go(batches)) as terminal:
        terminal.see("0/10")
        terminal.type("\x03")
        terminal.see("2 running requests will finish")
        terminal.see("2 finishing")
        (batches.directory / "go").touch()
        assert terminal.end() == 130
    assert [result["outcome"] for result in batches.results("out.ndjson")] == ["succeeded"] * 2


def test_ctrl_z_stops_the_batch_with_its_children_and_the_time_counts_for_no_limit(batches):
    batches.write("r.ndjson", ["a"] * 3)
    limit = 4
    wait = "echo x >> started; until [ -e go ]; do sleep 0.01; done; echo went"
    with shell(batches.program) as terminal:
        terminal.see("ok> ")
        terminal.type(f"$A batch {batches.ref} r.ndjson -o out.ndjson -j 2 --timeout {limit}s -- sh -c '{wait}'\n")
        started = batches.directory / "started"
        processes.await_until(lambda: started.exists() and len(started.read_text()) == 4, "two run")
        begun = time.monotonic()
        terminal.type("\x1a")
        terminal.see("Stopped")
        terminal.see("ok> ")
        children = lambda: [p.state for p in processes.marked(batches.program.marker) if p.name == "sh"]
        # A shell whose child was stopped on its way to its program waits for it in D.
        processes.await_until(lambda: set(children()) <= {"T", "D"}, "the children are stopped")
        processes.await_until(lambda: time.monotonic() > begun + limit, "the limit is over")
        terminal.type("fg\n")
        terminal.see("batch")
        processes.await_until(
            lambda: all(p.state != "T" for p in processes.marked(batches.program.marker)), "the job is continued")
        (batches.directory / "go").touch()
        terminal.see("3 succeeded")
        terminal.type("exit\n")
        terminal.end()
    assert [(result["outcome"], result["result"]) for result in batches.results("out.ndjson")] == [
        ("succeeded", "went\n")] * 3


def test_a_batch_that_was_stopped_does_not_take_for_late_what_had_ended_in_time(batches):
    batches.write("r.ndjson", ["a", "b"])
    wait = "echo x >> started; until [ -e go ]; do sleep 0.01; done; echo went"
    limit = 3
    process = batches.start("r.ndjson", "-j", "2", "--timeout", f"{limit}s", command=["sh", "-c", wait])
    started = batches.directory / "started"
    processes.await_until(lambda: started.exists() and len(started.read_text()) == 4, "both run")
    begun = time.monotonic()
    # Not Ctrl-Z: no process is notified of this one, and the children run on.
    process.send_signal(signal.SIGSTOP)
    (batches.directory / "go").touch()
    ended = lambda: [p for p in processes.marked(batches.program.marker) if p.name == "sh" and p.state != "Z"] == []
    processes.await_until(ended, "both have ended")
    processes.await_until(lambda: time.monotonic() > begun + limit, "the limit is over")
    process.send_signal(signal.SIGCONT)
    outcome = batches.program.finish(process)
    assert outcome.status == 0, outcome
    assert outcomes(parse(outcome.stdout)) == ["succeeded"] * 2


def test_elsewhere_there_are_no_control_characters(batches):
    batches.write("r.ndjson", ["a"] * 5)
    outcome = batches.run("r.ndjson", command=["sleep", "0.1"], status=0)
    assert b"\x1b" not in outcome.stderr and b"\r" not in outcome.stderr


def test_a_line_of_progress_comes_when_asked_for_by_signal(batches):
    batches.write("r.ndjson", ["a"] * 7)
    process = batches.start("r.ndjson", "-o", "out.ndjson", "-j", "1", command=until_go(batches))
    processes.await_until(lambda: len(processes.marked(batches.program.marker)) > 2, "the first request runs")
    process.send_signal(signal.SIGUSR1)
    assert processes.read_line(process.stderr.fileno()).startswith("algo-run: progress: 0")
    (batches.directory / "go").touch()
    assert batches.program.finish(process).status == 0


@pytest.mark.parametrize("style", ["none", "plain", "bar"])
def test_a_style_is_what_was_asked_for(batches, style):
    batches.write("r.ndjson", ["a"] * 2)
    outcome = batches.run("r.ndjson", "-o", "out.ndjson", "-j", "1", "--progress", style, command=["sleep", "0.4"], status=0)
    assert (b"\x1b[K" in outcome.stderr) == (style == "bar")
    assert any("2 requests in" in message or "2 requests" in message for message in outcome.stderr.decode().split("algo-run: "))
