# SPDX-License-Identifier: Apache-2.0
"""Newline-delimited JSON on descriptor 3, drained all the time (docs/contract.md 5)."""

import os
import subprocess

import pytest

from harness import processes
from harness.program import PYTHON, read_json


def texts(metrics):
    """Names and numbers as they were written, in their order."""
    return [(name, number.text) for name, number in metrics.items()]


def test_reports_accumulate_in_the_order_of_first_report(program):
    _, report = program.stream(b'{"b":1,"a":2}\n{"c":3}\n{"a":4}\n')
    assert texts(report["metrics"]) == [("b", "1"), ("a", "4"), ("c", "3")]
    assert report["rejected_metrics"] == []


def test_the_same_name_again_replaces_its_value_and_counts_once(program):
    lines = b"".join(b'{"m%d":%d}\n' % (i % 25, i) for i in range(5000))
    outcome, report = program.stream(lines)
    assert texts(report["metrics"]) == [(f"m{i}", str(4975 + i)) for i in range(25)]
    assert report["rejected_metrics"] == [] and outcome.stderr == b""


def test_a_name_written_with_escapes_is_the_same_name(program):
    _, report = program.stream(b'{"caf\\u00e9":1}\n{"caf\xc3\xa9":2}\n{"\\u0063af\\u00E9":3}\n')
    assert texts(report["metrics"]) == [("caf\u00e9", "3")]


@pytest.mark.parametrize("stream", [
    b'{"a":1}', b'{"a":1}\n', b'\n\n{"a":1}\n\n', b' \t\r\n{"a":1}\r\n  \n', b'  { "a" : 1 }  ', b'{}\n{"a":1}\n{ }',
    b'{"a":0}\n{"a":1}',
])
def test_blank_lines_and_a_missing_last_newline_make_no_difference(program, stream):
    outcome, report = program.stream(stream)
    assert texts(report["metrics"]) == [("a", "1")] and report["rejected_metrics"] == []
    assert outcome.stderr == b""


def test_nothing_at_all_may_be_reported(program):
    _, report = program.report("--", "true", status=0)
    assert report["metrics"] == {} and report["rejected_metrics"] == []


def test_a_child_that_closes_its_channel_immediately_runs_on(program):
    outcome, report = program.report("--", "sh", "-c", "exec 3>&-; echo fine; exit 3", status=3)
    assert outcome.stdout == b"fine\n" and report["metrics"] == {}
    _, report = program.report("--", "sh", "-c", "echo '{\"a\":1}' >&3; exec 3>&-; exit 4", status=4)
    assert report["metrics"] == {"a": 1}


def test_lines_may_come_in_pieces_and_from_several_processes(program):
    script = """
printf '{"a"' >&3; printf ':1' >&3; printf '}\\n' >&3
(echo '{"b":2}' >&3)
sh -c 'echo "{\\"c\\":3}" >&$ALGO_METRICS_FD'
"""
    _, report = program.report("--", "sh", "-c", script, status=0)
    assert texts(report["metrics"]) == [("a", "1"), ("b", "2"), ("c", "3")]


def test_what_was_written_right_before_the_end_is_read(program):
    # As much as a pipe can hold, unread when the writer ends.
    source = """
import fcntl, os
room = fcntl.fcntl(3, 1032)
line = b'{"last":%d}\\n'
os.write(3, b'\\n' * (room - 200)); os.write(3, line % 42)
os._exit(0)
"""
    for _ in range(10):
        _, report = program.report("--", PYTHON, "-c", source, status=0)
        assert texts(report["metrics"]) == [("last", "42")]


def test_what_was_reported_before_a_crash_is_kept(program, published):
    _, report = program.report(published, "--", "sh", "-c", "echo '{\"a\":1}' >&3; kill -KILL $$", status=-9)
    assert report["metrics"] == {"a": 1} and report["delivery"] == {"state": "written"}
    assert program.insights()[0].endswith(b',"a":1}')


def test_a_descendant_that_holds_the_channel_open_delays_nothing(program):
    source = """
import os, signal
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    null = os.open('/dev/null', os.O_RDWR)
    for d in (0, 1, 2): os.dup2(null, d)
    os.write(w, b'x')
    while True: signal.pause()
os.read(r, 1)
os.write(3, b'{"a":1}')
os._exit(0)
"""
    # Returning at all is the promise: the descendant never ends by itself.
    _, report = program.report("--", PYTHON, "-c", source, status=0)
    assert report["metrics"] == {"a": 1}
    [holder] = processes.marked(program.marker)
    assert os.readlink(f"/proc/{holder.pid}/fd/3").startswith("pipe:")
    processes.end_all(program.marker)


def test_a_descendant_that_keeps_flooding_the_channel_delays_nothing(program):
    source = """
import os, signal
# Before the flood, which may fill the 1 MiB that is kept.
os.write(3, b'{"a":1}\\n')
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    null = os.open('/dev/null', os.O_RDWR)
    for d in (0, 1, 2): os.dup2(null, d)
    while True: os.write(3, b'{"late":1}\\n' * 1000)
os._exit(0)
"""
    _, report = program.report("--", PYTHON, "-c", source, status=0)
    assert report["metrics"]["a"] == 1
    assert processes.await_none(program.marker) == [], "the closed channel ends who still writes to it"


