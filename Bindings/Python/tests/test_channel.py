# SPDX-License-Identifier: Apache-2.0
"""The way of a line, and what can never happen because of it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import algo_run

HERE = Path(__file__).parent.parent


def run(program, environment=None, **options):
    """A fresh interpreter, so that signals and descriptors are its own."""
    variables = {**os.environ, "PYTHONPATH": str(HERE), **(environment or {})}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, **options)


def test_keywords_and_a_mapping_are_one_line(channel):
    algo_run.report({"metrics": 1, "self": 2}, score=0.5, self=3)
    assert channel.written() == b'{"metrics":1,"self":3,"score":0.5}\n'


def test_no_arguments_write_nothing(channel):
    algo_run.report()
    algo_run.report(None)
    algo_run.report({})
    assert channel.written() == b""


def test_without_a_supervisor_nothing_is_printed_and_mistakes_still_raise(alone, capfd):
    algo_run.report(a=1)
    with pytest.raises(ValueError):
        algo_run.report(timestamp=1)
    assert capfd.readouterr() == ("", "")


def test_echo_prints_the_line_to_stderr(alone, monkeypatch, capfd):
    monkeypatch.setenv("ALGO_METRICS_ECHO", "1")
    algo_run.report(a=1)
    assert capfd.readouterr() == ("", '{"a":1}\n')


def test_echo_prints_beside_a_supervisor(channel, monkeypatch, capfd):
    monkeypatch.setenv("ALGO_METRICS_ECHO", "1")
    algo_run.report(a=1)
    assert channel.written() == b'{"a":1}\n'
    assert capfd.readouterr() == ("", '{"a":1}\n')


@pytest.mark.parametrize("number", ["", "x", "-1", "3x", " 3", "+3", "3.0", "999999", "99999999999999999999", "\u0663"])
def test_a_descriptor_number_that_means_nothing_is_not_a_supervisor(number, monkeypatch, channel):
    monkeypatch.setenv("ALGO_METRICS_FD", number)
    algo_run.report(a=1)
    assert channel.written() == b""


def test_a_closed_descriptor_is_not_a_supervisor(channel):
    os.close(channel.writer)
    algo_run.report(a=1)


def test_a_file_that_took_the_number_of_a_closed_descriptor_is_left_alone(channel, tmp_path):
    algo_run.report(a=1)
    for access in (os.O_RDWR, os.O_WRONLY):
        other = os.open(tmp_path / "model", access | os.O_CREAT)
        os.dup2(other, channel.writer)
        os.close(other)
        algo_run.report(a=2)
    assert (tmp_path / "model").read_bytes() == b""


def test_a_database_under_the_number_is_left_alone_from_the_first_call(tmp_path):
    program = "import os, algo_run; os.dup2(os.open('db', os.O_RDWR | os.O_CREAT), 3); algo_run.report(a=1)"
    assert run(program, {"ALGO_METRICS_FD": "3"}, cwd=tmp_path).returncode == 0
    assert (tmp_path / "db").read_bytes() == b""


def test_a_file_opened_by_the_shell_receives_the_lines(tmp_path):
    program = "import algo_run; algo_run.report(a=1); algo_run.report(b=2)"
    command = ["sh", "-c", 'ALGO_METRICS_FD=3 "$0" -c "$1" 3>lines', sys.executable, program]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=60, env={**os.environ, "PYTHONPATH": str(HERE)})
    assert (tmp_path / "lines").read_text() == '{"a":1}\n{"b":2}\n'


def test_a_full_disk_loses_the_line_and_nothing_else(tmp_path):
    program = "import algo_run; algo_run.report(a=1); algo_run.report(b=2); print('alive')"
    trace = tmp_path / "trace"
    command = ["sh", "-c", 'ALGO_METRICS_FD=3 strace -e trace=write -o "$2" "$0" -c "$1" 3>/dev/full']
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    arguments = [*command, sys.executable, program, str(trace)]
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("alive\n", "", 0)
    assert trace.read_text().count("ENOSPC") == 2


@pytest.mark.parametrize("disposition", ["SIG_DFL", "SIG_IGN", "print"])
def test_a_reader_that_is_gone_never_kills_and_never_signals(disposition):
    handler = f"signal.{disposition}" if disposition.startswith("SIG") else "lambda *_: print('signalled')"
    program = f"""
import algo_run, os, signal
signal.signal(signal.SIGPIPE, {handler})
reader, writer = os.pipe(); os.close(reader)
os.environ["ALGO_METRICS_FD"] = str(writer)
for _ in range(3): algo_run.report(a=1)
assert signal.SIGPIPE not in signal.sigpending() and not signal.pthread_sigmask(signal.SIG_BLOCK, ())
print("alive")
"""
    ended = run(program)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("alive\n", "", 0)


def test_a_program_that_blocks_the_signal_finds_it_as_it_left_it():
    program = """
