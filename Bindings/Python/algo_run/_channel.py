# SPDX-License-Identifier: Apache-2.0
"""The only file that writes: the descriptor of ALGO_METRICS_FD, and stderr for ALGO_METRICS_ECHO.

Nothing here raises for the state of a descriptor, and no signal of ours reaches the program: telemetry does no harm.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from _thread import RLock

try:
    import fcntl
except ImportError:  # Windows: no supervisor there, and importing must work all the same.
    fcntl = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional, Tuple

_WRITE_PATIENCE_MILLISECONDS = 1000

# Reentrant, because a Python signal handler that reports may interrupt a report of the same thread.
_lock = RLock()
# The descriptor that the first call found, as (number, device, inode).
_first: Optional[Tuple[int, int, int]] = None
# In a worker: finds the request that a line belongs to.
serving: Optional[Callable[[bytes], None]] = None


def send(line: bytes) -> None:
    """Write the line to its request, or where the environment asks for it."""
    if serving is not None:
        serving(line)
        return
    echo(line)
    number = os.environ.get("ALGO_METRICS_FD")
    if number is not None:
        descriptor = _supervisors_descriptor(number)
        if descriptor is not None:
            _write(descriptor, line)


def echo(line: bytes) -> None:
    if os.environ.get("ALGO_METRICS_ECHO") == "1":
        _write(2, line)


def _supervisors_descriptor(number: str) -> Optional[int]:
    """The descriptor, if it can be the one that a supervisor gave.

    A program may have been started with the variable but without the descriptor, or may have closed it: then the
    number belongs to whatever was opened next, and a line there would damage a database or a model file.
    """
    global _first
    if fcntl is None or not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    descriptor = int(number)
    try:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & 3 != os.O_WRONLY:
            return None
        status = os.fstat(descriptor)
    except OSError:
        return None
    identity = (descriptor, status.st_dev, status.st_ino)
    if _first is None or _first[0] != descriptor:
        _first = identity
    elif _first != identity and not stat.S_ISFIFO(status.st_mode):
        return None
    return descriptor


def _write(descriptor: int, line: bytes) -> None:
    """One write of the whole line; more only for what a short write left over."""
    with _lock:
        if fcntl is None:
            write_all(descriptor, line)
            return
        import signal  # Here, because it costs a start more than the rest, and most calls on a laptop never get here.

        # A closed reader raises SIGPIPE, and a program may have set that back to its fatal default. The signal goes
        # to the writing thread alone, so this thread holds it off, takes it away, and leaves all others as they are.
        blocked = signal.SIGPIPE in signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGPIPE,))
        try:
            waiting = blocked and signal.SIGPIPE in signal.sigpending()
            broken = write_all(descriptor, line)
            # Not on macOS, which has no sigtimedwait and no algo-run.
            if broken and not waiting and sys.platform != "darwin":
                signal.sigtimedwait((signal.SIGPIPE,), 0)
        finally:
            if not blocked:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPIPE,))


def write_all(descriptor: int, line: bytes) -> bool:
    """Whether the reader is gone. Any other failure loses the line and nothing else."""
    rest: memoryview | bytes = line
    try:
        while rest:
            try:
                written = os.write(descriptor, rest)
                if written == len(rest):
                    break
                rest = memoryview(rest)[written:]
            except BlockingIOError:
                # The program made the pipe non-blocking; its reader is never long behind.
                if not _room(descriptor):
                    return False
    except OSError as error:
        return error.errno == errno.EPIPE
    return False


def _room(descriptor: int) -> bool:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(_WRITE_PATIENCE_MILLISECONDS))


def _forget_lock() -> None:
    """In a forked child the lock may be held by a thread that does not exist there."""
    global _lock
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
