"""Report metrics of an algorithm to algo-run, in one line.

    import algo_run

    algo_run.report({"cats_detected": 24, "score": 0.93})
    algo_run.report(cats_detected=24)

Under algo-run the metrics go to the supervisor, which checks them and publishes them with its own. Anywhere else a
call does nothing, so the program runs unchanged; with ALGO_METRICS_ECHO=1 it prints what it would send to stderr.
"""

from __future__ import annotations

from ._channel import send
from ._line import metric_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, NoReturn, Optional, SupportsFloat, SupportsIndex, Union

    Number = Union[SupportsFloat, SupportsIndex]

__all__ = ["report"]
__version__ = "0.1.0"


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


def _kind(value: object) -> str:
    return type(value).__name__
