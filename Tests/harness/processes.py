# SPDX-License-Identifier: Apache-2.0
"""Looks at running processes from outside, and waits for conditions with a deadline."""

import os
import select
import signal
import time
from dataclasses import dataclass

# Long enough for a machine with many other things to do. No test passes because of it, and none is slowed by it.
LIMIT = 300


@dataclass(frozen=True)
class Process:
    """One running process, as /proc shows it."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int


def find(pid):
    """The process of this number; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    # The name is in parentheses and may contain any of them itself.
    name = text[text.index("(") + 1:text.rindex(")")]
    state, parent, group, session = text[text.rindex(")") + 2:].split()[:4]
    return Process(pid, name, state, int(parent), int(group), int(session))


def marked(marker):
    """All processes that were started with this marker in their environment. Zombies have none left."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                belongs = marker.encode() in file.read()
        except OSError:
            continue
        process = find(int(entry)) if belongs else None
        if process and process.state not in "ZX":
            found.append(process)
    return found


def open_files(pid):
    """The names of its open files; none once it has ended."""
    return [name for name, _ in _descriptors(pid)]


def bytes_open(pid, part):
    """How large the files with `part` in their name are that it has open."""
    return sum(size for name, size in _descriptors(pid) if part in name)


def _descriptors(pid):
    """Name and size of what each descriptor leads to, without those that are closed while we look."""
    found = []
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except FileNotFoundError:
        return found
    for number in numbers:
        path = f"/proc/{pid}/fd/{number}"
        try:
            found.append((os.readlink(path), os.stat(path).st_size))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def is_running(pid):
    """Whether there is such a process and it is not a zombie."""
    process = find(pid)
    return process is not None and process.state not in "ZX"


def suspend(pid):
    """Stops a process and waits until it stands still: before that, a read that waits may still take what comes."""
    os.kill(pid, signal.SIGSTOP)
    await_until(lambda: find(pid).state == "T", f"process {pid} is stopped")


def await_until(condition, what, limit=LIMIT):
    """Waits until `condition()` is true and gives its value; fails with `what` at the deadline."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {limit} s in vain until {what}"
        time.sleep(0.002)


def await_none(marker, limit=LIMIT):
    """Waits until nothing with this marker runs; gives what still does at the deadline."""
    deadline = time.monotonic() + limit
    while True:
        left = marked(marker)
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.002)


def end_all(marker):
    """Ends everything that runs with this marker."""
    for _ in range(50):
        found = marked(marker)
        for process in found:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not found:
            return


def read_line(descriptor, limit=LIMIT):
    """The next line from a pipe, without its newline; fails at the deadline or at the end of the stream."""
    line = b""
    deadline = time.monotonic() + limit
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"waited {limit} s in vain for a line, got {line!r}"
        byte = os.read(descriptor, 1)
        assert byte, f"the stream ended in the middle of a line: {line!r}"
        line += byte
    return line[:-1].decode()


def read_piece(descriptor, limit=LIMIT):
    """The bytes that can be read next from a pipe; nothing at the end of its last writer. Fails at the deadline."""
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    assert watch.poll(limit * 1000), f"waited {limit} s in vain for data"
    return os.read(descriptor, 65536)