def test_a_member_of_the_group_reports_as_well_while_the_child_runs_and_not_afterwards(program):
    source = """
import os
parent = os.getpid()
r, w = os.pipe()
if os.fork() == 0:
    os.write(3, b'{"while":1}\\n')
    null = os.open('/dev/null', os.O_RDWR)
    for d in (0, 1, 2): os.dup2(null, d)
    os.write(w, b'x')
    while not os.path.exists('over'): pass
    try: os.write(3, b'{"after":1}\\n')
    except OSError: pass
    os._exit(0)
os.read(r, 1)
os._exit(0)
"""
    _, report = program.report("--keep-descendants", "--", PYTHON, "-c", source, status=0)
    assert texts(report["metrics"]) == [("while", "1")]
    (program.directory / "over").touch()
    assert processes.await_none(program.marker) == []


def test_every_number_is_carried_as_it_was_written(program, published):
    numbers = ["0", "-0", "0.10", "1.0", "-1.50", "1E+3", "1e3", "1e-7", "0.1e-2", "12345678901234567890",
               "-99999999999999999999999999", "3.141592653589793238462643383279", "1e308", "5e-324", "1e-999",
               "0.0000000000000000000000000001", "123456789.987654321e-5", "1.7976931348623157e308", "0e0", "0.0E-0"]
    stream = "".join(f'{{"n{i}":{number}}}\n' for i, number in enumerate(numbers))
    _, report = program.stream(stream.encode(), ref=published)
    assert [text for _, text in texts(report["metrics"])] == numbers
    assert program.insights()[0].endswith(
        b"," + ",".join(f'"n{i}":{number}' for i, number in enumerate(numbers)).encode() + b"}")


def test_a_number_of_twenty_thousand_digits_loses_none(program):
    number = "0." + "1234567890" * 2000
    _, report = program.stream(f'{{"long":{number}}}'.encode())
    assert texts(report["metrics"]) == [("long", number)]


def memory_of_algo_run(stderr):
    [line] = [line for line in stderr.decode().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


@pytest.mark.slow
@pytest.mark.parametrize("unit, megabytes", [
    (b'{"a":1}\n', 20), (b"x" * 1000, 20), (b"[]\n", 20),
    # A hundred thousand names, each different from the others until the end.
    (b'{"%d":1}\n', 32),
], ids=["one metric", "no newline", "broken lines", "ever new names"])
def test_300_megabytes_neither_block_the_child_nor_grow_algo_run(program, unit, megabytes):
    source = """
import os, sys
unit = sys.argv[1].encode()
total = 0
if b'%d' in unit:
    piece = lambda n: b''.join(unit % i for i in range(n, n + 10000))
else:
    fixed = unit * (1000000 // len(unit))
    piece = lambda n: fixed
while total < 300_000_000:
    data = piece(total)
    view = memoryview(data)
    while view: view = view[os.write(3, view):]
    total += len(data)
# The peak of the parent, which drained it all.
for line in open('/proc/%d/status' % os.getppid()):
    if line.startswith('VmHWM'): sys.stderr.write(line)
"""
    outcome, report = program.report("--", PYTHON, "-c", source, unit.decode(), status=0)
    assert memory_of_algo_run(outcome.stderr) < megabytes * 1024, "kilobytes"
    assert any(rejection["reason"] == "stream_too_long" for rejection in report["rejected_metrics"])


def test_a_line_without_a_newline_is_reported_as_too_long(program):
    outcome, report = program.stream(b"x" * 500_000, status=0)
    [rejection] = report["rejected_metrics"]
    assert (rejection["line"], rejection["reason"]) == (1, "malformed_line")
    assert "65536" in rejection["detail"]


def test_metrics_are_collected_while_stdout_is_blocked(program):
    # The pipe of stdout is not read until all metrics are written: draining must not wait for anything.
    source = "import os\nfor i in range(20000): os.write(3, b'{\"a\":%d}\\n' % i)\nos.write(2, b'done\\n')\n" \
             "os.write(1, b'x' * 1000000)"
    process = program.start_python(source, "--report", "report.json", stdout=subprocess.PIPE)
    assert processes.read_line(process.stderr.fileno()) == "done"
    outcome = program.finish(process)
    assert len(outcome.stdout) == 1000000
    report = read_json((program.directory / "report.json").read_bytes())
    assert texts(report["metrics"]) == [("a", "19999")]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_descriptor_that_the_system_does_not_watch_is_a_failure_and_no_endless_wait(program, number):
    # More than the pipe holds: a channel that nothing reads would block the child.
    child = ["sh", "-c", "head -c 200000 /dev/zero >&3; touch ran"]
    finished = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", f"inject=epoll_ctl:error=ENOSPC:when={number}", program.binary, "exec",
         "--", *child], cwd=program.directory, env=program.environment(), timeout=processes.LIMIT, check=False,
        capture_output=True)
    assert finished.returncode == 125, finished
    assert finished.stderr.startswith(b"algo-run: ") and finished.stderr.count(b"\n") == 1
    assert not (program.directory / "ran").exists()
