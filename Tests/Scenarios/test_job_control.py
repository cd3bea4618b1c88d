# SPDX-License-Identifier: Apache-2.0
"""In a shell, `exec CMD` is a job as CMD is: Ctrl-C ends the loop, script or pipeline around it, programs beside it use
the terminal, and Ctrl-Z, `fg` and `bg` work (docs/contract.md 4)."""

import os
import signal

import pytest

from harness import processes
from harness.outboxes import connect, listed
from harness.program import HANDLES, PYTHON, WAITS
from harness.terminal import shell

CTRL_C, CTRL_Z = "\x03", "\x1a"

# Needs the terminal: prints that, then reads a line from it. The name of the program precedes the line.
READS = "import sys; print(sys.argv[1], 'asks', file=sys.stderr, flush=True); " \
        "print(sys.argv[1], 'got', open('/dev/tty').readline(), file=sys.stderr)"


@pytest.fixture
def user(program):
    """A user at the prompt of an interactive shell; `waits.py` and `reads.py` are there to be run."""
    (program.directory / "waits.py").write_text(WAITS)
    (program.directory / "reads.py").write_text(READS)
    with shell(program) as terminal:
        terminal.see("ok> ")
        yield terminal
        leave(terminal)


def leave(terminal):
    terminal.type("exit\n")
    terminal.end()


def await_prompt(terminal, status=None):
    """Waits until the shell takes commands again; `status` is that of the last one."""
    terminal.type("echo sta\"\"tus=$?\n")
    terminal.see("status=" + (str(status) if status is not None else ""))
    terminal.see("ok> ")


def test_ctrl_c_ends_a_loop_at_the_prompt(user):
    user.type("for i in 1 2 3; do echo turn\"\" $i; $A exec -- $P waits.py; done; echo E\"\"ND\n")
    user.see("turn 1")
    user.see("ready")
    user.type(CTRL_C)
    user.see("ok> ")
    await_prompt(user, 130)
    assert b"turn 2" not in user.shown and b"END" not in user.shown


@pytest.mark.parametrize("shell_name", ["bash", "sh"])
@pytest.mark.parametrize("child", ["waits.py", "reads.py child"])
def test_ctrl_c_ends_a_script(program, user, shell_name, child):
    (program.directory / "script").write_text(f"for i in 1 2 3; do echo turn $i; $A exec -- $P {child}; done; echo END\n")
    user.type(f"{shell_name} script\n")
    user.see("turn 1")
    user.see("ready|asks")
    if child.startswith("reads"):
        await_loan(program, user)
    user.type(CTRL_C)
    user.see("ok> ")
    await_prompt(user, 130)
    assert b"turn 2" not in user.shown and b"END" not in user.shown


def await_loan(program, terminal):
    """Waits until a child of algo-run holds the terminal."""
    def is_lent():
        return any(process.pid == process.group == terminal.foreground_group() and process.state == "S"
                   for process in processes.marked(program.marker)
                   if (parent := processes.find(process.parent)) and parent.name == "algo-run")
    processes.await_until(is_lent, "the terminal is lent to the child")


def test_ctrl_c_runs_the_trap_of_a_script(program, user):
    (program.directory / "script").write_text("trap 'echo trapped' INT; $A exec -- $P waits.py; echo status $?\n")
    user.type("sh script\n")
    user.see("ready")
    user.type(CTRL_C)
    user.see("trapped")
    user.see("status 130")


def test_ctrl_c_ends_all_that_xargs_runs(program, user):
    user.type("seq 4 | xargs -n1 -P2 $A exec -- $P waits.py\n")
    user.see("ready")
    user.see("ready")
    user.type(CTRL_C)
    user.see("ok> ")
    await_prompt(user, 130)
    processes.await_until(lambda: len(processes.marked(program.marker)) == 1, "only the shell is left")
    assert user.shown.count(b"ready") == 2


def test_ctrl_c_while_the_payload_is_delivered_ends_a_script(program, published, unreachable, user):
    connect(program, unreachable, "--delivery-wait", "1h")
    (program.directory / "script").write_text(
        f"for i in 1 2 3; do echo turn $i; $A exec {published} -- true; done; echo END\n")
    user.type("bash script\n")
    outbox = program.home / "outbox.db"
    processes.await_until(lambda: outbox.exists() and listed(program), "the payload is in the outbox")
    user.type(CTRL_C)
    user.see("waits in the outbox")
    user.see("ok> ")
    await_prompt(user, 130)
    assert b"turn 2" not in user.shown and b"END" not in user.shown


