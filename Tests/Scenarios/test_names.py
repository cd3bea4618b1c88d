# SPDX-License-Identifier: Apache-2.0
"""Names that are not UTF-8 are carried as they are, or refused with one sentence; they never become other names."""

import os

import pytest

LATIN = os.fsdecode(b"caf\xe9")


def everything(program):
    """The names of all files below the working directory."""
    return sorted(os.fsencode(path.relative_to(program.directory)) for path in program.directory.rglob("*"))


@pytest.mark.parametrize("arguments", [
    ["exec", "--report", LATIN, "--", "touch", "ran"],
    ["exec", "--input", LATIN, "--", "touch", "ran"],
    ["exec", "--home", LATIN, "--", "touch", "ran"],
    ["exec", f"--report={LATIN}", "--", "touch", "ran"],
    ["batch", "o/a", LATIN, "--", "touch", "ran"],
    ["batch", "o/a", "requests.ndjson", "--output", LATIN],
    ["batch", "o/a", "requests.ndjson", "--summary", LATIN],
    ["check", LATIN],
    ["check", "--", LATIN],
    ["publish", "o/a", "--directory", LATIN, "--", "true"],
    ["publish", "o/a", "--env", f"X={LATIN}", "--", "true"],
    ["publish", "o/a", "--notes", LATIN, "--", "true"],
    ["publish", "o/a", "--", "cat", LATIN],
    ["connection", "set", "--type", "file", "--path", LATIN],
])
def test_an_argument_that_is_not_utf_8_is_refused_and_nothing_is_touched(program, arguments):
    program.run("publish", "o/a", "--", "true", status=0)
    versions = program.run("versions", status=0).stdout
    (program.directory / "requests.ndjson").write_text("1\n")
    (program.directory / LATIN).write_text("{}")
    before = everything(program)
    outcome = program.run(*arguments, status=64)
    [message] = outcome.messages
    assert "not UTF-8" in message
    assert everything(program) == before
    assert program.run("versions", status=0).stdout == versions


@pytest.mark.parametrize("variable", ["ALGO_RUN_HOME", "XDG_STATE_HOME", "HOME"])
def test_a_home_whose_name_is_not_utf_8_is_refused(program, variable):
    environment = {name: None for name in ("ALGO_RUN_HOME", "XDG_STATE_HOME", "HOME")}
    environment[variable] = os.path.join(program.directory, LATIN)
    for arguments in (["publish", "o/a", "--", "true"], ["exec", "o/a"], ["versions"]):
        outcome = program.run(*arguments, env=environment)
        assert outcome.status in (1, 125) and f"${variable} is not UTF-8 text" in outcome.messages[0], outcome
    assert everything(program) == []


def test_a_bare_command_runs_whatever_the_home_is_called(program):
    outcome = program.run("exec", "--", "echo", "ran", env={"ALGO_RUN_HOME": f"/{LATIN}"}, status=0)
    assert (outcome.stdout, outcome.messages) == (b"ran\n", [])


def test_in_a_directory_whose_name_is_not_utf_8_relative_names_are_refused_where_they_would_be_stored(program):
    place = os.path.join(program.directory, LATIN)
    os.mkdir(place)
    for arguments in (
        ["publish", "o/a", "--directory", ".", "--", "true"], ["publish", "o/a", "--home", "h", "--", "true"],
        ["connection", "set", "--type", "file", "--path", "p.ndjson"],
    ):
        outcome = program.run(*arguments, cwd=place)
        assert outcome.status in (1, 64) and "not UTF-8" in outcome.messages[0], outcome
    assert everything(program) == [b"caf\xe9"]
    # Names that are not stored mean what they mean to every program.
    program.run("exec", "--report", "r.json", "--", "true", cwd=place, status=0)
    assert os.listdir(os.fsencode(place)) == [b"r.json"]


def test_a_command_of_a_batch_gets_its_words_byte_for_byte(program):
    program.run("publish", "o/a", "--", "true", status=0)
    (program.directory / LATIN).write_text("content")
    outcome = program.run("batch", "o/a", "-", "--", "cat", LATIN, input=b"1\n", status=0)
    assert b'"result":"content"' in outcome.stdout
