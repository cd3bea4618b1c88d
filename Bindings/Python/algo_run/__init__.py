# SPDX-License-Identifier: Apache-2.0
"""Report metrics of an algorithm to algo-run, in one line.

    import algo_run

    algo_run.report({"cats_detected": 24, "score": 0.93})
    algo_run.report(cats_detected=24)

Under algo-run the metrics go to the supervisor, which checks them and publishes them with its own. Anywhere else a
call does nothing, so the program runs unchanged; with ALGO_METRICS_ECHO=1 it prints what it would send to stderr.

    algo_run.serve(apply)

makes a worker of a program: it loads its model once and answers many requests.
"""

from __future__ import annotations

from ._channel import send
from ._line import metric_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping, NoReturn, Optional, SupportsFloat, SupportsIndex, Union

    from ._request import Request

    Number = Union[SupportsFloat, SupportsIndex]

__all__ = ["current", "report", "serve"]
__version__ = "0.2.0"


def report(metrics: Optional[Mapping[str, Number]] = None, /, *more: NoReturn, **named: Number) -> None:
    """Report one or more metrics, as a mapping, as keyword arguments, or both; the keyword wins.

    A value is an int, float, Decimal, Fraction, NumPy scalar, or whatever else converts itself to one of them, but
    never a bool. The same name in a later call replaces its value.

    Raises TypeError for a value that is not a number or a name that is not a str, and ValueError for a name that is
    empty, reserved or not valid Unicode; then nothing of the call is sent. A failure to send is never raised.
    """
    if more:
        raise TypeError("report() takes one dict of metrics; write report({'name': value}) or report(name=value)")
    if metrics is None:
        merged: Mapping[str, Number] = named
    elif not hasattr(metrics, "items"):
        raise TypeError(f"report() takes a dict of metrics, not {_kind(metrics)}; write report({{'name': value}})")
    else:
        merged = {**metrics, **named} if named else metrics
    line = metric_line(merged)
    if line is not None:
        send(line)


def serve(apply: Callable[[Any], Any], *, isolation: Optional[str] = None) -> None:
    """Answer requests by `apply` until there are no more. Load models before; call it last.

    As a worker of algo-run (`publish --worker`) it answers many requests, one at a time. Anywhere else it reads stdin
    to its end, calls `apply` once and writes the result to stdout.

    `apply` gets parsed JSON, a str or bytes, and returns what becomes JSON, a str or bytes. An exception fails its
    request alone. `report` in it, and in threads and tasks that it starts, belongs to its request.

    isolation="process" answers each request in a fork of the loaded program; ALGO_WORKER_ISOLATION=process does so too.
    """
    from ._serve import serve as serve_requests

    serve_requests(apply, isolation)


def current() -> Optional[Request]:
    """The request that `apply` is answering; None outside of it. Hand it to code that a thread pool or a callback runs."""
    import sys

    request = sys.modules.get("algo_run._request")
    return request.current() if request is not None else None


def _kind(value: object) -> str:
    return type(value).__name__
