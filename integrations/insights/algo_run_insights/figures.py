# SPDX-License-Identifier: Apache-2.0
"""The consumer's own metrics, the same for every sink, and the page that shows them."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server


class Figures:
    """Counts what became of the records."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"algo_consumer_{name}", text, labels, registry=registry)

        self.registry = registry
        self.records = counter("records", "Records read from the topic.")
        self.written = counter("written", "Executions that the sink has taken.")
        self.duplicates = counter("duplicates", "Executions that were on the topic once more and are counted once.")
        self.connection_tests = counter("connection_tests", "Records of `algo-run connection test`, left out.")
        self.unreadable = counter("unreadable", "Records that are no payload, left out.")
        self.refused = counter("refused", "Executions that the sink will never take, left out.")
        self.dropped = counter("dropped", "Executions that the tool behind the sink would drop, by reason.", "reason")
        self.failures = counter("sink_failures", "Attempts to write that failed and are repeated.")
        self.last_record = Gauge("algo_consumer_last_record_timestamp_seconds",
                                 "When the youngest record was handed to Kafka.", registry=registry)
        self.lag = Gauge("algo_consumer_lag_records", "Records of the topic that are not yet read.", registry=registry)


def serve(registry: CollectorRegistry, address: Tuple[str, int]) -> Any:
    """Serves the registry over HTTP until the returned server is shut down."""
    host, port = address
    try:
        server, _ = start_http_server(port, addr=host, registry=registry)
    except OSError as problem:
        raise SystemExit(f"algo-run-insights: {host}:{port} cannot be listened on ({problem.strerror}); "
                         "choose another address") from None
    return server


def parse_address(text: str) -> Tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address; write HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def parse_optional_address(text: Optional[str]) -> Optional[Tuple[str, int]]:
    return parse_address(text) if text else None
