# SPDX-License-Identifier: Apache-2.0
"""Where state lives, who may read it, and what happens when it cannot be read (docs/contract.md 2 and 4)."""

import os
import stat

import pytest

from harness import processes
from harness.mounts import mounted
from harness.server import Server


def publish(program, *options, **rest):
    return program.run("publish", "o/a", *options, "--insights", "--", "true", status=0, **rest)


def test_home_is_the_option_then_the_variable_then_xdg_then_the_users(program):
    base = program.directory
    places = {
        "option": base / "option", "variable": base / "variable", "xdg": base / "xdg" / "algo-run",
        "user": base / "user" / ".local" / "state" / "algo-run",
    }
    variables = {
        "ALGO_RUN_HOME": str(places["variable"]), "XDG_STATE_HOME": str(base / "xdg"), "HOME": str(base / "user")}
    publish(program, "--home", places["option"], env=variables)
    assert [name for name, place in places.items() if place.exists()] == ["option"]
    publish(program, env=variables)
    assert [name for name, place in places.items() if place.exists()] == ["option", "variable"]
    publish(program, env={**variables, "ALGO_RUN_HOME": None})
    assert [name for name, place in places.items() if place.exists()] == ["option", "variable", "xdg"]
    publish(program, env={**variables, "ALGO_RUN_HOME": "", "XDG_STATE_HOME": ""})
    assert [name for name, place in places.items() if place.exists()] == list(places)


@pytest.mark.parametrize("mask", ["000", "022", "077", "777"])
def test_home_is_for_its_user_alone_whatever_the_umask(program, mask):
    prepare = {"preexec_fn": lambda: os.umask(int(mask, 8))}
    publish(program, **prepare)
    program.run("exec", "o/a", status=0, **prepare)
    assert stat.S_IMODE(program.home.stat().st_mode) == 0o700
    files = [path for path in program.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"state.db", "insights.ndjson"}
    if mask != "777":
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}, files
    else:
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in files)


def test_a_home_that_others_may_read_stays_as_its_user_made_it(program):
    program.home.mkdir(mode=0o750)
    publish(program)
    assert stat.S_IMODE(program.home.stat().st_mode) == 0o750


LOOKING = [
    (["outbox", "status"], 0), (["outbox", "status", "--json"], 0), (["outbox", "list"], 0), (["versions"], 0),
    (["versions", "--json"], 0), (["versions", "o/a"], 1), (["connection", "show"], 0),
    (["connection", "show", "--json"], 0)]


@pytest.mark.parametrize("arguments, status", LOOKING)
@pytest.mark.parametrize("wrong", ["misspelt", "deep/misspelt"])
def test_a_missing_home_is_reported_with_its_path(program, arguments, status, wrong):
    outcome = program.run(*arguments, "--home", wrong, status=status)
    [message] = outcome.messages
    assert "there is no directory" in message and str(program.directory / wrong) in message
    assert not (program.directory / wrong).exists(), "looking makes nothing"
    # The output is that of an empty home, but for its path.
    (program.directory / wrong).mkdir(parents=True)
    empty = program.run(*arguments, "--home", wrong, status=status)
    assert empty.stdout == outcome.stdout
    assert not any("there is no directory" in message for message in empty.messages)


def test_an_execution_of_a_bare_command_makes_no_home(program):
    program.run("exec", "--", "true", status=0)
    assert not program.home.exists()


def test_a_relative_home_is_one_below_the_working_directory(program):
    publish(program, "--home", "here/deep")
    assert (program.directory / "here" / "deep" / "state.db").exists()
    program.run("exec", "--home", "here/deep", "o/a", status=0)
    assert len(program.insights(program.directory / "here" / "deep")) == 1


