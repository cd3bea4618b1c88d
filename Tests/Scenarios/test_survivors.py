# SPDX-License-Identifier: Apache-2.0
"""Nothing of the child's group survives it, nor algo-run's own sudden death (docs/contract.md 4)."""

import os
import random
import signal
import subprocess
import time

import pytest

from harness import processes
from harness.program import HANDLES, PYTHON

# A double fork in the same group that ignores every signal that can be ignored; the leader ends with status 3.
LEAVES_SOMEBODY = """
import os, signal, sys
r, w = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        for number in range(1, 32):
            if number not in (9, 19): signal.signal(number, signal.SIG_IGN)
        os.write(w, b"%d" % os.getpid())
        while True: signal.pause()
    os._exit(0)
os.wait()
print(os.read(r, 20).decode(), flush=True)
os._exit(3)
"""


def test_a_double_forked_member_of_the_group_is_gone_when_exec_returns(program):
    outcome = program.python(LEAVES_SOMEBODY, status=3)
    assert not processes.is_running(int(outcome.stdout))
    assert processes.marked(program.marker) == []


@pytest.mark.parametrize("ending", ["kill -KILL $$", "kill -TERM $$", "exit 0", "exec true", "exec no-such-program"])
def test_however_the_leader_ends_its_group_ends_with_it(program, ending):
    script = f"(trap '' TERM HUP INT; while :; do sleep 1000; done) & (sleep 1000 & sleep 1000) & {ending}"
    program.run("exec", "--", "sh", "-c", script)
    assert processes.marked(program.marker) == []


def test_a_hundred_members_are_gone_as_well(program):
    source = "import os, signal\nfor _ in range(100):\n if os.fork() == 0: signal.pause()\nos._exit(0)"
    program.python(source, status=0)
    assert processes.marked(program.marker) == []


def test_a_group_that_keeps_forking_is_gone_as_well(program):
    source = """
import os, time
end = time.monotonic() + 30
for _ in range(4):
    if os.fork() == 0:
        # Every generation forks the next and ends: a list of them is out of date immediately.
        while time.monotonic() < end:
            if os.fork(): os._exit(0)
        os._exit(0)
os._exit(0)
"""
    program.python(source, status=0)
    assert processes.await_none(program.marker) == []


def test_zombies_that_a_child_left_are_reaped_and_delay_nothing(program):
    source = "import os\nfor _ in range(50):\n if os.fork() == 0: os._exit(0)\nos._exit(4)"
    program.python(source, status=4)


def test_with_keep_descendants_a_member_of_the_group_outlives_the_child(program):
    with open(os.devnull, "wb") as nowhere:
        program.run("exec", "--keep-descendants", "--", "sh", "-c",
                    "(trap '' HUP; echo $$ > pid; exec sleep 1000) & exit 0", stdout=nowhere, stderr=nowhere, status=0)
    left = processes.marked(program.marker)
    assert [process.name for process in left] in (["sleep"], ["sh"])
    processes.end_all(program.marker)


def test_a_descendant_in_a_session_of_its_own_is_left_alone_and_not_waited_for(program):
    script = "setsid sh -c 'exec sleep 1000' < /dev/null > /dev/null 2>&1 3>&- & " \
             "while ! pgrep -f sleep.1000 -s $! > /dev/null 2>&1 && [ ! -e ready ]; do [ -d /proc/$! ] || break; " \
             "[ \"$(ps -o sid= -p $! | tr -d ' ')\" = $! ] && : > ready; done; exit 6"
    program.run("exec", "--", "sh", "-c", script, status=6)
    assert [process.name for process in processes.marked(program.marker)] in (["sleep"], ["sh"])
    processes.end_all(program.marker)


def test_a_child_that_leaves_its_own_group_is_still_followed_to_its_end(program):
    # A leader of a group may not start a session, but may join another group: here that of a member.
    source = """
import os, time
member = os.fork()
if member == 0:
    os.setpgid(0, 0)
    time.sleep(1000)
while True:
    try: os.setpgid(0, member); break
    except PermissionError: pass
os.kill(member, 9)
os._exit(9)
"""
    program.python(source, status=9)


def test_killed_at_any_moment_algo_run_takes_everything_with_it(program, published):
    script = "trap '' TERM HUP INT; (while :; do sleep 1000; done) & (sleep 1000 & sleep 1000) & echo ready; wait"
    randomness = random.Random(20210220)
    # From before the first system call to well after the child and its children run. That the moments differ, and not
    # how long they are, is what counts.
    moments = [0.0] * 3 + [randomness.uniform(0, 0.030) for _ in range(37)]
    for moment in moments:
        process = program.start("exec", published, "--", "sh", "-c", script, stdout=subprocess.DEVNULL)
        time.sleep(moment)
        process.kill()
        process.wait()
    left = processes.await_none(program.marker)
    assert left == []


def test_killed_while_the_child_runs_algo_run_takes_children_grandchildren_and_guardian_with_it(program):
    process = program.start_python(LEAVES_SOMEBODY.replace("os._exit(3)", "signal.pause()"))
    grandchild = int(processes.read_line(process.stdout.fileno()))
    assert len(processes.marked(program.marker)) >= 3
    process.kill()
    process.wait()
    assert processes.await_none(program.marker) == []
    # A process that is about to be a zombie has no environment to be known by any more.
    processes.await_until(lambda: not processes.is_running(grandchild), "the end of the grandchild")


def test_killed_within_the_grace_algo_run_takes_the_stubborn_child_with_it(program):
    source = HANDLES + "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'TERM\\n'))\nawait_readable()"
    process = program.start_python(source, "--timeout", "1s", "--grace", "1h")
    assert processes.read_line(process.stdout.fileno()) == "TERM"
    process.kill()
    process.wait()
    assert processes.await_none(program.marker) == []


def test_a_stopped_algo_run_that_is_killed_takes_its_child_with_it(program):
    process = program.start("exec", "--", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done")
    assert processes.read_line(process.stdout.fileno()) == "ready"
    processes.suspend(process.pid)
    process.kill()
    process.wait()
    assert processes.await_none(program.marker) == []


def test_a_killed_guardian_costs_the_algorithm_nothing(program):
    process = program.start("exec", "--", "sh", "-c", "echo ready; read line; exit 5", stdin=subprocess.PIPE)
    assert processes.read_line(process.stdout.fileno()) == "ready"
    [guardian] = [p for p in processes.marked(program.marker) if p.parent == process.pid and p.name != "sh"]
    os.kill(guardian.pid, signal.SIGKILL)
    processes.await_until(lambda: not processes.is_running(guardian.pid), "the guardian is gone")
    assert program.finish(process, b"\n").status == 5


def test_after_an_execution_no_process_of_algo_run_is_left_either(program, published):
    program.run("exec", published, "--", "true", status=0)
    assert processes.marked(program.marker) == []


@pytest.mark.root
def test_one_sentence_reports_that_no_more_processes_may_be_started(program):
    import resource

    def no_processes():
        os.setgid(54321)
        os.setuid(54321)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    place = program.directory
    for parent in [place, *place.parents]:
        if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    outcome = program.run("exec", "--", PYTHON, "-c", "pass", preexec_fn=no_processes,
                          env={"ALGO_RUN_HOME": "/nonexistent/home"})
    assert outcome.status == 125, repr(outcome)
    assert outcome.messages and "ulimit -u" in outcome.messages[-1]
