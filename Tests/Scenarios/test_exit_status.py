# SPDX-License-Identifier: Apache-2.0
"""The exit status of `exec` shows how the execution went (docs/contract.md 4)."""

import os
import resource
import signal
import subprocess

import pytest

from harness import processes
from harness.program import HANDLES, PYTHON

# Signals whose default is to end a process. 32 and 33 belong to the C library.
ENDING = [
    number for number in range(1, 65)
    if number not in (17, 18, 19, 20, 21, 22, 23, 28, 32, 33)
]


def test_every_one_of_the_256_exit_codes_is_the_childs_own(program):
    told = [program.run("exec", "--", "sh", "-c", f"exit {code}").status for code in range(256)]
    assert told == list(range(256))


def test_algo_run_ends_by_the_signal_that_ended_the_child(program):
    source = "import os, sys, signal; n = int(sys.argv[1]); " \
             "n in (9, 19) or signal.signal(n, signal.SIG_DFL); os.kill(os.getpid(), n); signal.pause()"
    no_core = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))}
    told = {number: program.python(source, arguments=[number], **no_core).status for number in ENDING}
    assert told == {number: -number for number in ENDING}


def test_a_shell_sees_128_plus_the_number_of_the_signal(program):
    for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1):
        finished = subprocess.run(["sh", "-c", f'"$0" exec -- sh -c "kill -{int(number)} \\$\\$"; exit $?', program.binary],
                                  env=program.environment(), cwd=program.directory, timeout=processes.LIMIT, check=False,
                                  capture_output=True)
        assert finished.returncode == 128 + number


def test_the_first_process_of_a_container_which_no_signal_ends_exits_with_128_plus_its_number(program):
    alone = ["unshare", "--pid", "--fork", "--kill-child"] if os.getuid() == 0 else ["unshare", "-r", "--pid", "--fork"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs a process namespace of its own (unshare --pid), which this machine does not allow")
    finished = subprocess.run([*alone, program.binary, "exec", "--", "sh", "-c", "kill -TERM $$"], check=False,
                              env=program.environment(), cwd=program.directory, timeout=processes.LIMIT)
    assert finished.returncode == 128 + signal.SIGTERM


def test_an_exit_code_above_128_is_not_mistaken_for_a_signal(program):
    _, report = program.report("--", "sh", "-c", "exit 137", status=137)
    assert (report["outcome"], report["exit_code"], report["signal"]) == ("failed", 137, None)


def test_a_child_that_dumped_core_is_one_that_a_signal_ended(program):
    unlimited = resource.getrlimit(resource.RLIMIT_CORE)[1]
    _, report = program.report(
        "--", "sh", "-c", "kill -ABRT $$", status=-signal.SIGABRT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (unlimited, unlimited)))
    assert (report["outcome"], report["exit_code"], report["signal"]) == ("signaled", None, signal.SIGABRT)


def test_algo_run_leaves_no_core_of_its_own(program):
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    try:
        pid = os.posix_spawnp("env", ["env", "-C", program.directory, program.binary, "exec", "--", "sh", "-c",
                                      "kill -ABRT $$"], program.environment())
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limits)
    status = os.waitpid(pid, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)


def test_a_time_limit_gives_124_whatever_the_child_makes_of_it(program):
    stubborn = HANDLES + "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nawait_readable()"
    outcome, report = program.report("--timeout", "1s", "--", PYTHON, "-c", stubborn, status=124)
    assert report["outcome"] == "timed_out"
    assert report["exit_code"] == 7, "the report has the child's own ending"
    program.run("exec", "--timeout", "10ms", "--", "sleep", "1000", status=124)
    # The signal of the time limit ends the child; algo-run ends with 124 all the same.
    program.run("exec", "--timeout", "10ms", "--stop-signal", "KILL", "--", "sleep", "1000", status=124)


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program", "./no-such-program", ""])
def test_a_program_that_is_not_there_gives_127_and_one_sentence(program, name):
    outcome, report = program.report("--", name, status=127)
    assert report["outcome"] == "failed_to_start"
    assert len(outcome.stderr.splitlines()) == 1 and len(outcome.messages) == 1
    assert f'"{name}"' in outcome.messages[0]


def test_a_program_that_may_not_be_executed_gives_126(program):
    plain = program.directory / "plain"
    plain.write_text("#!/bin/sh\nexit 0\n")
    plain.chmod(0o644)
    program.run("exec", "--", "./plain", status=126)
    outcome = program.run("exec", "--", program.directory, status=126)
    assert len(outcome.messages) == 1


