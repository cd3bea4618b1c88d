# SPDX-License-Identifier: Apache-2.0
"""`publish`, `versions` and `insights` (docs/contract.md 2 and 3)."""

import json
import re
import shlex
import subprocess

import pytest

from harness.program import PYTHON


def publish(program, *arguments, command=("true",), **rest):
    """The reference that was published."""
    outcome = program.run("publish", *arguments, "--", *command, status=0, **rest)
    return outcome.stdout.decode().rstrip("\n")


def listed(program, *arguments):
    return json.loads(program.run("versions", *arguments, "--json", status=0).stdout)


def numbers(program, *arguments):
    return [version["version"] for version in listed(program, *arguments)]


def test_the_first_version_is_1_0_0_and_the_revision_goes_up(program):
    assert [publish(program, "o/a") for _ in range(3)] == ["o/a/1.0.0", "o/a/1.0.1", "o/a/1.0.2"]
    assert publish(program, "o/b") == "o/b/1.0.0", "each algorithm counts for itself"


@pytest.mark.parametrize("part, expected", [("major", "2.0.0"), ("minor", "1.3.0"), ("revision", "1.2.4")])
def test_bump_raises_a_part_and_starts_the_lower_ones_again(program, part, expected):
    publish(program, "o/a", "--version", "1.2.3")
    assert publish(program, "o/a", "--bump", part) == f"o/a/{expected}"


@pytest.mark.parametrize("part", ["major", "minor", "revision"])
def test_the_first_version_is_1_0_0_whatever_is_raised(program, part):
    assert publish(program, "o/a", "--bump", part) == "o/a/1.0.0"


def test_versions_are_ordered_as_numbers_and_not_as_text(program):
    for number in ["1.9.0", "1.10.0", "1.2.0", "10.0.0", "9.0.0"]:
        publish(program, "o/a", "--version", number)
    assert numbers(program, "o/a") == ["1.2.0", "1.9.0", "1.10.0", "9.0.0", "10.0.0"]
    assert publish(program, "o/a") == "o/a/10.0.1"


def test_a_version_may_be_numbered_below_the_latest(program):
    publish(program, "o/a", "--version", "2.0.0")
    publish(program, "o/a", "--version", "1.5.0")
    assert publish(program, "o/a") == "o/a/2.0.1"


def test_publishing_the_same_number_again_is_an_error_and_changes_nothing(program):
    publish(program, "o/a", "--insights", "--notes", "first", command=["echo", "first"])
    before = listed(program)
    outcome = program.run("publish", "o/a", "--version", "1.0.0", "--notes", "second", "--", "echo", "second")
    assert outcome.status not in (0, 64) and len(outcome.messages) == 1 and "1.0.0" in outcome.messages[0]
    assert outcome.stdout == b"" and listed(program) == before


def test_insights_is_off_for_the_first_version_and_then_that_of_the_previous(program):
    publish(program, "o/a")
    publish(program, "o/a", "--insights")
    publish(program, "o/a")
    publish(program, "o/a", "--no-insights")
    publish(program, "o/a")
    assert [version["insights"] for version in listed(program)] == [False, True, True, False, False]
    program.run("insights", "on", "o/a/1.0.4", status=0)
    publish(program, "o/a")
    assert listed(program, "o/a/1.0.5")[0]["insights"] is True, "as it is now, not as it was published"


def test_all_that_was_published_is_listed_as_json(program):
    place = program.directory / "place"
    place.mkdir()
    command = ["python3", "-c", "print('a b')", "--flag", "", "\u00e9"]
    publish(program, "o/a", "--insights", "--notes", "with \u00e9", "--directory", "place", "--timeout", "1500ms",
            "--env", "A=1", "--env", "B=x=y", command=command)
    [version] = listed(program)
    moment = version.pop("published_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", moment)
    assert version == {
        "algorithm": "o/a", "version": "1.0.0", "insights": True, "command": command, "directory": str(place),
        "timeout": "1500ms", "environment": {"A": "1", "B": "x=y"}, "worker": None, "notes": "with \u00e9"}


def test_a_variable_that_is_given_twice_has_its_last_value(program):
    publish(program, "o/a", "--env", "A=1", "--env", "B=2", "--env", "A=3", command=["env"])
    assert b'"environment":{"B":"2","A":"3"}' in program.run("versions", "--json", status=0).stdout
    shown = program.run("exec", "o/a", status=0).stdout.splitlines()
    assert [line for line in shown if line.startswith((b"A=", b"B="))] == [b"B=2", b"A=3"]


