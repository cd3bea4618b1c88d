# SPDX-License-Identifier: Apache-2.0
"""A fork of the loaded program for each request: as fast as a fork, as separate as a process."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback

from ._orphan import Starter
from ._worker import Worker, failure, flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Tuple

    from ._protocol import Frame

_PATIENCE_SECONDS = 0.1


class IsolatingWorker(Worker):
    """Never calls apply itself, so no request leaves anything behind in it."""

    isolation = {"isolation": "process"}
    # Of the request that is being handed over: its input, frame, metrics descriptor, and the pipe that ends with the
    # process in between.
    request: Tuple[bytes, Frame, int, int, int]

    def get_ready(self) -> None:
        _refuse_threads()
        if "numpy" in sys.modules:
            # It is imported on first use. In the forks that would be each time, and with the same random numbers.
            import numpy.random  # noqa: F401
        self.starter = Starter(self._child)
        self.after_fork = getattr(threading, "_after_fork", _nothing)
        self.after_fork_code = self.after_fork.__code__
        # It prepares a fork for the loss of threads, and there are none: this is a seventh of the time of a request.
        self.after_fork.__code__ = _nothing.__code__
        # Blocked for the forks, which wait for it.
        self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCONT,))
        # A collection in a fork would touch, and so copy, every page that it shares with this process.
        gc.collect()
        gc.freeze()

    def answer(self, body: bytes, frame: Frame, metrics: int) -> None:
        _reseed()
        try:
            reader, writer = os.pipe()
            self.request = (body, frame, metrics, reader, writer)
            try:
                self.starter.start()
            finally:
                os.close(reader)
                os.close(writer)
        except OSError as error:
            self._write(failure(frame.number, error))
        finally:
            os.close(metrics)

    def _announce(self, number: int) -> None:
        """Goes on once the supervisor watches this process: killed before that, it would leave what apply started."""
        supervisor = os.getppid()
        self._write(b"forked %d 0 pid=%d\n" % (number, os.getpid()))
        while signal.sigtimedwait((signal.SIGCONT,), _PATIENCE_SECONDS) is None:
            if os.getppid() != supervisor:
                sys.exit("algo_run: algo-run has ended")
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)

    def _child(self) -> NoReturn:
        status = 1
        try:
            # A fork of this process may lose threads.
            self.after_fork.__code__ = self.after_fork_code
            body, frame, metrics, reader, writer = self.request
            os.setpgid(0, 0)
            # Reads the end of the pipe once this process has its new parent.
            os.close(writer)
            os.read(reader, 1)
            os.close(reader)
            os.close(self.requests)
            self.socket.close()
            self._announce(frame.number)
            super().answer(body, frame, metrics)
            status = 0
        except SystemExit as exit:
            status = _status(exit.code)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            traceback.print_exc()
        finally:
            flush()
            os._exit(status)


def _nothing() -> None:
    pass


def _status(code: object) -> int:
    """The exit status of sys.exit(code)."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _reseed() -> None:
    """The next fork would draw the numbers of the last one. Python's own `random` reseeds itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        # The whole state from the system: seed() would take four times as long.
        numpy_random.set_state(("MT19937", memoryview(os.urandom(4 * 624)).cast("I"), 624))


def _refuse_threads() -> None:
    """A fork has only the thread that forks; what the others held or were about to do is lost in it."""
    named = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    own = {getattr(thread, "native_id", None) for thread in (*named, threading.current_thread())}
    try:
        native = [task for task in os.listdir("/proc/self/task") if int(task) not in own]
    except OSError:
        native = []
    if not named and not native:
        return
    running = [f'thread "{thread.name}"' for thread in named]
    if native:
        running.append(f"{len(native)} native thread{'s' if len(native) > 1 else ''} of a library")
    sys.exit(
        "algo_run: isolation by process forks the program for each request, which is not safe while threads run: "
        f"{', '.join(running)}. Start threads in apply only, and set OMP_NUM_THREADS=1, OPENBLAS_NUM_THREADS=1 and "
        "MKL_NUM_THREADS=1 before the first import; or serve without isolation."
    )
