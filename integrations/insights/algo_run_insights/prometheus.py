# SPDX-License-Identifier: Apache-2.0
"""Counters and histograms of the executions, for Prometheus to scrape.

A series is exposed as 0 at first: `rate` and `increase` see only what comes after a series' first scrape.
"""

from __future__ import annotations

import bisect
import json
import threading
import time
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.samples import Exemplar

from .record import Insight

#: Metrics are often shares between 0 and 1, else counts or magnitudes.
INFERENCE_BUCKETS = (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1, 2, 5, 10, 20, 50, 100, 1e3, 1e4, 1e6)
DURATION_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
#: Characters that OpenMetrics allows an exemplar's names and values together.
EXEMPLAR_LIMIT = 128
VERSION_LABELS = ("owner", "name", "version")

Labels = Tuple[str, ...]


class Series:
    """One counter, or one histogram if it has buckets."""

    def __init__(self, born: float, edges: Optional[Sequence[float]] = None) -> None:
        self.born = born
        self.count = 0
        self.sum = 0.0
        self.edges = edges
        self.buckets = [0] * (len(edges) + 1) if edges else [0]
        self.exemplars: List[Optional[Exemplar]] = [None] * len(self.buckets)

    def add(self, value: float, exemplar: Optional[Exemplar], amount: int = 1) -> None:
        place = bisect.bisect_left(self.edges, value) if self.edges else 0
        self.count += amount
        self.sum += value
        self.buckets[place] += amount
        self.exemplars[place] = exemplar or self.exemplars[place]


class PrometheusSink:
    """Keeps the series in memory and gives them to a scrape."""

    def __init__(self, registry: CollectorRegistry, buckets: Optional[Mapping[str, Sequence[float]]] = None,
                 zero_for: float = 30.0, max_series: int = 20_000,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = dict(buckets or {})
        self._zero_for, self._max_series, self._clock = zero_for, max_series, clock
        self._lock = threading.Lock()
        self._executions: Dict[Labels, Series] = {}
        self._durations: Dict[Labels, Series] = {}
        self._rejected: Dict[Labels, Series] = {}
        self._inference: Dict[Labels, Series] = {}
        self._left_out = 0
        registry.register(self)

    def objection(self, insight: Insight) -> Optional[str]:
        return None

    def close(self) -> None:
        pass

    def write(self, insights: Iterable[Insight]) -> None:
        with self._lock:
            for insight in insights:
                self._add(insight)

    def _add(self, insight: Insight) -> None:
        version = (insight.owner, insight.name, insight.version)

        def exemplar(value: float) -> Optional[Exemplar]:
            if len("request_id") + len(insight.request_id) > EXEMPLAR_LIMIT:
                return None
            return Exemplar({"request_id": insight.request_id}, value, insight.seconds)

        def add(family: Dict[Labels, Series], labels: Labels, value: float, edges: Optional[Sequence[float]] = None,
                amount: int = 1) -> None:
            series = family.get(labels)
            if series is None:
                if len(self._inference) >= self._max_series and family is self._inference:
                    self._left_out += 1
                    return
                series = family[labels] = Series(self._clock(), edges)
            series.add(value, exemplar(value), amount)

        add(self._executions, (*version, insight.outcome), 1.0)
        add(self._rejected, version, 0.0, amount=insight.rejected_metrics)
        seconds = insight.duration_milliseconds / 1000
        add(self._durations, version, seconds, self._buckets.get("@duration", DURATION_BUCKETS))
        for name, value in insight.metrics.items():
            edges = self._buckets.get(name, self._buckets.get("*", INFERENCE_BUCKETS))
            add(self._inference, (*version, name), value, edges)

    # --- Scrape ---

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            yield self._counter("algo_executions", "Executions, by outcome.", (*VERSION_LABELS, "outcome"),
                                self._executions)
            yield self._counter("algo_metrics_rejected", "Metrics that broke a rule and are not in the payload.",
                                VERSION_LABELS, self._rejected)
            yield self._histogram("algo_duration_seconds", "Wall time of executions.", VERSION_LABELS, self._durations)
            yield self._histogram("algo_inference", "Values of the metrics that algorithms report.",
                                  (*VERSION_LABELS, "metric"), self._inference)
            left_out = Metric("algo_consumer_series_left_out",
                              "Values of metrics beyond --max-series, left out of algo_inference.", "counter")
            left_out.add_sample("algo_consumer_series_left_out_total", {}, self._left_out)
            yield left_out

    def _is_young(self, series: Series) -> bool:
        return self._clock() - series.born < self._zero_for

    def _counter(self, name: str, text: str, labels: Labels, family: Mapping[Labels, Series]) -> Metric:
        metric = Metric(name, text, "counter")
        for values, series in family.items():
            named = dict(zip(labels, values))
            if self._is_young(series):
                metric.add_sample(f"{name}_total", named, 0)
            else:
                metric.add_sample(f"{name}_total", named, series.count, exemplar=series.exemplars[0])
        return metric

    def _histogram(self, name: str, text: str, labels: Labels, family: Mapping[Labels, Series]) -> Metric:
        metric = Metric(name, text, "histogram")
        for values, series in family.items():
            named = dict(zip(labels, values))
            young = self._is_young(series)
            total = 0
            for place, edge in enumerate([*(series.edges or ()), float("inf")]):
                total += series.buckets[place]
                metric.add_sample(f"{name}_bucket", {**named, "le": "+Inf" if edge == float("inf") else repr(float(edge))}, 0 if young else total,
                                  exemplar=None if young else series.exemplars[place])
            metric.add_sample(f"{name}_count", named, 0 if young else series.count)
            metric.add_sample(f"{name}_sum", named, 0 if young else series.sum)
        return metric


def read_buckets(path: str) -> Dict[str, List[float]]:
    """A JSON file: for each metric the upper edges of its buckets; `*` for the others, `@duration` for seconds."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        buckets = {name: [float(edge) for edge in edges] for name, edges in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as problem:
        raise SystemExit(f"algo-run-insights: {path} has no buckets ({problem}); write a JSON object of lists") from None
    for name, edges in buckets.items():
        if not edges or edges != sorted(set(edges)):
            raise SystemExit(f"algo-run-insights: {path}: the edges of {name!r} do not rise; write them in order")
    return buckets
