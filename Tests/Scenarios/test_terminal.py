"""On a terminal the child's group is the foreground group, so that Ctrl-C and job control work (docs/contract.md 4)."""

import os
import signal

from harness import processes
from harness.program import HANDLES, PYTHON, WAITS
from harness.terminal import Terminal, shell

CTRL_C, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x1a", "\x1c"


def on_terminal(program, *command):
    return Terminal([str(program.binary), "exec", *map(str, command)], program.environment(TERM="dumb"),
                    program.directory)


def test_the_child_is_the_foreground_group_and_sees_three_terminals(program):
    source = "import os; print(os.tcgetpgrp(0) == os.getpgrp() == os.getpid(), *map(os.isatty, (0, 1, 2)))"
    with on_terminal(program, "--", PYTHON, "-c", source) as terminal:
        terminal.see("True True True True")
        assert terminal.end() == 0


def test_ctrl_c_ends_the_child_and_gives_130(program):
    with on_terminal(program, "--report", "report.json", "--", PYTHON, "-c", WAITS) as terminal:
        terminal.see("ready")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
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


def test_ctrl_c_three_times_is_the_childs_affair_and_never_algo_runs(program):
    # The terminal sends to the foreground group, which algo-run is not in: it does not escalate.
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
        assert terminal.end() == 128 + signal.SIGQUIT


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


def test_ctrl_z_stops_the_job_and_fg_continues_it(program):
    with shell(program) as terminal:
        terminal.see("ok> ")
        terminal.type("$A exec -- sh -c 'echo rea\"\"dy; read line; echo got $line; exit 7'\n")
        terminal.see("ready")
        for _ in range(10):
            terminal.type(CTRL_Z)
            terminal.see("Stopped")
            terminal.see("ok> ")
            left = processes.marked(program.marker)
            # The job the shell knows, and the child; nothing else of algo-run's is to stop.
            job = [process for process in left if process.parent == terminal.pid]
            child = [process for process in left if process.name == "sh"]
            assert [process.state for process in job + child] == ["T", "T"], left
            terminal.type("fg\n")
            terminal.see("exec")
            processes.await_until(
                lambda: all(p.state != "T" for p in processes.marked(program.marker)), "the job is continued")
        terminal.type("typed\n")
        terminal.see("got typed")
        terminal.see("ok> ")
        terminal.type("echo status=$?\n")
        terminal.see("status=7")
        terminal.type("exit\n")
        terminal.end()


def test_a_job_in_the_background_runs_on_and_ctrl_c_is_not_for_it(program):
    os.mkfifo(program.directory / "go")
    with shell(program) as terminal:
        terminal.see("ok> ")
        terminal.type("$A exec -- sh -c 'trap \"echo inter\\\"\\\"rupted\" INT; read line < go; echo got $line' &\n")
        terminal.see("ok> ")
        processes.await_until(lambda: [p for p in processes.marked(program.marker) if p.name == "sh"], "it runs")
        terminal.type(CTRL_C)
        terminal.see("ok> ")
        terminal.type("echo li\"\"ne > go; wait; echo en\"\"ded\n")
        terminal.see("got line")
        terminal.see("ended")
        terminal.type("exit\n")
        terminal.end()
        assert b"interrupted" not in terminal.shown


def test_bg_continues_a_stopped_job_without_giving_it_the_terminal(program):
    os.mkfifo(program.directory / "go")
    with shell(program) as terminal:
        terminal.see("ok> ")
        terminal.type("$A exec -- sh -c 'echo rea\"\"dy; read line < go; echo got $line; exit 7'\n")
        terminal.see("ready")
        terminal.type(CTRL_Z)
        terminal.see("Stopped")
        terminal.see("ok> ")
        terminal.type("bg\n")
        terminal.see("ok> ")
        terminal.type("echo li\"\"ne > go\n")
        terminal.see("got line")
        terminal.type("wait; echo aft\"\"er\n")
        terminal.see("after")
        terminal.type("exit\n")
        terminal.end()


def test_the_terminal_is_given_back_when_the_child_has_ended(program):
    # A shell without job control does not take it back itself: without this its next command could not read.
    script = f'"{program.binary}" exec -- true; echo ready; read line; echo "got $line"'
    with Terminal(["sh", "-c", script], program.environment(TERM="dumb"), program.directory) as terminal:
        terminal.see("ready")
        terminal.type("typed\n")
        terminal.see("got typed")
        assert terminal.end() == 0


def test_the_terminal_is_given_back_when_the_program_was_not_there(program):
    script = f'"{program.binary}" exec -- no-such-program; echo ready; read line; echo "got $line"'
    with Terminal(["sh", "-c", script], program.environment(TERM="dumb"), program.directory) as terminal:
        terminal.see("ready")
        terminal.type("typed\n")
        terminal.see("got typed")
        assert terminal.end() == 0


def test_the_terminal_is_given_back_after_a_time_limit_and_a_kill(program):
    for ending in ("--timeout 300ms -- sleep 1000", "-- sh -c 'kill -KILL $$'"):
        script = f'"{program.binary}" exec {ending}; echo "status $?"; read line; echo "got $line"'
        with Terminal(["sh", "-c", script], program.environment(TERM="dumb"), program.directory) as terminal:
            terminal.see("status 1[23][47]")
            terminal.type("typed\n")
            terminal.see("got typed")
            assert terminal.end() == 0


def test_a_pipeline_works_and_ctrl_c_ends_it(program):
    (program.directory / "waits.py").write_text(WAITS)
    with shell(program) as terminal:
        terminal.see("ok> ")
        terminal.type("$A exec -- $P waits.py | cat; echo status=${PIPESTATUS[0]}\n")
        terminal.see("ready")
        terminal.type(CTRL_C)
        terminal.see("status=130|ok> ")
        terminal.type("echo he\"\"re\n")
        terminal.see("here")
        terminal.type("exit\n")
        terminal.end()


def test_a_message_of_algo_run_can_be_shown_after_the_child_with_tostop_set(program):
    with on_terminal(program, "--", "sh", "-c", "stty tostop; echo '[]' >&3") as terminal:
        terminal.see("algo-run: metric line 1 rejected: malformed_line")
        assert terminal.end() == 0


def test_closing_the_terminal_ends_the_child(program):
    with on_terminal(program, "--", PYTHON, "-c", WAITS) as terminal:
        terminal.see("ready")
    assert processes.await_none(program.marker) == []
