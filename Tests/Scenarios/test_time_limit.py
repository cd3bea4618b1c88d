# SPDX-License-Identifier: Apache-2.0
"""`--timeout`: the stop signal to the whole group, the grace, then SIGKILL (docs/contract.md 4)."""

import os
import signal

import pytest

from harness import processes
from harness.program import HANDLES, PYTHON

# Far beyond the limit of a test: who waits for this waits in vain.
NEVER = ["--timeout", "1h"]
SOON = ["--timeout", "300ms"]

STUBBORN = HANDLES + "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'TERM\\n'))\n" \
           "os.write(1, b'ready\\n')\nawait_readable()"


def test_a_child_that_ends_in_time_is_not_disturbed(program):
    _, report = program.report(*NEVER, "--", "sh", "-c", "exit 3", status=3)
    assert report["outcome"] == "failed"


def test_the_child_is_asked_with_sigterm_first(program):
    source = HANDLES + "signal.signal(signal.SIGTERM, lambda *_: (print('asked', flush=True), sys.exit(0)))\n" \
             "await_readable()"
    outcome, report = program.report("--timeout", "1s", "--", PYTHON, "-c", source, status=124)
    assert outcome.stdout == b"asked\n"
    assert (report["outcome"], report["exit_code"], report["signal"]) == ("timed_out", 0, None)


def test_a_child_that_ignores_the_request_is_killed_after_the_grace(program):
    outcome, report = program.report("--timeout", "1s", "--grace", "100ms", "--", PYTHON, "-c", STUBBORN, status=124)
    assert outcome.stdout == b"ready\nTERM\n"
    assert (report["outcome"], report["exit_code"], report["signal"]) == ("timed_out", None, signal.SIGKILL)


def test_the_grace_is_granted(program):
    source = "import os, signal, sys\n" \
             "r, w = os.pipe()\n" \
             "signal.signal(signal.SIGTERM, lambda *_: os.write(w, b'x'))\n" \
             "os.read(r, 1)\n" \
             "signal.alarm(0) or os.write(1, b'cleaned up\\n')"
    outcome = program.run("exec", "--timeout", "1s", "--grace", "1h", "--", PYTHON, "-c", source, status=124)
    assert outcome.stdout == b"cleaned up\n"


@pytest.mark.parametrize("given, number", [
    ("INT", 2), ("SIGINT", 2), ("usr1", 10), ("2", 2), ("QUIT", 3), ("HUP", 1), ("KILL", 9)])
def test_the_stop_signal_can_be_chosen(program, given, number):
    _, report = program.report(*SOON, "--stop-signal", given, "--grace", "1h", "--", "sh", "-c",
                               "ulimit -c 0; exec sleep 1000", status=124)
    assert (report["outcome"], report["signal"]) == ("timed_out", number)


def test_the_whole_group_is_asked_not_only_its_leader(program):
    # The leader waits for the member without a handler of its own being of any use to it.
    source = HANDLES + """
if os.fork() == 0:
    signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"member asked\\n"), os._exit(0)))
    await_readable()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.wait()
os.write(1, b"leader saw it end\\n")
"""
    outcome = program.run("exec", "--timeout", "1s", "--grace", "1h", "--", PYTHON, "-c", source, status=124)
    assert outcome.stdout == b"member asked\nleader saw it end\n"


# Its leader joins the group of a member of its own and reports it. A signal to the group that it led reaches no process.
LEAVES_ITS_GROUP = """
import os, signal
member = os.fork()
if member == 0:
    os.setpgid(0, 0)
    os.closerange(0, 4)
    signal.pause()
while True:
    try: os.setpgid(0, member); break
    except PermissionError: pass
os.write(1, b'ready\\n')
while True: signal.pause()
"""


def test_a_leader_that_left_its_group_is_stopped_too(program):
    for options, number in [([], signal.SIGTERM), (["--stop-signal", "WINCH", "--grace", "10ms"], signal.SIGKILL)]:
        _, report = program.report("--timeout", "1s", *options, "--", PYTHON, "-c", LEAVES_ITS_GROUP, status=124)
        assert report["signal"] == number
        # The member is in a group of its own: it has left, too, and is left alone.
        processes.end_all(program.marker)


def test_a_second_request_to_stop_kills_a_leader_that_left_its_group(program):
    source = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + LEAVES_ITS_GROUP
    process = program.start_python(source)
    assert processes.read_line(process.stdout.fileno()) == "ready"
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.wait(processes.LIMIT) == -signal.SIGKILL
    processes.end_all(program.marker)


def test_a_grandchild_that_ignores_sigterm_is_gone_when_exec_returns(program):
    script = "(trap '' TERM; while :; do sleep 1000; done) & echo $!; wait"
    outcome = program.run("exec", *SOON, "--grace", "200ms", "--", "sh", "-c", script, status=124)
    assert not processes.is_running(int(outcome.stdout))
    assert processes.marked(program.marker) == []


def test_a_stopped_child_is_ended_too(program):
    _, report = program.report(*SOON, "--grace", "1h", "--", "sh", "-c", "kill -STOP $$", status=124)
    assert (report["outcome"], report["signal"]) == ("timed_out", signal.SIGTERM)
    script = "trap '' TERM; while :; do kill -STOP $$; done"
    _, report = program.report(*SOON, "--grace", "100ms", "--", "sh", "-c", script, status=124)
    assert (report["outcome"], report["signal"]) == ("timed_out", signal.SIGKILL)


def test_metrics_reported_before_the_limit_are_kept_and_published(program, published):
    outcome, report = program.report(published, *SOON, "--", "sh", "-c", "echo '{\"a\":1}' >&3; sleep 1000", status=124)
    assert report["metrics"] == {"a": 1} and report["delivery"]["state"] == "written"
    assert program.insights()[0].endswith(b',"a":1}')


def test_the_limit_of_a_version_holds_unless_another_is_given(program):
    program.run("publish", "o/a", "--timeout", "300ms", "--", "sleep", "1000", status=0)
    program.run("exec", "o/a", status=124)
    program.run("exec", "o/a", "--timeout", "1h", "--", "sh", "-c", "exit 5", status=5)
    program.run("publish", "o/b", "--timeout", "1h", "--", "sleep", "1000", status=0)
    program.run("exec", "o/b", *SOON, status=124)


def test_a_signal_during_the_grace_still_escalates(program):
    process = program.start_python(STUBBORN, "--timeout", "1s", "--grace", "1h")
    assert processes.read_line(process.stdout.fileno()) == "ready"
    assert processes.read_line(process.stdout.fileno()) == "TERM", "by the time limit"
    process.send_signal(signal.SIGTERM)
    assert processes.read_line(process.stdout.fileno()) == "TERM", "forwarded"
    process.send_signal(signal.SIGTERM)
    assert process.wait(processes.LIMIT) == 124


def test_the_limit_counts_while_the_child_floods_both_its_channels(program):
    source = "import os\nwhile True: os.write(3, b'x' * 65536); os.write(1, b'y' * 65536)"
    with open(os.devnull, "wb") as nowhere:
        program.run("exec", "--timeout", "500ms", "--", PYTHON, "-c", source, stdout=nowhere, status=124)
