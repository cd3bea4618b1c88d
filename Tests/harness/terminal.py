# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, with the keys and the eyes of a user."""

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

from harness import processes


class Terminal:
    """A session on a pseudo-terminal; a context manager that ends what it started."""

    def __init__(self, command, environment, directory):
        self.shown = b""
        self._seen = 0
        self.status = None
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(directory)
                # A key that interrupts also throws away what waits to be read or shown, a moment after the signal: what
                # is typed in answer to the signal could be lost with it.
                settings = termios.tcgetattr(0)
                settings[3] |= termios.NOFLSH
                termios.tcsetattr(0, termios.TCSANOW, settings)
                for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
                               signal.SIGPIPE):
                    signal.signal(number, signal.SIG_DFL)
                os.execvpe(command[0], command, environment)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            # Closing the terminal hangs up on the processes that are left; the leader is ended for certain.
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    def type(self, text):
        """Presses keys: `\\x03` is Ctrl-C, `\\x1a` Ctrl-Z, `\\x1c` Ctrl-backslash."""
        os.write(self._master, text.encode())

    def see(self, pattern, limit=processes.LIMIT):
        """Waits until the pattern is shown behind what was seen before; gives the match."""
        deadline = time.monotonic() + limit
        while True:
            match = re.search(pattern.encode(), self.shown[self._seen:])
            if match:
                self._seen += match.end()
                return match
            assert time.monotonic() < deadline, f"never saw {pattern!r} in {self.shown[self._seen:]!r}"
            if not self._read(deadline):
                match = re.search(pattern.encode(), self.shown[self._seen:])
                assert match, f"the session ended without {pattern!r}: {self.shown!r}"

    def _read(self, deadline):
        ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return True
        try:
            piece = os.read(self._master, 65536)
        except OSError as problem:
            # Linux reports this once the other side is closed everywhere.
            if problem.errno != errno.EIO:
                raise
            piece = b""
        self.shown += piece
        return bool(piece)

    def end(self, limit=processes.LIMIT):
        """Waits for the end of the session's leader, reading what is still shown; gives its exit status."""
        deadline = time.monotonic() + limit
        while self.status is None:
            assert time.monotonic() < deadline, f"still running; shown: {self.shown!r}"
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            self._read(min(deadline, time.monotonic() + 0.01))
        while self._read(time.monotonic() + 0.01) and select.select([self._master], [], [], 0)[0]:
            pass
        return self.status

    def foreground_group(self):
        """The group that the keys of the terminal reach."""
        return os.tcgetpgrp(self._master)

    def resize(self, rows, columns):
        """Changes the window."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def shell(program):
    """An interactive shell with job control, whose prompt is `ok> `."""
    environment = program.environment(TERM="dumb", PS1="ok> ", A=str(program.binary), P=sys.executable, HISTFILE="/dev/null")
    return Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"], environment, program.directory)