def test_ctrl_c_ends_both_sides_of_a_pipeline(program, user):
    user.type("$A exec -- $P waits.py | $P waits.py; echo status=${PIPESTATUS[*]}\n")
    user.see("ready")
    processes.await_until(
        lambda: [p.name for p in processes.marked(program.marker)].count("algo-run") == 1 and
        len([p for p in processes.marked(program.marker) if p.state == "S" and p.name.startswith("python")]) == 2,
        "both wait")
    user.type(CTRL_C)
    user.see("ok> ")
    processes.await_until(lambda: len(processes.marked(program.marker)) == 1, "only the shell is left")


def test_a_pager_beside_it_takes_keys(user):
    # More than a pipe holds: the child still runs while the pager waits for a key.
    user.type("$A exec -- seq 100000 | more\n")
    for _ in range(3):
        user.see("--More--")
        user.type(" ")
    user.see("--More--")
    user.type("q")
    # The pager throws away what is typed before it ends.
    user.see("ok> ")
    await_prompt(user, 0)
    assert b"Stopped" not in user.shown


def test_a_program_behind_it_reads_from_the_terminal(program, user):
    os.mkfifo(program.directory / "go")
    user.type("$A exec -- cat go | $P reads.py second\n")
    user.see("second asks")
    user.type("word\n")
    user.see("second got word")
    user.type(CTRL_C)
    await_prompt(user)
    assert b"Stopped" not in user.shown


def test_both_sides_of_a_pipeline_read_from_the_terminal(program, user):
    for left, right in [("$A exec --", "$A exec --"), ("$A exec --", ""), ("", "$A exec --")]:
        user.type(f"{left} $P reads.py one | {right} $P reads.py two\n")
        user.see("(one|two) asks")
        user.see("(one|two) asks")
        user.type("first\n")
        user.see("(one|two) got first")
        user.type("second\n")
        user.see("(one|two) got second")
        await_prompt(user, 0)
    assert b"Stopped" not in user.shown


def test_a_password_prompt_below_a_shell_takes_its_answer(program, user):
    # As readpassphrase(3) does it, for ssh and others: it catches the stop, and stops itself afterwards. Only the shell
    # that leads the group is the child of algo-run. The pause makes sure that the shell was continued before.
    source = """
import os, signal, sys, termios, time
stopped = []
signal.signal(signal.SIGTTOU, lambda number, _: stopped.append(number))
signal.siginterrupt(signal.SIGTTOU, True)
terminal = os.open("/dev/tty", os.O_RDWR)
while True:
    settings = termios.tcgetattr(terminal)
    settings[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, settings)
    except (InterruptedError, termios.error):
        pass
    if not stopped:
        break
    while os.tcgetpgrp(terminal) != os.getpgrp():
        time.sleep(0.001)
    signal.signal(stopped.pop(), signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTTOU)
os.write(terminal, b"Pass" b"word: ")
print("it is", os.read(terminal, 100).decode())
"""
    (program.directory / "asks.py").write_text(source)
    user.type("$A exec -- sh -c '$P asks.py; echo aft\"\"er'\n")
    user.see("Password: ")
    user.type("secret\n")
    user.see("it is secret")
    user.see("after")
    user.type("stty echo\n")


@pytest.mark.parametrize("is_lent", [False, True], ids=["the job holds the terminal", "the child holds the terminal"])
def test_ctrl_z_stops_the_job_and_fg_continues_it(program, user, is_lent):
    os.mkfifo(program.directory / "go")
    read = "read line" if is_lent else "read line < go"
    user.type(f"$A exec -- sh -c 'echo rea\"\"dy; {read}; echo got $line; exit 7'\n")
    user.see("ready")
    for _ in range(5):
        if is_lent:
            await_loan(program, user)
        user.type(CTRL_Z)
        user.see("Stopped")
        user.see("ok> ")
        left = processes.marked(program.marker)
        # The job the shell knows, and the child; nothing else of algo-run's is to stop.
        job = [process for process in left if process.parent == user.pid]
        child = [process for process in left if process.name == "sh"]
        assert [process.state for process in job + child] == ["T", "T"], left
        user.type("fg\n")
        user.see("exec")
        processes.await_until(
            lambda: all(p.state != "T" for p in processes.marked(program.marker)), "the job is continued")
    if is_lent:
        user.type("typed\n")
    else:
        (program.directory / "go").write_text("typed\n")
    user.see("got typed")
    await_prompt(user, 7)


