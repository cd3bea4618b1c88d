# SPDX-License-Identifier: Apache-2.0
"""On a terminal, `exec CMD` behaves as CMD does: keys, input, output, the size of the window (docs/contract.md 4)."""

import os
import signal

from harness import processes
from harness.program import HANDLES, PYTHON, WAITS
from harness.terminal import Terminal, shell

CTRL_C, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x1a", "\x1c"


def on_terminal(program, *command):
    return Terminal([str(program.binary), "exec", *map(str, command)], program.environment(TERM="dumb"),
                    program.directory)


def test_the_child_sees_three_terminals_and_the_terminal_stays_with_the_job(program):
    source = "import os; print(os.tcgetpgrp(0) == os.getpgid(os.getppid()), *map(os.isatty, (0, 1, 2)))"
    with on_terminal(program, "--", PYTHON, "-c", source) as terminal:
        terminal.see("True True True True")
        assert terminal.end() == 0


def test_a_child_that_reads_holds_the_terminal(program):
    source = "import os; print(input(), os.tcgetpgrp(0) == os.getpgrp() == os.getpid())"
    with on_terminal(program, "--", PYTHON, "-c", source) as terminal:
        terminal.type("typed\n")
        terminal.see("typed True")
        assert terminal.end() == 0


def test_a_child_that_changes_the_settings_of_the_terminal_holds_it(program):
    with on_terminal(program, "--", "sh", "-c", "stty -echo; stty -a; stty echo") as terminal:
        terminal.see(" -echo ")
        assert terminal.end() == 0


def test_ctrl_c_ends_the_child_and_algo_run_by_the_same_signal(program):
    with on_terminal(program, "--report", "report.json", "--", PYTHON, "-c", WAITS) as terminal:
        terminal.see("ready")
        terminal.type(CTRL_C)
        assert terminal.end() == -signal.SIGINT
    assert b'"outcome":"signaled","exit_code":null,"signal":2' in (program.directory / "report.json").read_bytes()


def test_ctrl_c_reaches_a_child_that_handles_it_once(program):
    source = HANDLES + "n = []\n" \
             "signal.signal(signal.SIGINT, lambda *_: (n.append(1), os.write(1, b'got %d\\n' % len(n))))\n" \
             "print('ready', flush=True)\n" \
             "await_readable(0)\n" \
             "print('read', input())\n" \
             "sys.exit(len(n))"
    with on_terminal(program, "--", PYTHON, "-c", source) as terminal:
        terminal.see("ready")
        terminal.type(CTRL_C)
        terminal.see("got 1")
        terminal.type("line\n")
        terminal.see("read line")
        assert terminal.end() == 1


def test_repeated_ctrl_c_is_left_to_the_child(program):
    # Only signals of other processes escalate to SIGKILL.
    source = HANDLES + "signal.signal(signal.SIGINT, lambda *_: os.write(1, b'again\\n'))\n" \
             "print('ready', flush=True)\n" \
             "await_readable(0)"
    with on_terminal(program, "--", PYTHON, "-c", source) as terminal:
        terminal.see("ready")
        for _ in range(3):
            terminal.type(CTRL_C)
            terminal.see("again")
        terminal.type("\n")
        assert terminal.end() == 0


def test_ctrl_backslash_quits_the_child(program):
    with on_terminal(program, "--", PYTHON, "-c", WAITS) as terminal:
        terminal.see("ready")
        terminal.type(CTRL_BACKSLASH)
        assert terminal.end() == -signal.SIGQUIT


def test_the_child_reads_what_is_typed(program):
    with on_terminal(program, "--", "sh", "-c", "echo ready; read line; echo got $line") as terminal:
        terminal.see("ready")
        terminal.type("typed\n")
        terminal.see("got typed")
        assert terminal.end() == 0


def test_a_change_of_the_window_reaches_the_child_once(program):
    source = HANDLES + \
        "signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'now %d %d\\n' % os.get_terminal_size(0)))\n" \
        "print('ready', flush=True)\n" \
        "await_readable(0)"
    with on_terminal(program, "--", PYTHON, "-c", source) as terminal:
        terminal.see("ready")
        terminal.resize(33, 111)
        terminal.see("now 111 33")
        terminal.type("\n")
        assert terminal.end() == 0
        assert terminal.shown.count(b"now") == 1


def test_ctrl_z_without_a_shell_to_come_back_to_stops_nothing_for_good(program):
    with on_terminal(program, "--", "sh", "-c", "echo ready; read line; echo got $line") as terminal:
        terminal.see("ready")
        terminal.type(CTRL_Z)
        terminal.type("typed\n")
        terminal.see("got typed")
        assert terminal.end() == 0


def test_the_terminal_is_given_back_however_the_child_ends(program):
    # A shell without job control does not take it back itself: without this its next command could not read.
    changes = "stty -echo; stty echo"
    for ending in (f"-- sh -c '{changes}'", f"--timeout 1s -- sh -c '{changes}; sleep 1000'",
                   f"-- sh -c '{changes}; kill -KILL $$'"):
        script = f'"{program.binary}" exec {ending}; echo "status $?"; read line; echo "got $line"'
        with Terminal(["sh", "-c", script], program.environment(TERM="dumb"), program.directory) as terminal:
            terminal.see("status (0|124|137)")
            terminal.type("typed\n")
            terminal.see("got typed")
            assert terminal.end() == 0


def test_a_message_of_algo_run_can_be_shown_after_the_child_with_tostop_set(program):
    with on_terminal(program, "--", "sh", "-c", "stty tostop; echo '[]' >&3") as terminal:
        terminal.see("algo-run: metric line 1 rejected: malformed_line")
        assert terminal.end() == 0


def test_closing_the_terminal_ends_the_child(program):
    with on_terminal(program, "--", PYTHON, "-c", WAITS) as terminal:
        terminal.see("ready")
    assert processes.await_none(program.marker) == []