import algo_run, os, signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGPIPE,))
reader, writer = os.pipe(); os.close(reader)
os.environ["ALGO_METRICS_FD"] = str(writer)
algo_run.report(a=1)
assert signal.SIGPIPE not in signal.sigpending()
assert signal.SIGPIPE in signal.pthread_sigmask(signal.SIG_BLOCK, ())
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPIPE,))
print("alive")
"""
    assert run(program).stdout == "alive\n"


def test_a_closed_stderr_does_not_fail_an_echo():
    program = "import algo_run, os; os.close(2); algo_run.report(a=1); print('alive')"
    assert run(program, {"ALGO_METRICS_ECHO": "1"}).stdout == "alive\n"


def test_lines_of_many_threads_never_interleave(channel):
    # Longer than a pipe holds, so that writes come in pieces and only the lock keeps a line whole.
    threads, calls, name = 8, 20, "n" * 30_000
    received = bytearray()

    def drain():
        while part := os.read(channel.reader, 4096):
            received.extend(part)

    def report(number):
        for _ in range(calls):
            algo_run.report({name: number, "other": number})

    reader = threading.Thread(target=drain)
    workers = [threading.Thread(target=report, args=(number,)) for number in range(threads)]
    for thread in [reader, *workers]:
        thread.start()
    for thread in workers:
        thread.join()
    os.close(channel.writer)
    reader.join()
    expected = sorted(f'{{"{name}":{n},"other":{n}}}' for n in range(threads) for _ in range(calls))
    assert sorted(received.decode().splitlines()) == expected


def test_a_child_forked_while_another_thread_writes_can_report():
    # The pipe is full, so the thread holds the lock in its write until the pipe is read.
    program = """
import algo_run, os, threading, warnings
warnings.simplefilter("ignore")
reader, writer = os.pipe()
other_reader, other_writer = os.pipe()
os.environ["ALGO_METRICS_FD"] = str(writer)
thread = threading.Thread(target=lambda: algo_run.report({"n" * 200_000: 1}))
thread.start()
os.set_blocking(reader, True)
first = os.read(reader, 1)  # The write has begun, and cannot end.
child = os.fork()
if child == 0:
    os.environ["ALGO_METRICS_FD"] = str(other_writer)
    algo_run.report(child=1)
    os._exit(0)
line = os.read(other_reader, 100)
while not first.endswith(b"\\n"):
    first += os.read(reader, 65536)
thread.join()
print(os.waitpid(child, 0)[1], line, len(first))
"""
    assert run(program).stdout == "0 b'{\"child\":1}\\n' 200007\n"


def test_a_signal_handler_may_report_while_a_report_is_written():
    program = """
import algo_run, os, signal, threading
reader, writer = os.pipe()
os.environ["ALGO_METRICS_FD"] = str(writer)
handled = []
def handle(*_):
    other_reader, other_writer = os.pipe()
    os.environ["ALGO_METRICS_FD"] = str(other_writer)
    algo_run.report(handler=1)
    handled.append(os.read(other_reader, 100))
signal.signal(signal.SIGUSR1, handle)
main = threading.get_ident()
def interrupt():
    os.read(reader, 1)
    signal.pthread_kill(main, signal.SIGUSR1)
    while not handled: pass
    rest = 1
    while rest < 200_007: rest += len(os.read(reader, 65536))
thread = threading.Thread(target=interrupt)
thread.start()
algo_run.report({"n" * 200_000: 1})
thread.join()
print(handled)
"""
    assert run(program).stdout == "[b'{\"handler\":1}\\n']\n"


def test_a_full_pipe_that_does_not_block_is_waited_for(channel):
    os.set_blocking(channel.writer, False)
    received = bytearray()

    def drain():
        while not received.endswith(b"\n"):
            received.extend(os.read(channel.reader, 4096))

    reader = threading.Thread(target=drain)
    reader.start()
    algo_run.report({"n" * 300_000: 1})
    reader.join()
    assert len(received) == 300_007


def test_one_call_is_one_write(tmp_path):
    program = "import algo_run, os; os.dup2(os.open('/dev/null', os.O_WRONLY), 9); algo_run.report({'n' * 60_000: 1})"
    environment = {**os.environ, "PYTHONPATH": str(HERE), "ALGO_METRICS_FD": "9"}
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=write", "-e", "write=none", "-o", str(trace), sys.executable, "-c", program]
    subprocess.run(command, env=environment, check=True, timeout=60)
    writes = [text for text in trace.read_text().splitlines() if "write(9" in text]
    assert len(writes) == 1 and writes[0].endswith("= 60007")
