# SPDX-License-Identifier: Apache-2.0
"""Signals sent to algo-run are the child's; dispositions and masks reach it as without algo-run (docs/contract.md 4)."""

import os
import signal
import subprocess

import pytest

from harness import processes
from harness.program import HANDLES, WAITS

FORWARDED = ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH"]

# Prints every signal it gets; ends with status 5 on input.
LISTENER = HANDLES + """
def report(number, _): os.write(1, (signal.Signals(number).name[3:] + "\\n").encode())
for name in "INT TERM HUP QUIT USR1 USR2 WINCH".split(): signal.signal(getattr(signal, "SIG" + name), report)
os.write(1, b"ready\\n")
await_readable(0)
os._exit(5)
"""


def start_listener(program, *options, **rest):
    process = program.start_python(LISTENER, *options, stdin=subprocess.PIPE, **rest)
    assert processes.read_line(process.stdout.fileno()) == "ready"
    return process


@pytest.mark.parametrize("name", FORWARDED)
def test_a_signal_to_algo_run_reaches_the_child_and_stops_nothing_by_itself(program, name):
    process = start_listener(program)
    process.send_signal(getattr(signal, "SIG" + name))
    assert processes.read_line(process.stdout.fileno()) == name
    outcome = program.finish(process, b"end")
    assert (outcome.status, outcome.stdout, outcome.stderr) == (5, b"", b"")


@pytest.mark.parametrize("name", FORWARDED)
def test_a_signal_reaches_the_whole_group(program, name):
    source = f"""
import os, signal
def report(*_): os.write(1, b"%d\\n" % me)
me = 0
signal.signal(signal.SIG{name}, report)
if os.fork() == 0:
    me = 1
    signal.pause()
    os._exit(0)
os.write(1, b"ready\\n")
os.wait()
"""
    # The grandchild may not wait yet when the signal comes: it is blocked until both are ready.
    source = source.replace("me = 0\n", "me = 0\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIG%s])\n" % name)
    source = source.replace("    signal.pause()\n", "    signal.sigwait([signal.SIG%s]); report()\n" % name)
    source = source.replace('os.wait()\n', "signal.sigwait([signal.SIG%s]); report()\nos.wait()\n" % name)
    process = program.start_python(source)
    assert processes.read_line(process.stdout.fileno()) == "ready"
    process.send_signal(getattr(signal, "SIG" + name))
    outcome = program.finish(process)
    assert (outcome.status, sorted(outcome.stdout.split())) == (0, [b"0", b"1"])


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"])
def test_a_child_without_a_handler_ends_by_the_forwarded_signal(program, name):
    process = program.start_python(WAITS)
    assert processes.read_line(process.stdout.fileno()) == "ready"
    number = getattr(signal, "SIG" + name)
    process.send_signal(number)
    assert program.finish(process).status == -number


@pytest.mark.parametrize("first, second", [("INT", "INT"), ("TERM", "TERM"), ("INT", "TERM"), ("TERM", "INT")])
def test_a_second_request_to_stop_kills_a_child_that_will_not(program, first, second):
    report = program.directory / "report.json"
    process = start_listener(program, "--report", report)
    process.send_signal(getattr(signal, "SIG" + first))
    assert processes.read_line(process.stdout.fileno()) == first
    process.send_signal(getattr(signal, "SIG" + second))
    assert process.wait(processes.LIMIT) == -signal.SIGKILL
    assert b'"outcome":"signaled","exit_code":null,"signal":9' in report.read_bytes()


def test_other_signals_may_come_twice(program):
    process = start_listener(program)
    for name in ["HUP", "HUP", "USR1", "USR1", "QUIT", "QUIT", "WINCH", "WINCH", "TERM"]:
        process.send_signal(getattr(signal, "SIG" + name))
        assert processes.read_line(process.stdout.fileno()) == name
    assert program.finish(process, b"end").status == 5


def test_a_stopped_child_hears_that_it_is_to_end(program):
    process = program.start("exec", "--", "sh", "-c", "echo $$; kill -STOP $$; sleep 1000", start_new_session=True)
    child = int(processes.read_line(process.stdout.fileno()))
    processes.await_until(lambda: processes.find(child).state == "T", "the child is stopped")
    process.send_signal(signal.SIGTERM)
    assert program.finish(process).status == -signal.SIGTERM


