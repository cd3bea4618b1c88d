# SPDX-License-Identifier: Apache-2.0
"""New Relic by its official client: an event `AlgoRunInsight` for each execution, and one for each of its metrics.

Events keep `request_id`, which as an attribute of metrics would make one series an execution.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import urllib3
from newrelic_telemetry_sdk import Event, EventClient

from .record import Insight
from .sink import Unavailable, judge_status

#: Older data is dropped by New Relic without a word.
OLDEST_SECONDS = 48 * 3600
#: An event's attribute holds so many bytes.
LONGEST_VALUE = 4095
#: Events in one request, so that it stays below 1 MB.
GROUP = 1000


def events(insight: Insight) -> Iterator[Event]:
    """The event of an execution, then those of its metrics."""
    common: Dict[str, Any] = {
        "request_id": insight.request_id, "owner": insight.owner, "algorithm": insight.name,
        "version": insight.version, "outcome": insight.outcome,
    }
    moment = insight.microseconds // 1000
    yield Event("AlgoRunInsight", {
        **common, "duration_milliseconds": insight.duration_milliseconds,
        "rejected_metrics": insight.rejected_metrics}, timestamp_ms=moment)
    for name, value in insight.metrics.items():
        yield Event("AlgoRunMetric", {**common, "metric": clipped(name), "value": value}, timestamp_ms=moment)


def clipped(text: str) -> str:
    return text.encode()[:LONGEST_VALUE].decode("utf-8", "ignore")


class NewRelicSink:
    """Sends events."""

    def __init__(self, license_key: str, host: str = "insights-collector.newrelic.com", port: int = 443,
                 ca: Optional[str] = None, clock: Callable[[], float] = time.time) -> None:
        options: Dict[str, Any] = {"ca_certs": ca} if ca else {}
        self._client = EventClient(license_key, host=host, port=port, timeout=30, **options)
        self._clock = clock

    def objection(self, insight: Insight) -> Optional[str]:
        return "too_old" if self._clock() - insight.seconds > OLDEST_SECONDS else None

    def write(self, insights: Sequence[Insight]) -> None:
        group: List[Event] = []
        for insight in insights:
            made = list(events(insight))
            if group and len(group) + len(made) > GROUP:
                self._send(group)
                group = []
            group += made
        self._send(group)

    def _send(self, group: List[Event]) -> None:
        try:
            response = self._client.send_batch(group)
        except urllib3.exceptions.HTTPError as problem:
            raise Unavailable(str(problem)) from None
        judge_status(response.status, response.data.decode("utf-8", "replace"))

    def close(self) -> None:
        self._client.close()
