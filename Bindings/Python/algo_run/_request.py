# SPDX-License-Identifier: Apache-2.0
"""The request that is being answered, and which one a report belongs to."""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from contextvars import ContextVar, copy_context

from . import _channel
from ._line import metric_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any, Mapping, Optional

    from . import Number

_context: ContextVar[Optional[Request]] = ContextVar("algo_run.request", default=None)
# The request of the thread that calls apply, for code there that runs in an empty context. With no thread: of all.
_running: Optional[Request] = None
_thread: Optional[int] = None
_told = False
_pools_hand_on = False
# Whether lines are echoed, as the environment said when the worker started.
_echoes = False


class Request:
    """One request: what is known of it, and its metrics. `algo_run.current()` gives the one that is being answered.

    `report` works in any thread until the request is answered. A later report is not credited to any request.
    """

    id: str
    """The request's identifier, as in its payload."""
    deadline: Optional[float]
    """The time.monotonic() at which the request is stopped; None without a limit."""
    traceparent: Optional[str]
    """The W3C trace context of the caller, if there is one."""

    def __init__(self, id: str, deadline: Optional[float], traceparent: Optional[str]) -> None:
        self.id = id
        self.deadline = deadline
        self.traceparent = traceparent

    @property
    def reference(self) -> str:
        """OWNER/NAME/VERSION of the algorithm; empty if algo-run runs a bare command, or there is no algo-run."""
        parts = [os.environ.get(name, "") for name in ("ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION")]
        return "/".join(parts) if all(parts) else ""

    def report(self, metrics: Optional[Mapping[str, Number]] = None, /, **named: Number) -> None:
        """As `algo_run.report`, for this request."""
        line = metric_line({**(metrics or {}), **named})
        if line is not None:
            self._send(line)

    def _send(self, line: bytes) -> None:
        _channel.send(line)


class WorkerRequest(Request):
    """A request that came as a frame, with a metrics descriptor of its own."""

    def __init__(
        self, number: int, id: str, deadline: Optional[float], traceparent: Optional[str], metrics: int, permanent: int
    ) -> None:
        # Without the base's initializer, whose call costs as much as all of this.
        self.id = id
        self.deadline = deadline
        self.traceparent = traceparent
        self._number = number
        self._metrics = metrics
        self._permanent = permanent

    def _send(self, line: bytes) -> None:
        # The lock is that of all reports: a request that is being closed must not lose its descriptor in a write.
        with _channel._lock:
            if _echoes:
                _channel.echo(line)
            if self._metrics >= 0:
                _channel.write_all(self._metrics, line)
                return
            # Framed with its own number, by which the supervisor counts it as late.
            _channel.write_all(self._permanent, b"\x1e%d %s" % (self._number, line))
        _tell(f"report() after the answer to request {self.id}; wait for threads and tasks before apply returns")

    def close(self) -> None:
        """Nothing is written to the request's descriptor any more."""
        with _channel._lock:
            os.close(self._metrics)
            self._metrics = -1


def current() -> Optional[Request]:
    return _context.get() or (_running if _thread in (None, get_ident()) else None)


def enter(request: Request) -> None:
    """Makes it the request of this context and this thread."""
    global _running, _thread
    _context.set(request)
    _running, _thread = request, get_ident()


def enter_alone(request: Request) -> None:
    """Makes it the request of all threads, as there is no other."""
    global _running
    _running = request


def leave() -> None:
    global _running
    _running = None


def route(permanent: int) -> None:
    """From now on report() finds its request; without one its line goes, framed as late, to the permanent pipe."""
    global _echoes
    _echoes = os.environ.get("ALGO_METRICS_ECHO") == "1"

    def send(line: bytes) -> None:
        request = current()
        if request is not None:
            request._send(line)
            return
        with _channel._lock:
            if _echoes:
                _channel.echo(line)
            _channel.write_all(permanent, b"\x1e0 " + line)
        _tell("report() on a thread of no request; pass algo_run.current() on and report by it")

    _channel.serving = send


def hand_on_contexts() -> None:
    """A thread, and a call given to a thread pool, has the request of the code that started it."""
    import threading

    start = threading.Thread.start

    def start_with_context(self: threading.Thread) -> None:
        # The first call given to a pool starts a thread, whose context it has.
        _hand_on_contexts_to_pools()
        if _context.get() is not None:
            context, run = copy_context(), self.run

            def run_with_context() -> None:
                try:
                    context.run(run)
                finally:
                    self.__dict__.pop("run", None)

            self.run = run_with_context  # type: ignore[method-assign]
        start(self)

    threading.Thread.start = start_with_context  # type: ignore[method-assign]
    _hand_on_contexts_to_pools()


def _hand_on_contexts_to_pools() -> None:
    """Once the program has imported thread pools. They load much, and each fork of the program would pay for that."""
    global _pools_hand_on
    module = sys.modules.get("concurrent.futures.thread")
    if _pools_hand_on or module is None:
        return
    _pools_hand_on = True
    submit = module.ThreadPoolExecutor.submit

    def submit_with_context(self: ThreadPoolExecutor, function: Any, /, *arguments: Any, **named: Any) -> Any:
        if _context.get() is None:
            return submit(self, function, *arguments, **named)
        return submit(self, copy_context().run, function, *arguments, **named)

    module.ThreadPoolExecutor.submit = submit_with_context


def _tell(sentence: str) -> None:
    global _told
    if not _told:
        _told = True
        try:
            print(f"algo-run: late_report: {sentence}", file=sys.stderr, flush=True)
        except (OSError, ValueError, AttributeError):
            pass  # stderr is closed: telemetry does no harm.
