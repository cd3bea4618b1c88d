"""Wall time, CPU time and peak memory are those of the child (SPEC section 4). Figures are compared with what the
child and the observer measured themselves, never with a time that a machine ought to need."""

import shutil
import subprocess
import time

import pytest

from program import PYTHON

MIB = 1024 * 1024


def test_a_child_that_touches_50_mib_reads_so(program):
    source = "import os; data = bytearray(50 * 1024 * 1024)\nfor i in range(0, len(data), 4096): data[i] = 1"
    for _ in range(5):
        _, report = program.report("--", PYTHON, "-c", source, status=0)
        assert 50 * MIB <= report["max_rss_bytes"] < 80 * MIB


def test_a_small_child_does_not_read_as_large_as_algo_run(program, published):
    for reference in ([], [published]):
        for _ in range(10):
            _, report = program.report(*reference, "--", "true", status=0)
            assert report["max_rss_bytes"] is None or report["max_rss_bytes"] < 4 * MIB


def test_a_small_child_that_lives_for_a_while_is_known_though_a_larger_caller_started_algo_run(program):
    # Until its own mark could be read, which algo-run does within its life; the child ends once it was long enough.
    source = ["sh", "-c", "echo $$; read line"]
    process = program.start("exec", "--report", "report.json", "--", *source, stdin=subprocess.PIPE)
    child = int(process.stdout.readline())
    time.monotonic()
    mark = None
    deadline = time.monotonic() + 30
    # Half a second of the child's own life, told by its start: the longest interval between two looks.
    while time.monotonic() < deadline and mark is None:
        with open("/proc/uptime") as file:
            now = float(file.read().split()[0])
        with open(f"/proc/{child}/stat") as file:
            started = int(file.read().rsplit(")", 1)[1].split()[19]) / 100
        mark = True if now - started > 1 else None
        time.sleep(0.01)
    outcome = program.finish(process, b"\n")
    assert outcome.status == 0
    from program import read_json
    report = read_json((program.directory / "report.json").read_bytes())
    assert report["max_rss_bytes"] is None or report["max_rss_bytes"] < 4 * MIB


def test_peak_memory_is_the_childs_and_not_what_it_ended_with(program):
    source = "import os\ndata = bytearray(50 * 1024 * 1024)\nfor i in range(0, len(data), 4096): data[i] = 1\n" \
             "del data\nos._exit(0)"
    _, report = program.report("--", PYTHON, "-c", source, status=0)
    assert report["max_rss_bytes"] >= 50 * MIB


def test_peak_memory_of_one_execution_is_not_that_of_a_larger_one_before(program):
    grow = "data = bytearray(60 * 1024 * 1024)\nfor i in range(0, len(data), 4096): data[i] = 1"
    program.report("--", PYTHON, "-c", grow, status=0)
    _, report = program.report("--", PYTHON, "-c", "pass", status=0)
    assert report["max_rss_bytes"] is None or report["max_rss_bytes"] < 40 * MIB


def test_cpu_times_are_those_that_the_child_used(program):
    source = """
import os, time
while time.process_time() < 0.3: pass
while os.times().system < 0.1: os.listdir('/proc')
t = os.times()
open('times', 'w').write(repr((t.user, t.system)))
"""
    before = time.monotonic()
    _, report = program.report("--", PYTHON, "-c", source, status=0)
    observed = (time.monotonic() - before) * 1000
    user, system = (value * 1000 for value in eval((program.directory / "times").read_text()))
    # os.times counts in hundredths of a second; what the interpreter does after looking comes on top.
    assert user - 20 <= float(report["cpu_user_milliseconds"]) <= observed
    assert system - 20 <= float(report["cpu_system_milliseconds"]) <= observed
    assert float(report["cpu_user_milliseconds"]) + float(report["cpu_system_milliseconds"]) >= 300


def test_cpu_time_of_a_waited_for_grandchild_counts(program):
    source = "import time\nwhile time.process_time() < 0.3: pass"
    _, report = program.report("--", "sh", "-c", f"{PYTHON} -c '{source}'; true", status=0)
    assert float(report["cpu_user_milliseconds"]) + float(report["cpu_system_milliseconds"]) >= 300


def test_waiting_is_not_cpu_time(program):
    source = "import select; select.select([], [], [], 0.5)"
    _, report = program.report("--", PYTHON, "-c", source, status=0)
    used = float(report["cpu_user_milliseconds"]) + float(report["cpu_system_milliseconds"])
    assert float(report["duration_milliseconds"]) >= 500
    assert used < float(report["duration_milliseconds"])


def span(program, **rest):
    """The child's own monotonic span, the report's duration and the observer's span, in milliseconds."""
    source = "import time\na = time.monotonic()\nwhile time.monotonic() - a < 0.05: pass\n" \
             "open('span', 'w').write(repr(time.monotonic() - a))"
    before = time.monotonic()
    _, report = program.report("--", PYTHON, "-c", source, status=0, **rest)
    observed = (time.monotonic() - before) * 1000
    return float((program.directory / "span").read_text()) * 1000, float(report["duration_milliseconds"]), observed


def test_the_duration_spans_the_childs_life(program):
    inner, told, observed = span(program)
    assert inner <= told <= observed


def test_the_duration_does_not_follow_a_wall_clock_that_is_set_meanwhile(program):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("needs a C compiler, for a wall clock that runs backwards")
    (program.directory / "clock.c").write_text("""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
/* Each look at the wall clock finds it an hour earlier. */
int clock_gettime(clockid_t clock, struct timespec *now) {
  static long back;
  int result = syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec -= 3600 * ++back;
  return result;
}
""")
    shim = program.directory / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, program.directory / "clock.c"], check=True)
    inner, told, observed = span(program, env={"LD_PRELOAD": str(shim)})
    assert inner <= told <= observed


def test_the_grace_and_the_reaping_of_a_group_are_part_of_the_duration(program):
    before = time.monotonic()
    _, report = program.report("--timeout", "200ms", "--grace", "100ms", "--", "sh", "-c",
                               "trap '' TERM; while :; do sleep 1000; done", status=124)
    assert 300 <= float(report["duration_milliseconds"]) <= (time.monotonic() - before) * 1000
