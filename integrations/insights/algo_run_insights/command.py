# SPDX-License-Identifier: Apache-2.0
"""The command `algo-run-insights`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import List, Optional

from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry

from . import __version__
from .figures import Figures, parse_address, serve
from .loop import Loop, log
from .prometheus import PrometheusSink, read_buckets
from .settings import add_options, consumer_settings, secret
from .sink import Sink

EXAMPLES = """examples:
  algo-run connection show --consumer > consumer.properties
  algo-run-insights prometheus --config consumer.properties --topic insights --listen 127.0.0.1:9464
  algo-run-insights influxdb --brokers localhost:9092 --url http://localhost:8086 --database insights
  DD_API_KEY=… algo-run-insights datadog --site datadoghq.eu --api-key-env DD_API_KEY

Each execution is written at least once and counted once, by its request id. SIGTERM ends it after the batch that it
writes; what was not committed is read again. Exit status: 0 ended by a signal or --once; 1 failed; 2 usage.
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="algo-run-insights", description="Reads the Insights of algo-run from Kafka and gives them to a monitoring tool.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"algo-run-insights {__version__}")
    targets = top.add_subparsers(dest="target", required=True, metavar="prometheus|influxdb|datadog|newrelic")

    prometheus = targets.add_parser("prometheus", help="serve counters and histograms to be scraped")
    prometheus.add_argument("--listen", type=_address, default=("127.0.0.1", 9464), metavar="HOST:PORT",
                            help="where Prometheus scrapes (default 127.0.0.1:9464)")
    prometheus.add_argument("--buckets", metavar="FILE", help="JSON: bucket edges by metric, * and @duration")
    prometheus.add_argument("--zero-for", type=float, default=30.0, metavar="SECONDS",
                            help="how long a new series is shown as 0: two scrapes or more (default 30)")
    prometheus.add_argument("--max-series", type=int, default=20_000, metavar="N",
                            help="most series of metrics that are kept (default 20000)")

    influxdb = targets.add_parser("influxdb", help="write points by line protocol")
    influxdb.add_argument("--url", default="http://localhost:8086", help="of InfluxDB (default http://localhost:8086)")
    influxdb.add_argument("--database", help="InfluxDB 1")
    influxdb.add_argument("--bucket", help="InfluxDB 2 and 3")
    influxdb.add_argument("--org", help="InfluxDB 2: the organization")
    influxdb.add_argument("--user", help="InfluxDB 1: the user of --token, which is then a password")
    influxdb.add_argument("--token-file", metavar="FILE", help="the first line is the token")
    influxdb.add_argument("--token-env", metavar="NAME", help="the variable that holds the token")

    datadog = targets.add_parser("datadog", help="send distributions with Datadog's client")
    datadog.add_argument("--site", default="datadoghq.com", help="Datadog's site (default datadoghq.com)")
    datadog.add_argument("--url", help="another address of the intake, such as a proxy's")

    newrelic = targets.add_parser("newrelic", help="send events with New Relic's client")
    newrelic.add_argument("--host", default="insights-collector.newrelic.com",
                          help="the event intake (in Europe insights-collector.eu01.nr-data.net)")
    newrelic.add_argument("--port", type=int, default=443, help="of the event intake (default 443)")

    for target in (datadog, newrelic):
        target.add_argument("--api-key-file", metavar="FILE", help="the first line is the key")
        target.add_argument("--api-key-env", metavar="NAME", help="the variable that holds the key")
    for target in (influxdb, datadog, newrelic):
        target.add_argument("--sink-ca", metavar="FILE", help="authority of the tool's certificate (default: the system's)")
        target.add_argument("--metrics", type=_address, metavar="HOST:PORT", help="serve the bridge's own metrics there")
    for target in targets.choices.values():
        target.add_argument("--once", action="store_true", help="end at the topic's end")
        add_options(target)
    return top


def _address(text: str) -> tuple[str, int]:
    try:
        return parse_address(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def make_sink(arguments: argparse.Namespace, registry: CollectorRegistry) -> Sink:
    """The sink of a target; its client is imported only then."""
    target = arguments.target
    if target == "prometheus":
        buckets = read_buckets(arguments.buckets) if arguments.buckets else None
        return PrometheusSink(registry, buckets, arguments.zero_for, arguments.max_series)
    if target == "influxdb":
        from .influxdb import InfluxDBSink

        return InfluxDBSink(arguments.url, arguments.database, arguments.bucket, arguments.org,
                            secret(arguments.token_file, arguments.token_env), arguments.user, arguments.sink_ca)
    key = secret(arguments.api_key_file, arguments.api_key_env)
    if not key:
        raise SystemExit("algo-run-insights: a key is needed; give --api-key-file or --api-key-env")
    try:
        if target == "datadog":
            from .datadog import DatadogSink

            return DatadogSink(key, arguments.site, arguments.url, arguments.sink_ca)
        from .newrelic import NewRelicSink

        return NewRelicSink(key, arguments.host, arguments.port, arguments.sink_ca)
    except ImportError as problem:
        raise SystemExit(f"algo-run-insights: the client of {target} is not installed ({problem}); "
                         f"install algo-run-insights[{target}]") from None


def main(words: Optional[List[str]] = None) -> int:
    arguments = parser().parse_args(words)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    registry = CollectorRegistry()
    settings = consumer_settings(arguments, arguments.target)
    figures = Figures(registry)
    sink = make_sink(arguments, registry)
    address = arguments.listen if arguments.target == "prometheus" else arguments.metrics
    server = serve(registry, address) if address else None
    try:
        Loop(settings, arguments.topic, sink, figures, stop, arguments.once).run()
    except KafkaException as problem:
        log(f"the consumer cannot be made: {problem.args[0]}; check the settings")
        return 1
    finally:
        if server:
            server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
