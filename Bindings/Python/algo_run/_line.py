# SPDX-License-Identifier: Apache-2.0
"""One call's metrics as one line of JSON, or the reason why they are not metrics. Touches no descriptor."""

from __future__ import annotations

from ._number import number_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Mapping, Optional

# The supervisor's own members of a payload.
RESERVED_NAMES = frozenset(
    (
        "request_id",
        "timestamp",
        "duration_milliseconds",
        "algorithm_owner",
        "algorithm_name",
        "algorithm_version",
    )
)


def metric_line(metrics: Mapping[str, object]) -> Optional[bytes]:
    """The line to send, newline included; None when there is nothing to send."""
    # All of it is checked before a byte is sent: a call is sent whole or not at all.
    parts = [_quoted_name(name) + ":" + _value_text(name, value) for name, value in metrics.items()]
    if not parts:
        return None
    return ("{" + ",".join(parts) + "}\n").encode("ascii")


# A program has few names and reports each of them many times.
_known_names: Dict[object, str] = {}
_MOST_KNOWN = 1000


def _quoted_name(name: object) -> str:
    known = _known_names.get(name)
    if known is not None:
        return known
    if not isinstance(name, str):
        raise TypeError(f"metric name {name!r} is not a str but {type(name).__name__}; name each metric with a str")
    if not name:
        raise ValueError('metric "" has an empty name; give each metric a name')
    if name in RESERVED_NAMES:
        raise ValueError(f'metric "{name}" has a reserved name that algo-run writes itself; choose another name')
    quoted = _as_json(name)
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        raise ValueError(f"metric {quoted} has a name that is not valid Unicode; remove the half surrogate pair")
    if len(_known_names) < _MOST_KNOWN:
        _known_names[name] = quoted
    return quoted


def _value_text(name: str, value: object) -> str:
    try:
        text = number_text(value)
    except ValueError as error:
        raise ValueError(f"metric {_as_json(name)} cannot be written: {error}") from error
    if text is None:
        kind = type(value).__name__
        raise TypeError(f"metric {_as_json(name)} is not a number but {kind}; report an int, a float or a Decimal")
    return text


def _as_json(name: str) -> str:
    if name.isidentifier() and name.isascii():
        return f'"{name}"'
    # Imported only for names that may need an escape: json costs a start more than the rest of this package.
    from json.encoder import encode_basestring_ascii

    return encode_basestring_ascii(name)
