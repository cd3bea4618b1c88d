# SPDX-License-Identifier: Apache-2.0
"""An error that a command prints ends in what to do about it."""

import resource
import signal
import sqlite3

import pytest


def newer_state(program):
    program.run("publish", "demo/a", "--", "true", status=0)
    database = sqlite3.connect(program.home / "state.db")
    database.execute("PRAGMA user_version = 99")
    database.close()


def published(program):
    program.run("publish", "demo/a", "--version", "1.2.9", "--", "true", status=0)


def no_home(program):
    (program.directory / "taken").touch()


@pytest.mark.parametrize("prepare, arguments, remedy", [
    (newer_state, ["versions"], "install the newer algo-run, or pass another --home DIR."),
    (published, ["publish", "demo/a", "--version", "1.2.9", "--", "true"],
     "publish the next one with --version 1.2.10, or leave --version out."),
    (no_home, ["publish", "demo/a", "--home", "taken", "--", "true"], "move it away, or pass another --home DIR."),
], ids=["newer state", "published", "a file in the home's place"])
def test_an_error_ends_in_what_to_do(program, prepare, arguments, remedy):
    prepare(program)
    outcome = program.run(*arguments)
    assert outcome.status != 0
    [message] = outcome.messages
    assert message.endswith(f"; {remedy}"), message


@pytest.mark.parametrize("arguments", [
    ["publish", "demo/b", "--", "true"], ["publish", "demo/b", "--home", "new", "--", "true"],
    ["insights", "on", "demo/a"], ["keys", "create", "x"], ["outbox", "deliver"],
], ids=["publish", "publish in a new home", "insights", "keys", "outbox deliver"])
def test_a_limit_of_the_size_of_files_is_an_error_with_a_remedy(program, arguments):
    published(program)
    outcome = program.run(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    [message] = outcome.messages
    assert outcome.status == 1, outcome
    assert message.endswith("(File too large); raise the limit of the size of files (ulimit -f)."), message
    assert not list(program.directory.rglob("*.new-*")), "nothing half made is left"


def test_runs_are_listed_under_a_limit_of_the_size_of_files(program):
    published(program)
    program.run("exec", "demo/a", status=0)
    outcome = program.run(
        "runs", "--json", status=0, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert b"demo/a/1.2.9" in outcome.stdout and "File too large" in outcome.messages[0]


@pytest.mark.parametrize("command", [["exec", "demo/a"], ["batch", "demo/a", "one"]], ids=["exec", "batch"])
@pytest.mark.parametrize("mask", [set(), {signal.SIGXFSZ}], ids=["taken", "blocked"])
def test_a_child_has_the_signal_of_that_limit_as_without_algo_run(program, command, mask):
    (program.directory / "one").write_text("1\n")
    # Not by a shell: it clears its mask.
    program.run("publish", "demo/a", "--", "cp", "/proc/self/status", "found", status=0)
    program.run(*command, status=0, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask))
    bit = 1 << signal.SIGXFSZ - 1
    found = dict(line.split(":") for line in (program.directory / "found").read_text().splitlines())
    blocked, ignored = int(found["SigBlk"], 16), int(found["SigIgn"], 16)
    assert bool(blocked & bit) == bool(mask) and not ignored & bit


@pytest.mark.parametrize("number", ["1000000001", "99999999999999999999", "-1", "x"])
def test_a_number_out_of_range_is_answered_with_the_range(program, number):
    published(program)
    outcome = program.run("batch", "demo/a", "-", f"--retries={number}", status=64)
    assert "expected a whole number from 0 to 1000000000" in outcome.messages[0]


def test_requests_that_cannot_be_read_are_not_said_to_be_resumable_without_an_output(program):
    published(program)
    # Reading address 0 of a process fails.
    outcome = program.run("batch", "demo/a", "-q", "-", stdin=open("/proc/self/mem", "rb"), status=125)
    assert outcome.messages[-1].endswith("check them and run again, with --resume if there is an --output.")