def test_a_stopped_child_stays_stopped_when_the_window_changes(program):
    process = program.start("exec", "--", "sh", "-c", "echo $$; kill -STOP $$; echo resumed", start_new_session=True)
    child = int(processes.read_line(process.stdout.fileno()))
    processes.await_until(lambda: processes.find(child).state == "T", "the child is stopped")
    process.send_signal(signal.SIGWINCH)
    process.send_signal(signal.SIGWINCH)
    # USR1 is handled after WINCH; here it ends the child, which never resumed.
    process.send_signal(signal.SIGUSR1)
    outcome = program.finish(process)
    assert (outcome.status, outcome.stdout) == (-signal.SIGUSR1, b"")


def test_under_nohup_a_hangup_touches_neither_algo_run_nor_the_child(program):
    process = program.start("exec", "--", "sh", "-c", "echo ready; read answer; echo $answer", stdin=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert processes.read_line(process.stdout.fileno()) == "ready"
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
    outcome = program.finish(process, b"alive\n")
    assert (outcome.status, outcome.stdout) == (0, b"alive\n")


def test_under_nohup_a_hangup_is_not_forwarded_to_a_child_that_listens_for_it_either(program):
    process = start_listener(program, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGUSR1)
    # Of two that wait the lower number is printed first.
    assert processes.read_line(process.stdout.fileno()) == "USR1"
    outcome = program.finish(process, b"end")
    assert (outcome.status, outcome.stdout) == (5, b"")


def dispositions(command, **options):
    """Blocked, ignored and caught signals, as the kernel shows them to the program that looks."""
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=processes.LIMIT,
                            restore_signals=False, **options).stdout
    return output.decode()


SETTINGS = {
    "nothing special": lambda: None,
    "SIGPIPE ignored": lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
    "SIGPIPE by default": lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
    "all ignored": lambda: [signal.signal(n, signal.SIG_IGN) for n in range(1, 65) if n not in (9, 19, 32, 33)],
    "SIGCHLD ignored": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    "some blocked": lambda: signal.pthread_sigmask(
        signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGPIPE, signal.SIGTERM, signal.SIGCHLD, signal.SIGRTMIN + 3]),
    "blocked and ignored": lambda: [
        signal.signal(signal.SIGINT, signal.SIG_IGN), signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGINT])],
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_dispositions_and_mask_are_those_of_a_child_without_algo_run(program, setting):
    command = ["grep", "-E", "^(SigBlk|SigIgn|SigCgt|SigPnd):", "/proc/self/status"]
    options = {"env": program.environment(), "cwd": program.directory, "preexec_fn": SETTINGS[setting]}
    assert dispositions([str(program.binary), "exec", "--", *command], **options) == dispositions(command, **options)


def test_with_sigchld_ignored_by_the_caller_the_exit_status_is_still_known(program):
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN), "restore_signals": False}
    program.run("exec", "--", "sh", "-c", "exit 42", status=42, **ignore)
    program.run("exec", "--timeout", "30ms", "--", "sleep", "1000", status=124, **ignore)


def test_a_signal_that_the_caller_blocks_is_forwarded_all_the_same(program):
    process = program.start_python(
        LISTENER.replace('os.write(1, b"ready', 'signal.pthread_sigmask(signal.SIG_SETMASK, [])\nos.write(1, b"ready'),
        stdin=subprocess.PIPE, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1]))
    assert processes.read_line(process.stdout.fileno()) == "ready"
    process.send_signal(signal.SIGUSR1)
    assert processes.read_line(process.stdout.fileno()) == "USR1"
    assert program.finish(process, b"end").status == 5


def test_other_limits_and_attributes_reach_the_child_as_without_algo_run(program):
    def prepare():
        os.umask(0o027)
        os.nice(3)
    look = "umask; nice; ulimit -a; cat /proc/self/oom_score_adj /proc/self/cgroup; pwd"
    bare = subprocess.run(["bash", "-c", look], env=program.environment(), cwd=program.directory, preexec_fn=prepare,
                          stdout=subprocess.PIPE, check=True, timeout=processes.LIMIT).stdout
    assert program.run("exec", "--", "bash", "-c", look, preexec_fn=prepare, status=0).stdout == bare


def test_the_child_leads_a_group_of_its_own_in_the_callers_session(program):
    source = "import os; print(os.getpid() == os.getpgrp(), os.getsid(0), os.getpgrp() != os.getpgid(os.getppid()))"
    assert program.python(source, status=0).stdout.decode() == f"True {os.getsid(0)} True\n"


def test_an_interrupt_of_algo_runs_own_group_reaches_the_child_once(program):
    process = start_listener(program, start_new_session=True)
    os.killpg(process.pid, signal.SIGUSR1)
    assert processes.read_line(process.stdout.fileno()) == "USR1"
    outcome = program.finish(process, b"end")
    assert (outcome.status, outcome.stdout) == (5, b"")