@pytest.mark.parametrize("command", ["$A exec -- $P waits.py | cat", "cat go | $A exec -- $P waits.py",
                                     "$A exec -- $P waits.py | $A exec -- cat"])
def test_ctrl_z_stops_a_whole_pipeline_and_ctrl_c_ends_it_after_fg(program, user, command):
    os.mkfifo(program.directory / "go")
    user.type(command + "\n")
    user.see("ready")
    user.type(CTRL_Z)
    user.see("Stopped")
    user.see("ok> ")
    processes.await_until(
        lambda: all(p.state == "T" for p in processes.marked(program.marker)
                    if p.pid != user.pid and p.name != "algo-run-guard"), "all are stopped")
    user.type("fg\n")
    processes.await_until(lambda: all(p.state != "T" for p in processes.marked(program.marker)), "all continue")
    user.type(CTRL_C)
    user.see("ok> ")
    await_prompt(user)
    processes.await_until(lambda: len(processes.marked(program.marker)) == 1, "only the shell is left")


def test_a_child_that_handles_ctrl_z_decides_whether_the_job_stops(program, user):
    (program.directory / "handles.py").write_text(
        HANDLES + "signal.signal(signal.SIGTSTP, lambda *_: os.write(1, b'no\\n'))\n"
        "os.write(1, b'ready\\n'); await_readable(); os._exit(0)")
    user.type("$A exec -- $P handles.py\n")
    user.see("ready")
    for _ in range(3):
        user.type(CTRL_Z)
        user.see("no")
    user.type(CTRL_C)
    await_prompt(user)
    assert b"Stopped" not in user.shown


def test_a_stop_signal_of_another_process_stops_the_job_too(program, user):
    user.type("$A exec -- $P waits.py\n")
    user.see("ready")
    [job] = [p for p in processes.marked(program.marker) if p.parent == user.pid]
    os.kill(job.pid, signal.SIGTSTP)
    user.see("Stopped")
    user.see("ok> ")
    user.type("fg\n")
    processes.await_until(lambda: all(p.state != "T" for p in processes.marked(program.marker)), "the job continues")
    user.type(CTRL_C)
    await_prompt(user, 130)


def test_a_child_that_stops_itself_stops_the_job(program, user):
    user.type("$A exec -- sh -c 'kill -STOP $$; echo went\"\" on'\n")
    user.see("Stopped")
    user.see("ok> ")
    user.type("fg\n")
    user.see("went on")
    await_prompt(user, 0)


def test_a_job_in_the_background_that_reads_is_stopped_until_fg(program, user):
    user.type("$A exec -- $P reads.py job &\n")
    user.see("job asks")
    # bash prints it with the next prompt.
    processes.await_until(
        lambda: len([p for p in processes.marked(program.marker) if p.state == "T"]) == 2, "job and child are stopped")
    user.type("\n")
    user.see("Stopped")
    user.type("fg\n")
    await_loan(program, user)
    user.type("word\n")
    user.see("job got word")
    await_prompt(user, 0)


def test_a_background_job_that_lost_its_shell_ends_when_it_reads(program, user):
    user.type("($A exec --report report.json -- $P reads.py orphan &)\n")
    user.see("orphan asks")
    report = program.directory / "report.json"
    processes.await_until(lambda: report.exists() and report.read_bytes(), "it ends")
    assert b'"signal":1,' in report.read_bytes()


def test_a_job_in_the_background_runs_on_and_ctrl_c_is_not_for_it(program, user):
    os.mkfifo(program.directory / "go")
    user.type("$A exec -- sh -c 'trap \"echo inter\\\"\\\"rupted\" INT; read line < go; echo got $line' &\n")
    user.see("ok> ")
    processes.await_until(lambda: [p for p in processes.marked(program.marker) if p.name == "sh"], "it runs")
    user.type(CTRL_C)
    user.see("ok> ")
    user.type("echo li\"\"ne > go; wait; echo en\"\"ded\n")
    user.see("got line")
    user.see("ended")
    assert b"interrupted" not in user.shown


def test_bg_continues_a_stopped_job_without_giving_it_the_terminal(program, user):
    os.mkfifo(program.directory / "go")
    user.type("$A exec -- sh -c 'echo rea\"\"dy; read line < go; echo got $line; exit 7'\n")
    user.see("ready")
    user.type(CTRL_Z)
    user.see("Stopped")
    user.see("ok> ")
    user.type("bg\n")
    user.see("ok> ")
    user.type("echo li\"\"ne > go\n")
    user.see("got line")
    user.type("wait; echo aft\"\"er\n")
    user.see("after")
