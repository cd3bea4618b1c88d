# SPDX-License-Identifier: Apache-2.0
"""Starts a process that is not a child of this one: another forks it and ends, so that a subreaper adopts it."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn, Optional

_CLONE_VM = 0x100
_CLONE_VFORK = 0x4000
# The place of the stack pointer in ucontext_t of glibc.
_STACK_POINTERS = {"x86_64": 160, "aarch64": 432}
# Room for the frames of this process that lie below that pointer by the time of the clone.
_STACK_DISTANCE = 128 << 10


class Starter:
    """Forks `child`, which must not return.

    The process in between shares the memory of this one, which sleeps until it has ended, as with vfork: a copy of the
    memory would cost as much as the second fork. It runs deeper on the same stack, where its child then stays.
    """

    def __init__(self, child: Callable[[], NoReturn]) -> None:
        self._child = child
        self._clone = _memory_sharing_clone(self._between) or self._fork

    def start(self) -> None:
        """Returns when the process in between has ended.

        Raises OSError if the system has no room for a process.
        """
        if os.waitpid(self._clone(), 0)[1] != 0:
            raise OSError("the request's process could not be forked; see the limits of memory and processes")

    def _between(self) -> int:
        try:
            if os.fork() == 0:
                self._child()
            return 0
        except BaseException:
            return 1

    def _fork(self) -> int:
        between = os.fork()
        if between == 0:
            os._exit(self._between())
        return between


def _memory_sharing_clone(function: Callable[[], int]) -> Optional[Callable[[], int]]:
    """Starts a process that runs the function and exits with its result. None if that is not known to work."""
    position = _STACK_POINTERS.get(os.uname().machine)
    try:
        import ctypes

        libc = ctypes.PyDLL(None, use_errno=True)
        clone, getcontext = libc.clone, libc.getcontext
        libc.gnu_get_libc_version  # noqa: B018
    except (ImportError, OSError, AttributeError):
        return None
    if position is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    context = (ctypes.c_uint64 * 512)()
    code = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: function())
    clone.argtypes = (type(code), ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

    def start() -> int:
        getcontext(context)
        stack = (context[position // 8] - _STACK_DISTANCE) & ~15
        process: int = clone(code, stack, _CLONE_VM | _CLONE_VFORK | signal.SIGCHLD, None)
        if process < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return process

    return start
