# SPDX-License-Identifier: Apache-2.0
"""An error that a command prints ends in what to do about it."""

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
