# SPDX-License-Identifier: Apache-2.0
"""Datadog by its official client, as distributions: several executions in one second then add up.

`algo.executions` counts, `algo.duration` is in milliseconds, and each metric is `algo.inference.NAME`.
"""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v1.model.distribution_point import DistributionPoint
from datadog_api_client.v1.model.distribution_points_payload import DistributionPointsPayload
from datadog_api_client.v1.model.distribution_points_series import DistributionPointsSeries

from .record import Insight
from .sink import Unavailable, judge_status

#: Older points are dropped by Datadog without a word.
OLDEST_SECONDS = 3600
LONGEST_NAME = 200


def metric_name(name: str) -> str:
    """A name as Datadog would make it of this one; the tag `metric` keeps what the algorithm wrote."""
    return "algo.inference." + (re.sub(r"[^A-Za-z0-9_.]+", "_", name).strip("_.") or "unnamed")[:LONGEST_NAME - 15]


def series(insights: Sequence[Insight]) -> List[DistributionPointsSeries]:
    """The points, one series for each name and set of tags."""
    points: Dict[Tuple[str, Tuple[str, ...]], Dict[int, List[float]]] = {}
    for insight in insights:
        tags = (f"owner:{insight.owner}", f"algorithm:{insight.name}", f"version:{insight.version}",
                f"outcome:{insight.outcome}")
        values: List[Tuple[str, Tuple[str, ...], float]] = [("algo.executions", tags, 1.0), ("algo.duration", tags, insight.duration_milliseconds)]
        values += [(metric_name(name), (*tags, f"metric:{name}"), value) for name, value in insight.metrics.items()]
        if insight.rejected_metrics:
            values.append(("algo.metrics_rejected", tags, float(insight.rejected_metrics)))
        for name, labels, value in values:
            second = insight.microseconds // 1_000_000
            points.setdefault((name, labels), {}).setdefault(second, []).append(value)
    # An item is a moment, or the list of values at the moment before it.
    return [
        DistributionPointsSeries(
            metric=name, tags=list(tags),
            points=[DistributionPoint([float(second), values]) for second, values in sorted(moments.items())])
        for (name, tags), moments in points.items()]


class DatadogSink:
    """Sends distribution points."""

    def __init__(self, api_key: str, site: str = "datadoghq.com", url: Optional[str] = None, ca: Optional[str] = None,
                 clock: Callable[[], float] = time.time) -> None:
        settings: Dict[str, Any] = {"api_key": {"apiKeyAuth": api_key}, "ssl_ca_cert": ca, "request_timeout": 30}
        if url:
            settings["host"] = url.rstrip("/")
        configuration = Configuration(**settings)
        if not url:
            configuration.server_variables["site"] = site
        self._client = ApiClient(configuration)
        self._metrics = MetricsApi(self._client)
        self._clock = clock

    def objection(self, insight: Insight) -> Optional[str]:
        return "too_old" if self._clock() - insight.seconds > OLDEST_SECONDS else None

    def write(self, insights: Sequence[Insight]) -> None:
        try:
            self._metrics.submit_distribution_points(body=DistributionPointsPayload(series=series(insights)))
        except ApiException as problem:
            judge_status(problem.status or 0, str(problem.body or problem.reason))
        except OSError as problem:
            raise Unavailable(str(problem)) from None
        except Exception as problem:
            # The client lets errors of its HTTP library through.
            if type(problem).__module__.startswith("urllib3"):
                raise Unavailable(str(problem)) from None
            raise

    def close(self) -> None:
        self._client.close()