def test_a_file_that_is_not_a_program_gives_126(program):
    for name, content in [("text", b"hello"), ("empty", b""), ("orphan", b"#!/no/such/interpreter\n")]:
        path = program.directory / name
        path.write_bytes(content)
        path.chmod(0o755)
        outcome = program.run("exec", "--", f"./{name}")
        assert outcome.status == 126, f"{name}: {outcome}"


def test_the_path_is_searched_as_a_shell_does(program):
    forbidden, first, second = (program.directory / name for name in ("forbidden", "first", "second"))
    for directory, mode in [(forbidden, 0o644), (first, 0o755), (second, 0o755)]:
        directory.mkdir()
        tool = directory / "my-tool"
        tool.write_text(f"#!/bin/sh\necho {directory.name}\n")
        tool.chmod(mode)
    path = f"/no/such:{forbidden}:{first}:{second}:{os.environ['PATH']}"
    assert program.run("exec", "--", "my-tool", env={"PATH": path}, status=0).stdout == b"first\n"
    program.run("exec", "--", "my-tool", env={"PATH": f"/no/such:{forbidden}"}, status=126)
    # An empty entry is the working directory.
    here = program.run("exec", "--", "my-tool", env={"PATH": f":{os.environ['PATH']}"}, cwd=second, status=0)
    assert here.stdout == b"second\n"


@pytest.mark.parametrize("arguments", [
    [], ["--timeout", "soon", "--", "true"], ["--timeout", "0s", "--", "true"], ["--no-such-option", "--", "true"],
    ["not-a-reference"], ["a/b/1.2.3.4"], ["a/b", "c/d", "--", "true"], ["--stop-signal", "NOPE", "--", "true"],
    ["--grace", "5", "--", "true"], ["--"], ["--report"], ["--request-id", "", "--", "true"],
])
def test_a_command_line_that_cannot_be_meant_gives_64_and_runs_nothing(program, arguments):
    outcome = program.run("exec", *arguments)
    assert outcome.status == 64, repr(outcome)
    assert outcome.stdout == b"" and outcome.messages
    assert not program.home.exists()


@pytest.mark.parametrize("arguments", [
    ["--input", "no-such-file", "--", "true"],
    ["--report", "no-such-directory/report.json", "--", "true"],
    ["owner/unpublished", "--", "true"],
    ["owner/unpublished"],
])
def test_a_failure_of_algo_run_itself_gives_125_before_anything_runs(program, arguments):
    outcome = program.run("exec", *arguments[:-1], *([] if arguments[-1] != "true" else ["touch", "ran"]))
    if arguments[-1] != "true":
        outcome = program.run("exec", *arguments)
    assert outcome.status == 125, repr(outcome)
    assert len(outcome.messages) == 1
    assert not (program.directory / "ran").exists()


def test_a_directory_that_went_away_after_publication_gives_125(program):
    place = program.directory / "place"
    place.mkdir()
    program.run("publish", "o/a", "--directory", place, "--", "pwd", status=0)
    assert program.run("exec", "o/a", status=0).stdout == f"{place}\n".encode()
    place.rmdir()
    outcome = program.run("exec", "o/a", status=125)
    assert str(place) in outcome.messages[0]


def test_strict_gives_65_if_a_metric_was_rejected_and_the_child_succeeded(program):
    bad = ["sh", "-c", "echo '{\"a\":\"b\"}' >&3; exit $0"]
    program.run("exec", "--strict", "--", *bad, "0", status=65)
    program.run("exec", "--strict", "--", *bad, "3", status=3)
    program.run("exec", "--", *bad, "0", status=0)
    program.run("exec", "--strict", "--", "sh", "-c", "echo '{\"a\":1}' >&3", status=0)
    program.run("exec", "--strict", "--timeout", "1s", "--", "sh", "-c", "echo [] >&3; sleep 1000", status=124)


def test_without_a_command_the_published_one_runs_and_with_one_that(program):
    program.run("publish", "o/a", "--", "sh", "-c", "echo published; exit 3", status=0)
    assert program.run("exec", "o/a", status=3).stdout == b"published\n"
    assert program.run("exec", "o/a", "--", "sh", "-c", "echo given; exit 4", status=4).stdout == b"given\n"


def test_arguments_reach_the_child_byte_for_byte(program):
    words = ["", " ", "--", "-x", "--help", "a'b\"c", "$HOME", "*", "\n", "\u00e9\U0001f600", os.fsdecode(b"\xff\xfe")]
    outcome = program.python("import os, sys; os.write(1, repr(list(map(os.fsencode, sys.argv[1:]))).encode())",
                             arguments=words, status=0)
    assert outcome.stdout.decode() == repr(list(map(os.fsencode, words)))
