# SPDX-License-Identifier: Apache-2.0
"""Wall time, CPU time and peak memory are those of the child (docs/contract.md 4). Figures are compared with what the
child and the observer measured themselves, never with a time that a machine ought to need."""

import os
import shutil
import subprocess
import time

import pytest

from harness import processes
from harness.program import PYTHON, read_json

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


def marks(program, **rest):
    """The child's own high-water mark, as it read it itself at its end, and the report's figure; in bytes."""
    outcome, report = program.report("--", "grep", "VmHWM", "/proc/self/status", status=0, **rest)
    return int(outcome.stdout.split()[1]) * 1024, report["max_rss_bytes"]


def test_memory_of_algo_run_itself_is_never_reported_as_the_childs(program):
    for kilobytes in (0, 500, 1500):
        # Every variable is copied several times on its way to the child: algo-run grows by several times as much.
        large = {f"LARGE_{i}": "x" * 100_000 for i in range(kilobytes // 100)}
        mark, reported = marks(program, env=large)
        # A child that is slow to end grows after the last look at it; one that was hardly loaded at it is not known.
        assert reported is None or mark // 4 <= reported <= mark + MIB, f"{kilobytes} KB: {reported}, and by itself {mark}"


def test_a_child_that_lives_for_a_while_is_known_by_its_own_mark(program):
    process = program.start("exec", "--report", "report.json", "--", "sh", "-c", "echo $$; read line",
                            stdin=subprocess.PIPE)
    child = int(processes.read_line(process.stdout.fileno()))

    def has_lived():
        # A second of the child's own life: algo-run looks at it twice a second at least.
        with open("/proc/uptime") as uptime, open(f"/proc/{child}/stat") as stat:
            started = int(stat.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
            return float(uptime.read().split()[0]) - started > 1
    processes.await_until(has_lived, "the child has lived for a second")
    with open(f"/proc/{child}/status") as status:
        [mark] = [int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")]
    assert program.finish(process, b"\n").status == 0
    reported = read_json((program.directory / "report.json").read_bytes())["max_rss_bytes"]
    assert mark - MIB // 4 <= reported <= mark + MIB


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
    inner, reported, observed = span(program)
    assert inner <= reported <= observed


def test_the_duration_does_not_follow_a_wall_clock_that_is_set_during_it(program):
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
    inner, reported, observed = span(program, env={"LD_PRELOAD": str(shim)})
    assert inner <= reported <= observed


def test_the_grace_and_the_reaping_of_a_group_are_part_of_the_duration(program):
    before = time.monotonic()
    _, report = program.report("--timeout", "200ms", "--grace", "100ms", "--", "sh", "-c",
                               "trap '' TERM; while :; do sleep 1000; done", status=124)
    assert 300 <= float(report["duration_milliseconds"]) <= (time.monotonic() - before) * 1000
