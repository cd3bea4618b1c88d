# SPDX-License-Identifier: Apache-2.0
"""InfluxDB by line protocol, over `/write` (version 1) or `/api/v2/write` (version 2, 3 and what speaks like it).

Two measurements: `insights`, a point an execution, and `insight_metrics`, a point a metric with its name as a tag.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.parse
import zlib
from typing import Dict, Iterator, Optional, Sequence

from .record import Insight
from .sink import Unavailable, judge_status

TIMEOUT = 30


def lines(insight: Insight) -> Iterator[str]:
    """The points of one execution."""
    version = ",".join(f"{tag}={escaped(value)}" for tag, value in (
        ("algorithm_name", insight.name), ("algorithm_owner", insight.owner), ("algorithm_version", insight.version)))
    # Two executions with the same tags and microsecond would overwrite each other; the three digits that
    # microseconds leave free keep them apart, the same ones each time.
    nanoseconds = insight.microseconds * 1000 + zlib.crc32(insight.request_id.encode()) % 1000
    request_id = insight.request_id.replace("\\", "\\\\").replace('"', '\\"')
    yield (f"insights,{version},outcome={escaped(insight.outcome)} "
           f'duration_milliseconds={insight.duration_milliseconds!r},rejected_metrics={float(insight.rejected_metrics)!r},'
           f'request_id="{request_id}" {nanoseconds}')
    for name, value in insight.metrics.items():
        yield (f"insight_metrics,{version},metric={escaped(name)},outcome={escaped(insight.outcome)} "
               f'request_id="{request_id}",value={value!r} {nanoseconds}')


def escaped(text: str) -> str:
    """A tag's value. The format cannot hold a line's end, nor a backslash at the end."""
    text = text.replace("\n", " ").replace("\r", " ")
    if text.endswith("\\"):
        text = text[:-1] + "/"
    for special in (",", "=", " "):
        text = text.replace(special, "\\" + special)
    return text


class InfluxDBSink:
    """Writes points; the same execution again is the same point."""

    def __init__(self, url: str, database: Optional[str] = None, bucket: Optional[str] = None,
                 organization: Optional[str] = None, token: Optional[str] = None,
                 user: Optional[str] = None, ca: Optional[str] = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SystemExit(f"algo-run-insights: {url!r} is no address of InfluxDB; write http://HOST:8086")
        if (database is None) == (bucket is None):
            raise SystemExit("algo-run-insights: give either --database (InfluxDB 1) or --bucket (InfluxDB 2 and 3)")
        self._headers: Dict[str, str] = {"Content-Type": "text/plain; charset=utf-8"}
        if bucket is not None:
            query = {"bucket": bucket, "precision": "ns", **({"org": organization} if organization else {})}
            self._path = f"{parts.path.rstrip('/')}/api/v2/write?{urllib.parse.urlencode(query)}"
            if token:
                self._headers["Authorization"] = f"Token {token}"
        else:
            self._path = f"{parts.path.rstrip('/')}/write?{urllib.parse.urlencode({'db': database, 'precision': 'ns'})}"
            if token:
                # InfluxDB 1 takes name and password this way, and keeps them out of its log.
                self._headers["Authorization"] = f"Token {user}:{token}" if user else f"Token {token}"
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            self._connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT, context=context)
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)

    def objection(self, insight: Insight) -> Optional[str]:
        return None

    def write(self, insights: Sequence[Insight]) -> None:
        body = "\n".join(line for insight in insights for line in lines(insight)).encode()
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            detail = response.read(2000).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise Unavailable(str(problem) or type(problem).__name__) from None
        judge_status(response.status, detail)

    def close(self) -> None:
        self._connection.close()
