# SPDX-License-Identifier: Apache-2.0
"""`serve`: one program that answers many requests of algo-run, or one from stdin when it is started without it."""

from __future__ import annotations

import os
import stat
import sys

from ._protocol import Offer, ProtocolError
from ._request import Request, enter_alone, leave
from ._value import encoded, parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional


def serve(apply: Callable[[Any], Any], isolation: Optional[str] = None) -> None:
    isolation = isolation or os.environ.get("ALGO_WORKER_ISOLATION") or None
    if isolation not in (None, "process"):
        raise ValueError(f'isolation is {isolation!r}; write isolation="process", or leave it out')
    # A process that a request starts must not take itself for the worker.
    offer = os.environ.pop("ALGO_WORKER", None)
    try:
        offered = Offer(offer) if offer is not None else None
        if offered is None or not (_is_pipe(offered.requests) and _is_pipe(offered.answers)):
            _serve_stdin(apply)
        elif isolation is None:
            from ._worker import Worker

            Worker(offered, apply).run()
        else:
            from ._isolation import IsolatingWorker

            IsolatingWorker(offered, apply).run()
    except ProtocolError as error:
        sys.exit(f"algo_run: {error}")


def _is_pipe(descriptor: int) -> bool:
    """A nested process may have inherited the variable without the descriptors."""
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _serve_stdin(apply: Callable[[Any], Any]) -> None:
    """The whole of stdin is the one request; an exception ends the program as any other does."""
    environment = os.environ.get
    enter_alone(Request(environment("ALGO_REQUEST_ID", ""), None, environment("TRACEPARENT")))
    try:
        result, kind = encoded(apply(parsed(sys.stdin.buffer.read(), None)))
    finally:
        leave()
    if kind == "application/json" and sys.stdout.isatty():
        result += b"\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
