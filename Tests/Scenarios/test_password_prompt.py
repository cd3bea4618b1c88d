# SPDX-License-Identifier: Apache-2.0
"""The prompt for a broker's password: what is typed is never shown, and the terminal is left as it was."""

import os
import signal
import sys

from harness import processes
from harness.terminal import Terminal, shell

PASSWORD = "correct horse battery staple"

# A caller that leaves every signal blocked, as a service manager or a Python program may.
BLOCKED = "import os, signal, sys\n" \
          "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n" \
          "os.execv(sys.argv[1], sys.argv[1:])"


def asking(program):
    """The command whose prompt it is, as a line for a shell."""
    return f"{program.binary} connection set --type sasl_ssl --brokers h:1 --topic t --mechanism PLAIN --username u"


def is_stored(program, text):
    """Whether a file of the home contains the text."""
    return any(text.encode() in path.read_bytes() for path in program.home.rglob("*") if path.is_file())


def test_a_signal_at_the_prompt_ends_it_and_leaves_a_terminal_that_shows_what_is_typed(program):
    command = f"{asking(program)}; echo status $?; stty -a; read line"
    with Terminal(["bash", "-c", command], program.environment(), program.directory) as user:
        user.see("Password of u")
        [process] = [process for process in processes.marked(program.marker) if process.pid != user.pid]
        os.kill(process.pid, signal.SIGTERM)
        user.see(f"status {128 + signal.SIGTERM}")
        user.see(r"[^-]echo ")


def test_ctrl_c_at_the_prompt_ends_it_immediately_and_nothing_is_stored(program):
    # The shell is there to look at the terminal afterwards: the key reaches it as well.
    command = f"trap : INT; {asking(program)}; echo status $?; stty -a; read line"
    for typed in "\x03", "abc\x03":
        with Terminal(["bash", "-c", command], program.environment(), program.directory) as user:
            user.see("Password of u")
            user.type(typed)
            user.see(f"status {128 + signal.SIGINT}")
            user.see(r"[^-]echo ")
            assert b"abc" not in user.shown
    assert b'"is_set":false' in program.run("connection", "show", "--json", status=0).stdout.replace(b" ", b"")


def test_ctrl_c_ends_the_prompt_of_a_caller_that_blocks_signals(program):
    command = [sys.executable, "-c", BLOCKED, *asking(program).split()]
    with Terminal(command, program.environment(), program.directory) as user:
        user.see("Password of u")
        user.type("\x03")
        assert user.end() == -signal.SIGINT, user.shown


def test_ctrl_z_at_the_prompt_stops_it_and_it_asks_again_unseen(program):
    with shell(program) as user:
        user.see("ok> ")
        user.type(asking(program) + "\n")
        user.see("Password of u")
        user.type("abc\x1a")
        user.see("Stopped")
        user.see("ok> ")
        user.type("stty -a\n")
        user.see(r"[^-]echo ")
        user.type("fg\n")
        user.see("Password of u")
        user.type(PASSWORD + "\n")
        user.see("payloads go to topic")
        user.type("stty -a\n")
        user.see(r"[^-]echo ")
        assert PASSWORD.encode() not in user.shown
        # Text typed before is neither a command of the shell's nor part of the password.
        assert b"abc" not in user.shown
    assert is_stored(program, PASSWORD) and not is_stored(program, "abc" + PASSWORD)


def test_ctrl_d_at_the_prompt_changes_nothing(program):
    with Terminal(asking(program).split(), program.environment(), program.directory) as user:
        user.see("Password of u")
        user.type("\x04")
        user.see("no password was entered")
        assert user.end() == 64, user.shown


def test_without_a_terminal_the_missing_password_is_an_error_of_usage(program):
    outcome = program.run(*asking(program).split()[1:], start_new_session=True)
    assert outcome.status == 64 and "--password-file or --password-env" in outcome.messages[0]
