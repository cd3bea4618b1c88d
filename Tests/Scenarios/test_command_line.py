# SPDX-License-Identifier: Apache-2.0
"""Help, completions, version and messages (docs/contract.md 3)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import processes

COMMANDS = ["exec", "publish", "versions", "insights", "check"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_usage_and_examples(program, command):
    for arguments in ([command, "--help"], ["help", command]):
        outcome = program.run(*arguments)
        if arguments[0] == "help" and outcome.status == 64:
            continue
        assert (outcome.status, outcome.stderr) == (0, b"")
        shown = outcome.stdout.decode()
        assert re.search(rf"(?i)usage: *\S*algo-run {command}", shown)
        assert re.search("(?i)examples?:", shown) and shown.count(f"algo-run {command}") >= 2
    assert not program.home.exists()


def test_help_names_every_command(program):
    for arguments in ([], ["--help"], ["-h"]):
        outcome = program.run(*arguments)
        shown = outcome.stdout.decode() + outcome.stderr.decode()
        assert all(re.search(rf"(?m)^\s+{command}\b", shown) for command in COMMANDS)
    assert program.run("--help").status == 0


@pytest.mark.parametrize("command, option", [
    ("exec", "--timeout"), ("exec", "--grace"), ("exec", "--stop-signal"), ("exec", "--report"), ("exec", "--input"),
    ("exec", "--strict"), ("exec", "--keep-descendants"), ("exec", "--home"), ("publish", "--bump"),
    ("publish", "--version"),
    ("publish", "--no-insights"), ("publish", "--notes"), ("publish", "--directory"), ("publish", "--env"),
    ("versions", "--json"),
    ("publish", "--timeout"), ("check", "--json")])
def test_every_option_of_the_contract_is_in_the_help(program, command, option):
    assert option in program.run(command, "--help", status=0).stdout.decode()


def test_version_is_the_number_of_the_file_version_and_then_the_commit_and_the_libraries(program):
    outcome = program.run("--version", status=0)
    number, *facts = outcome.stdout.decode().splitlines()
    assert number == (Path(__file__).resolve().parents[2] / "VERSION").read_text().strip()
    assert [fact.split(" ")[0] for fact in facts] == [
        "commit", "Swift", "SQLite", "OpenSSL", "librdkafka", "libmicrohttpd"]
    assert re.fullmatch(r"commit ([0-9a-f]{40}(-modified)?|unknown)", facts[0]) and outcome.stderr == b""


def test_the_manual_has_a_page_for_every_command_with_the_options_of_its_help(program):
    pages = program.directory / "manual"
    pages.mkdir()
    program.run("--generate-manual", pages, status=0)
    commands = list(words_and_subcommands(program))
    assert len(commands) > 20
    for words in commands:
        page = (pages / ("-".join(["algo-run", *words]) + ".1")).read_text().replace("\\-", "-")
        help_text = program.run(*words, "--help", status=0).stdout.decode()
        for option in re.findall(r"(?m)^  (?:-\w, )?(--[a-z-]+)", help_text):
            assert option in page, (words, option)


@pytest.mark.parametrize("arguments", [
    ["exce", "--", "true"], ["exec", "--tiemout", "1s", "--", "true"], ["no-such"], ["--nope"],
    ["versions", "a/b", "c/d"], ["insights", "maybe", "o/a"], ["insights", "on"]])
def test_a_mistake_gives_64_and_is_printed_with_the_prefix(program, arguments):
    outcome = program.run(*arguments)
    assert outcome.status == 64 and outcome.stdout == b""
    assert outcome.stderr.startswith(b"algo-run: ")


def test_a_misspelt_option_or_command_is_recognised(program):
    assert b"--timeout" in program.run("exec", "--tiemout", "1s", "--", "true").stderr
    assert b"exec" in program.run("exce", "--", "true").stderr


@pytest.mark.parametrize("arguments", [
    ["exec", "--b\033[31m\n"], ["\033[31m\n"], ["exec", "--timeout", "\033[31m\n", "--", "true"],
    ["versions", "a/b", "\033[31m\n"]])
def test_no_argument_drives_the_terminal_through_a_message(program, arguments):
    stderr = program.run(*arguments, status=64).stderr
    assert b"\\u{1b}[31m\\u{a}" in stderr and b"\033" not in stderr and stderr.count(b"\n") == 1


def test_the_words_behind_the_two_dashes_are_the_childs(program):
    for words in (["--help"], ["--version"], ["-h"], ["--"], ["--home", "x"]):
        outcome = program.python("import sys; print(*sys.argv[1:])", arguments=words, status=0)
        assert outcome.stdout.decode() == " ".join(words) + "\n"


def test_a_reader_of_the_listing_that_went_away_causes_no_message(program):
    import os
    program.run("publish", "o/a", "--", "true", status=0)
    reader, writer = os.pipe()
    os.close(reader)
    outcome = program.run("versions", stdout=writer)
    os.close(writer)
    assert outcome.stderr == b"" and outcome.status in (1, 141, -13)


def test_a_full_disk_under_a_listing_is_reported(program):
    program.run("publish", "o/a", "--", "true", status=0)
    with open("/dev/full", "wb") as full:
        outcome = program.run("versions", "--json", stdout=full)
    assert outcome.status not in (0, 64) and len(outcome.messages) == 1


def test_options_are_read_before_and_behind_the_reference_and_with_an_equals_sign(program):
    program.run("publish", "o/a", "--", "sleep", "1000", status=0)
    for arguments in (["--timeout", "50ms", "o/a"], ["o/a", "--timeout", "50ms"], ["o/a", "--timeout=50ms"]):
        program.run("exec", *arguments, status=124)


def documented_statuses():
    """The table of exit statuses in the documentation: the cells of each command's row."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text().split("## Exit statuses")[1]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    return {command: cells for command, *cells in rows}


def words_and_subcommands(program):
    """Every command that can be run, as its words."""
    def subcommands(*words):
        shown = program.run(*words, "--help", status=0).stdout.decode()
        _, _, section = shown.partition("SUBCOMMANDS:\n")
        return re.findall(r"(?m)^  ([a-z]+)\b", section.split("\n\n")[0])
    for word in subcommands():
        below = subcommands(word)
        if not below or b"[SUBCOMMAND]" in program.run(word, "--help", status=0).stdout:
            yield [word]
        yield from ([word, name] for name in below)


def test_help_lists_the_exit_statuses_of_the_documentation(program):
    documented = documented_statuses()
    commands = {" ".join(words): words for words in words_and_subcommands(program)}
    assert set(documented) == set(commands)
    for name, words in commands.items():
        shown = " ".join(program.run(*words, "--help", status=0, env={"COLUMNS": "120"}).stdout.decode().split())
        told = shown.split("Exit status: ")[1].split(" USAGE:")[0]
        zero, one, others = (cell.replace("`", "") for cell in documented[name])
        statuses = set(re.findall(r"(?:^|; )(\d+)", others))
        assert statuses == set(re.findall(r"(?:^|; )(\d+)", told)) - {"0", "1"}, name
        if name != "exec":
            assert f"0 {zero};" in told, name
            assert f"1 {one};" in told if one != "—" else not re.search(r"(?:^|; )1 ", told), name