def test_a_home_whose_name_is_odd_works(program):
    for name in ["with space", "a'b\"c", "100%?#&=.db", "\u00e9\U0001f600", "x" * 200]:
        publish(program, "--home", name)
        program.run("exec", "--home", name, "o/a", status=0)
        assert len(program.insights(program.directory / name)) == 1


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"this is no database " * 1000),
    "empty page": lambda path: path.write_bytes(b"\0" * 8192),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2 + 100),
    "first page overwritten": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_state_that_cannot_be_read_never_stops_a_command_that_is_given(program, damage):
    publish(program)
    for path in program.home.glob("state.db-*"):
        path.unlink()
    DAMAGE[damage](program.home / "state.db")
    outcome = program.run("exec", "o/a/1.0.0", "--", "sh", "-c", "echo ran; echo '{\"a\":1}' >&3; exit 7", status=7)
    assert outcome.stdout == b"ran\n"
    assert len(outcome.messages) == len(outcome.stderr.splitlines()) == 1, outcome
    # Without a command there is nothing to run.
    assert program.run("exec", "o/a/1.0.0").status == 125


def test_the_command_runs_even_if_its_version_cannot_be_looked_up(program):
    publish(program)
    DAMAGE["garbage"](program.home / "state.db")
    outcome = program.run("exec", "o/a", "--", "sh", "-c", "exit 7", status=7)
    assert len(outcome.messages) == 1


def test_a_bare_command_runs_whatever_the_state_is(program):
    publish(program)
    DAMAGE["garbage"](program.home / "state.db")
    outcome = program.run("exec", "--", "sh", "-c", "exit 7", status=7)
    assert len(outcome.messages) <= 1


def test_state_that_cannot_be_read_fails_the_commands_that_need_it_with_one_sentence(program):
    publish(program)
    DAMAGE["garbage"](program.home / "state.db")
    before = (program.home / "state.db").read_bytes()
    for arguments in (["versions"], ["insights", "on", "o/a"], ["publish", "o/a", "--", "true"]):
        outcome = program.run(*arguments)
        assert outcome.status not in (0, 64) and len(outcome.messages) == 1, f"{arguments}: {outcome}"
        assert "state.db" in outcome.messages[0]
    assert (program.home / "state.db").read_bytes() == before, "what may still be rescued is left as it is"


def test_a_home_that_is_a_file_is_reported_as_such(program):
    program.home.write_text("")
    outcome = program.run("publish", "o/a", "--", "true")
    assert outcome.status not in (0, 64) and len(outcome.messages) == 1 and str(program.home) in outcome.messages[0]
    program.run("exec", "o/a/1.0.0", "--", "sh", "-c", "exit 7", status=7)


def unprivileged(program):
    """Runs as a user that the system does not know and that has no home."""
    for parent in [program.directory, *program.directory.parents, program.binary, *program.binary.parents]:
        if parent.is_dir() and parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)

    def become():
        os.setgroups([])
        os.setgid(54321)
        os.setuid(54321)
    return {"preexec_fn": become, "env": {"HOME": None, "ALGO_RUN_HOME": None}}


@pytest.mark.root
def test_without_any_home_a_command_that_is_given_runs(program):
    outcome = program.run("exec", "--", "sh", "-c", "exit 7", status=7, **unprivileged(program))
    assert outcome.stderr == b""
    outcome = program.run("exec", "o/a/1.0.0", "--", "sh", "-c", "exit 7", status=7, **unprivileged(program))
    assert len(outcome.messages) == 1 and "--home" in outcome.messages[0]


@pytest.mark.root
def test_without_any_home_a_command_that_needs_one_explains_how_to_give_it(program):
    for arguments in (["versions"], ["publish", "o/a", "--", "true"], ["exec", "o/a"]):
        outcome = program.run(*arguments, **unprivileged(program))
        assert outcome.status not in (0, 64) and len(outcome.messages) == 1 and "--home" in outcome.messages[0]


@pytest.mark.root
def test_a_server_whose_home_cannot_be_made_is_not_ready_and_prints_so(program):
    options = unprivileged(program)
    with Server(program, key=False, preexec_fn=options["preexec_fn"], env={"HOME": "/nonexistent", "ALGO_RUN_HOME": None}) as server:
        status, _, body = server.request("GET", "/readyz", headers={})
        assert (status, body) == (503, b"/ cannot be written (Permission denied)\n")
        assert server.stop() == 0
    assert any("/nonexistent/" in line and ": / cannot be written" in line and "--home" in line for line in server.messages)