def test_the_table_shows_reference_switch_date_and_a_command_that_a_shell_takes(program):
    command = ["sh", "-c", "echo 'it''s $HOME' > /dev/null"]
    publish(program, "o/a", "--insights", command=command)
    publish(program, "o/b")
    header, first, second = program.run("versions", status=0).stdout.decode().splitlines()
    assert header.split() == ["VERSION", "INSIGHTS", "RUNS", "PUBLISHED", "COMMAND"]
    assert re.match(r"o/a/1\.0\.0 +on +process +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +sh -c ", first)
    assert shlex.split(first)[4:] == command
    assert second.split()[:2] == ["o/b/1.0.0", "off"]


def test_an_empty_home_lists_nothing_and_stays_empty(program):
    assert listed(program) == []
    outcome = program.run("versions", status=0)
    assert outcome.stdout == b"" and outcome.messages
    assert not program.home.exists()


@pytest.fixture
def several(program):
    for number in ["1.2.0", "1.2.7", "1.2.10", "1.3.1", "1.10.0", "2.0.0", "12.0.0"]:
        publish(program, "o/a", "--version", number, command=["printenv", "ALGO_VERSION"])
    return program


FORMS = [("o/a", "12.0.0"), ("o/a/1", "1.10.0"), ("o/a/1.2", "1.2.10"), ("o/a/1.2.*", "1.2.10"), ("o/a/1.2.7", "1.2.7"),
         ("o/a/2", "2.0.0"), ("o/a/1.3", "1.3.1"), ("o/a/12.0.0", "12.0.0")]


@pytest.mark.parametrize("reference, expected", FORMS)
def test_a_reference_in_each_of_its_forms_runs_the_latest_that_matches(several, reference, expected):
    assert several.run("exec", reference, status=0).stdout.decode() == expected + "\n"


@pytest.mark.parametrize("reference, expected", [
    ("o/a/1.2", ["1.2.0", "1.2.7", "1.2.10"]), ("o/a/1.2.*", ["1.2.0", "1.2.7", "1.2.10"]), ("o/a/1.2.7", ["1.2.7"]),
    ("o/a/1", ["1.2.0", "1.2.7", "1.2.10", "1.3.1", "1.10.0"]), ("o/a/2", ["2.0.0"]),
])
def test_versions_lists_all_that_match(several, reference, expected):
    assert numbers(several, reference) == expected


@pytest.mark.parametrize("reference", ["o/a/3", "o/a/1.4", "o/a/1.2.1", "o/a/1.4.*", "o/b", "x/a", "O/a", "o/A"])
def test_a_reference_that_matches_nothing_is_reported(several, reference):
    outcome = several.run("exec", reference, status=125)
    assert len(outcome.messages) == 1 and reference.split("/")[1] in outcome.messages[0]
    assert several.run("insights", "on", reference).status not in (0, 64)
    assert listed(several, reference) == []


@pytest.mark.parametrize("reference, expected", FORMS[:5])
def test_the_switch_is_that_of_the_latest_version_that_matches_and_of_no_other(several, reference, expected):
    outcome = several.run("insights", "on", reference, status=0)
    assert f"o/a/{expected}" in outcome.stderr.decode() + outcome.stdout.decode()
    assert [version["version"] for version in listed(several) if version["insights"]] == [expected]


NAMES = [
    "o", "o/", "/a", "o//a", "o/a/b/c", "o a/b", "-o/a", ".o/a", "o/.a", "o/-a", "o/\u00e9", "o/a b", "", "/", "o/a\n",
    "o/" + "a" * 65, "a" * 65 + "/o", "o/a$", "o/a:1", "o\\a", "\uff4f/a"]


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_name_is_refused_by_every_command(program, name):
    for arguments in (["publish", name, "--", "true"], ["exec", name], ["versions", name], ["insights", "on", name]):
        outcome = program.run(*arguments)
        assert outcome.status == 64, f"{arguments}: {outcome}"
        assert outcome.messages and outcome.stdout == b""
        assert all(character == "\n" or character.isprintable() for character in outcome.stderr.decode())
    assert not program.home.exists()


@pytest.mark.parametrize("name", [
    "o/a", "_/_", "0/1", "A.b-c_d/e.f-g_h", "o/" + "a" * 64, "a" * 64 + "/o", "o/a..", "o/1.0.0"])
