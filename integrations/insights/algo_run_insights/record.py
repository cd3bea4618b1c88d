# SPDX-License-Identifier: Apache-2.0
"""A record of the topic: one execution, a connection test, or something that cannot be read."""

from __future__ import annotations

import calendar
import json
import math
import time
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional, Tuple, Union

OPERATIONAL = {"request_id", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version"}
#: Operational members of the extended payload format, which a string `outcome` gives away.
EXTENDED = {"outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes",
            "queue_milliseconds"}
UNKNOWN_OUTCOME = "unknown"

Header = Tuple[str, Union[str, bytes, None]]


class Unreadable(ValueError):
    """The record is not a payload; the text is the reason."""


class ConnectionTest(Exception):
    """The record is one of `algo-run connection test`."""


@dataclass(frozen=True)
class Insight:
    """One execution."""

    request_id: str
    #: Start of the execution, in microseconds since 1970.
    microseconds: int
    duration_milliseconds: float
    owner: str
    name: str
    version: str
    outcome: str
    rejected_metrics: int
    metrics: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return self.microseconds / 1e6


def parse(value: Optional[bytes], headers: Iterable[Header] = ()) -> Insight:
    """The execution of a record.

    Raises Unreadable, and ConnectionTest for a record that must be left out.
    """
    named = {name: _header(content) for name, content in headers}
    if "algo_connection_test" in named:
        raise ConnectionTest
    members = _members(value)
    if "connection_test" in members and "algorithm_name" not in members:
        raise ConnectionTest
    operational = set(OPERATIONAL)
    time_member = "timestamp"
    if isinstance(members.get("session_id"), str):
        time_member = "time"
        operational |= {"time", "session_id"}
    else:
        operational.add("timestamp")
    if isinstance(members.get("outcome"), str):
        operational |= EXTENDED
    outcome = named.get("algo_outcome") or (_text(members, "outcome") if operational & EXTENDED else UNKNOWN_OUTCOME)
    return Insight(
        request_id=_text(members, "request_id"),
        microseconds=_microseconds(_text(members, time_member)),
        duration_milliseconds=_number(members, "duration_milliseconds"),
        owner=_text(members, "algorithm_owner"),
        name=_text(members, "algorithm_name"),
        version=_text(members, "algorithm_version"),
        outcome=outcome,
        rejected_metrics=_count(named.get("algo_rejected_metrics")),
        metrics={name: _number(members, name) for name in members if name not in operational},
    )


def _header(content: Union[str, bytes, None]) -> str:
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else content or ""


def _members(value: Optional[bytes]) -> Mapping[str, Any]:
    try:
        # Metrics are doubles, also those without a point: the next value of the same metric may have one.
        members = json.loads((value or b"").decode("utf-8"), parse_int=float, parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"it is not JSON ({problem})") from None
    if not isinstance(members, dict):
        raise Unreadable("it is not a JSON object")
    return members


def _refuse(token: str) -> float:
    raise ValueError(f"{token} is not a JSON number")


def _text(members: Mapping[str, Any], name: str) -> str:
    text = members.get(name)
    if not isinstance(text, str) or not text:
        raise Unreadable(f"its member {name} is missing or not a text")
    return text


def _number(members: Mapping[str, Any], name: str) -> float:
    number: Union[float, Any] = members.get(name)
    if not isinstance(number, float) or not math.isfinite(number):
        raise Unreadable(f"its member {name} is missing or not a number that a double can hold")
    return number


def _microseconds(text: str) -> int:
    """Of `2021-02-20T00:21:54.867231Z`; the legacy format has no Z."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    try:
        seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
        return seconds * 1_000_000 + int(fraction.ljust(6, "0")[:6])
    except ValueError:
        raise Unreadable(f"its time {text[:40]!r} is not RFC 3339 in UTC") from None


def _count(text: Optional[str]) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
