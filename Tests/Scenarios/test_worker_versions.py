# SPDX-License-Identifier: Apache-2.0
"""Versions whose program answers many requests: what `publish --worker` keeps (docs/contract.md 3 and 11)."""

import json
import sqlite3

import pytest

DEFAULTS = {"isolate": False, "init_timeout": "5m", "max_requests": 0, "max_rss_bytes": None, "idle": None,
            "drain": "30s"}


def publish(program, *arguments, **rest):
    return program.run("publish", "o/a", *arguments, "--", "true", **rest)


def settings(program):
    return json.loads(program.run("versions", "--json", status=0).stdout)[-1]["worker"]


def test_a_version_without_worker_has_a_process_for_each_request(program):
    publish(program, status=0)
    assert settings(program) is None


def test_a_worker_version_has_the_documented_defaults(program):
    publish(program, "--worker", "--no-check", status=0)
    assert settings(program) == DEFAULTS


def test_the_settings_given_to_publish_are_kept_as_the_defaults_of_the_version(program):
    publish(program, "--worker", "--no-check", "--isolate", "--init-timeout", "90s", "--max-requests", "1000",
            "--max-rss", "1GiB", "--idle", "10m", "--drain", "1500ms", status=0)
    assert settings(program) == {"isolate": True, "init_timeout": "90s", "max_requests": 1000,
                                 "max_rss_bytes": 1 << 30, "idle": "10m", "drain": "1500ms"}


def test_a_later_version_is_a_worker_only_if_it_is_published_as_one(program):
    publish(program, "--worker", "--no-check", status=0)
    publish(program, status=0)
    assert settings(program) is None


def test_the_table_shows_how_each_version_runs(program):
    publish(program, status=0)
    publish(program, "--worker", "--no-check", status=0)
    publish(program, "--worker", "--no-check", "--isolate", status=0)
    header, *rows = program.run("versions", status=0).stdout.decode().splitlines()
    column = header.split().index("RUNS")
    assert [row.split()[column] for row in rows] == ["process", "worker", "isolated"]


@pytest.mark.parametrize("option", [
    ["--isolate"], ["--init-timeout", "1m"], ["--max-requests", "5"], ["--max-rss", "1G"], ["--idle", "1m"],
    ["--drain", "1s"], ["--no-check"]])
def test_a_setting_of_workers_without_worker_is_refused_in_one_sentence(program, option):
    outcome = publish(program, *option, status=64)
    [message] = outcome.messages
    assert option[0] in message and "--worker" in message
    assert not program.home.exists(), "nothing was published"


@pytest.mark.parametrize("option, value", [
    ("--init-timeout", "0s"), ("--init-timeout", "soon"), ("--max-requests", "-1"), ("--max-requests", "many"),
    ("--max-rss", "big"), ("--idle", "5"), ("--drain", "x")])
def test_a_setting_that_means_nothing_is_refused_and_named(program, option, value):
    [message] = publish(program, "--worker", f"{option}={value}", status=64).messages
    assert option in message and value in message


@pytest.mark.parametrize("command", [["exec", "o/a"], ["batch", "o/a"]])
@pytest.mark.parametrize("option", [
    ["--isolate"], ["--init-timeout", "1m"], ["--max-requests", "5"], ["--max-rss", "1G"], ["--idle", "1m"],
    ["--drain", "1s"]])
def test_a_setting_of_workers_is_refused_for_a_version_of_processes(program, command, option):
    publish(program, status=0)
    [message] = program.run(*command, *option, status=64).messages
    assert option[0] in message and "o/a/1.0.0" in message and "--worker" in message


def test_a_setting_of_workers_is_refused_for_a_bare_command(program):
    [message] = program.run("exec", "--idle", "1m", "--", "true", status=64).messages
    assert "--idle" in message and "bare command" in message


@pytest.mark.parametrize("name", ["ALGO_WORKER", "ALGO_WORKER_ISOLATION"])
def test_a_process_version_does_not_inherit_the_variables_of_a_worker(program, name):
    publish(program, status=0)
    for reference in ([], ["o/a"]):
        outcome = program.run("exec", *reference, "--", "env", env={name: "1:4:5:6", "OTHER": "kept"}, status=0)
        assert b"OTHER=kept" in outcome.stdout and name.encode() not in outcome.stdout
    assert name in publish(program, "--env", f"{name}=1", status=64).messages[0]


# The tables as version 0.1.0 made them.
FIRST_SCHEMA = """
    CREATE TABLE version (
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      major INTEGER NOT NULL,
      minor INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      command BLOB NOT NULL,
      directory TEXT,
      time_limit_microseconds INTEGER,
      environment BLOB NOT NULL,
      notes TEXT NOT NULL,
      published_microseconds INTEGER NOT NULL,
      insights INTEGER NOT NULL CHECK (insights IN (0, 1)),
      PRIMARY KEY (owner, name, major, minor, revision)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER version_is_immutable BEFORE UPDATE OF
      owner, name, major, minor, revision, command, directory, time_limit_microseconds, environment, notes,
      published_microseconds ON version
    BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;
    CREATE TRIGGER version_is_kept BEFORE DELETE ON version
    BEGIN SELECT RAISE(ABORT, 'a published version is kept'); END;
    CREATE TABLE connection_setting (
      name TEXT NOT NULL,
      position INTEGER NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (name, position)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO version VALUES ('o', 'a', 1, 0, 0, x'7072696e74656e7600414c474f5f56455253494f4e00', NULL, NULL, x'', '',
      1700000000000000, 1);
    PRAGMA user_version = 1;
"""


def first_home(program):
    program.home.mkdir(mode=0o700, parents=True)
    with sqlite3.connect(program.home / "state.db") as database:
        database.executescript(FIRST_SCHEMA)
    database.close()
    (program.home / "state.db").chmod(0o600)


def test_a_home_of_version_0_1_0_runs_and_takes_worker_versions(program):
    first_home(program)
    assert program.run("exec", "o/a", status=0).stdout == b"1.0.0\n"
    assert settings(program) is None
    publish(program, "--worker", "--no-check", status=0)
    assert settings(program) == DEFAULTS


def test_the_triggers_of_version_0_1_0_cost_no_execution_anything(program):
    first_home(program)
    program.run("exec", "o/a", status=0)
    with sqlite3.connect(program.home / "state.db") as database:
        assert database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall() == []
    database.close()


def test_a_home_of_a_later_version_is_refused_in_one_sentence(program):
    publish(program, status=0)
    with sqlite3.connect(program.home / "state.db") as database:
        [[known]] = database.execute("PRAGMA user_version")
        database.execute(f"PRAGMA user_version = {known + 1}")
    database.close()
    for command in (["versions"], ["exec", "o/a"]):
        outcome = program.run(*command)
        assert outcome.status not in (0, 64)
        [message] = outcome.messages
        assert "newer algo-run" in message and "install the newer algo-run" in message