FILL = 'dd if=/dev/zero of="$HERE/filler" bs=1k 2> /dev/null; '


def test_a_full_disk_costs_the_payload_and_one_line_and_not_the_execution(program):
    status, stdout, stderr = mounted(
        program, '"$A" publish o/a --insights -- true > /dev/null 2>&1 && "$A" exec o/a && ' + FILL
        + '"$A" exec o/a --report "$A_REPORT" -- sh -c "echo ran; exit 7"; status=$?; '
        'tail -c 1 "$HERE/insights.ndjson" | od -An -c; wc -l < "$HERE/insights.ndjson"; exit $status'
        .replace("$A_REPORT", str(program.directory / "report.json")), size="400k")
    assert status == 7 and stdout.split()[0] == "ran"
    assert len(stderr) <= 1 and all(line.startswith("algo-run: ") for line in stderr), stderr
    assert "\\n" in stdout, "no torn line is left behind"
    assert b'"delivery":{"state":"' in (program.directory / "report.json").read_bytes()


def test_a_disk_that_has_room_again_gets_whole_lines_again(program):
    status, stdout, _ = mounted(
        program, '"$A" publish o/a --insights -- true > /dev/null 2>&1 && "$A" exec o/a && ' + FILL
        + 'for i in 1 2 3 4 5; do "$A" exec o/a; done; rm "$HERE/filler"; "$A" exec o/a && cat "$HERE/insights.ndjson"',
        size="400k")
    lines = stdout.splitlines()
    assert status == 0 and len(lines) >= 2
    whole = ('{"request_id":"req-', '"algorithm_version":"1.0.0"}')
    assert all(line.startswith(whole[0]) and line.endswith(whole[1]) for line in lines)


def test_a_read_only_home_costs_the_payload_and_not_the_execution(program):
    status, stdout, stderr = mounted(
        program, '"$A" publish o/a --insights -- sh -c "echo ran; exit 7" > /dev/null 2>&1 && '
        'mount -o remount,bind,ro "$HERE" && "$A" exec o/a', size="1m")
    assert (status, stdout) == (7, "ran\n"), stderr
    # One line for the payload and one for the history.
    assert len(stderr) == 2 and all(line.startswith("algo-run: ") for line in stderr), stderr
    # They name the file that payloads should be in and what to do, and no draft that only algo-run knows.
    (payload,) = [line for line in stderr if "insights.ndjson" in line]
    assert "connection set" in payload and not any(".new-" in line for line in stderr), stderr


def test_a_read_only_home_can_be_listed_and_not_published_to(program):
    status, stdout, stderr = mounted(
        program, '"$A" publish o/a --insights -- true > /dev/null 2>&1 && mount -o remount,bind,ro "$HERE" && '
        '"$A" versions --json; "$A" publish o/a -- true', size="1m")
    assert status not in (0, 64) and '"version":"1.0.0"' in stdout
    assert len(stderr) == 1 and "read-only" in stderr[0].lower(), stderr


def test_a_disk_too_full_for_a_publication_is_reported(program):
    status, stdout, stderr = mounted(program, FILL + '"$A" publish o/a -- true', size="64k")
    assert status not in (0, 64) and stdout == "" and len(stderr) == 1 and stderr[0].startswith("algo-run: ")


@pytest.mark.root
def test_a_history_that_cannot_be_looked_at_is_not_shown_as_empty(program):
    program.run("publish", "o/a", "--", "true", status=0)
    program.run("exec", "o/a", status=0)
    program.run("runs", status=0)
    options = unprivileged(program)
    program.home.chmod(0o700)
    options["env"] = {"HOME": None, "ALGO_RUN_HOME": str(program.home)}
    outcome = program.run("runs", **options)
    assert outcome.status not in (0, 64) and outcome.stdout == b"", repr(outcome)
    assert len(outcome.messages) == 1 and str(program.home) in outcome.messages[0]