def test_every_name_of_the_contract_is_accepted(program, name):
    assert publish(program, name) == f"{name}/1.0.0"
    program.run("exec", name, status=0)


@pytest.mark.parametrize("number", [
    "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "1.0.*", "-1.0.0", "1.0.01", "01.0.0", " 1.0.0", "1.0.0-rc1",
    "", "1..0", "99999999999999999999.0.0"])
def test_a_bad_version_number_is_refused(program, number):
    assert program.run("publish", "o/a", "--version", number, "--", "true").status == 64
    assert not program.home.exists()


@pytest.mark.parametrize("arguments", [
    ["o/a", "--version", "1.0.0", "--bump", "major", "--", "true"], ["o/a", "--bump", "patch", "--", "true"], ["o/a"],
    ["o/a", "--"],
    ["--", "true"], ["o/a", "--env", "NOVALUE", "--", "true"], ["o/a", "--env", "=x", "--", "true"],
    ["o/a", "--timeout", "0s", "--", "true"], ["o/a", "--timeout", "10", "--", "true"],
    ["o/a", "--directory", "no-such-directory", "--", "true"],
])
def test_a_publication_that_cannot_be_meant_is_refused(program, arguments):
    outcome = program.run("publish", *arguments)
    assert outcome.status == 64, repr(outcome)
    assert not program.home.exists()


def test_a_command_that_is_not_text_is_refused_rather_than_stored_differently(program):
    import os
    assert program.run("publish", "o/a", "--", "cat", os.fsdecode(b"caf\xe9")).status == 64


def test_the_directory_is_where_the_command_runs_wherever_exec_is_called(program):
    place, elsewhere = program.directory / "place", program.directory / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()
    publish(program, "o/a", "--directory", "place", command=["sh", "-c", "pwd; cat data"])
    (place / "data").write_text("here\n")
    assert program.run("exec", "o/a", cwd=elsewhere, status=0).stdout.decode() == f"{place}\nhere\n"
    (place / "tool").write_text("#!/bin/sh\necho tool\n")
    (place / "tool").chmod(0o755)
    publish(program, "o/a", "--directory", "place", command=["./tool"])
    assert program.run("exec", "o/a", cwd=elsewhere, status=0).stdout == b"tool\n"
    publish(program, "o/a", command=["pwd"])
    assert program.run("exec", "o/a", cwd=elsewhere, status=0).stdout.decode() == f"{elsewhere}\n"


def test_many_that_publish_together_each_get_a_number_of_their_own(program):
    started = [program.start("publish", "o/a", "--", "true") for _ in range(30)]
    finished = [program.finish(process) for process in started]
    assert {outcome.status for outcome in finished} == {0}, [o for o in finished if o.status]
    assert sorted(outcome.stdout for outcome in finished) == sorted(b"o/a/1.0.%d\n" % i for i in range(30))
    assert len(listed(program)) == 30


def test_many_that_claim_one_number_together_leave_one_winner(program):
    started = [
        program.start("publish", "o/a", "--version", "3.0.0", "--notes", str(i), "--", "true") for i in range(20)]
    statuses = [program.finish(process).status for process in started]
    assert statuses.count(0) == 1
    assert listed(program)[0]["notes"] == str(statuses.index(0))


def test_a_publication_that_is_killed_is_there_wholly_or_not_at_all(program):
    import time
    for moment in range(0, 12):
        process = program.start("publish", "o/a", "--env", "A=1", "--", PYTHON)
        time.sleep(moment / 1000)
        process.kill()
        process.wait()
    versions = listed(program)
    assert [version["version"] for version in versions] == [f"1.0.{i}" for i in range(len(versions))]
    assert all(v["command"] == [PYTHON] and v["environment"] == {"A": "1"} for v in versions)
    assert publish(program, "o/a") == f"o/a/1.0.{len(versions)}"


def test_a_command_in_the_listing_cannot_drive_the_terminal_and_is_still_readable(program):
    command = ["echo", "\x1b[31mred\x07", "\x9b2J", "\u202egnp", "two\nlines", "it's \x01"]
    publish(program, "o/a", command=command)
    shown = program.run("versions", status=0).stdout.decode()
    assert all(character == "\n" or character.isprintable() for character in shown)
    words = shown.splitlines()[1].split("Z  ", 1)[1]
    said = subprocess.run(["bash", "-c", f"printf '%s\\0' {words}"], stdout=subprocess.PIPE, check=True,
                          env=program.environment()).stdout.decode().split("\0")
    assert said[:-1] == command
