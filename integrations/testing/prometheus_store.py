# SPDX-License-Identifier: Apache-2.0
"""Prometheus with the shipped rules, which scrapes the exporter; faster than shipped, so that a test need not wait."""

import json
import re
import urllib.parse
from pathlib import Path

from contract import Store
from harness import ports
from servers import Server, fetch, figure, tool

PROMETHEUS = Path(__file__).resolve().parents[1] / "prometheus"


def hurried(name, directory, **addresses):
    """A shipped file with its intervals in seconds and with other addresses, in `directory`."""
    text = (PROMETHEUS / name).read_text()
    # A scrape may take as long as the interval; one that takes longer lets every series end.
    text = re.sub(r"^(\s*scrape_interval: ).*$", r"\g<1>4s", text, flags=re.MULTILINE)
    text = re.sub(r"^(\s*(?:evaluation_interval|for|group_wait|group_interval): ).*$", r"\g<1>1s", text,
                  flags=re.MULTILINE)
    for old, new in addresses.items():
        assert old in text, (name, old)
        text = text.replace(old, new)
    (directory / name).write_text(text)


class Prometheus(Store):
    """The server, and the bridge that it scrapes."""

    def __init__(self, directory, bootstrap, topic, corpus, exporter, alertmanager="127.0.0.1:9093"):
        super().__init__(bootstrap, topic, corpus)
        self.exporter = exporter
        target = urllib.parse.urlsplit(exporter.figures).netloc
        hurried("prometheus.yml", directory, **{"127.0.0.1:9464": target, "127.0.0.1:9093": alertmanager})
        hurried("rules.yml", directory)
        hurried("alerts.yml", directory)
        address = f"127.0.0.1:{ports.reserve(1)}"
        self.url = f"http://{address}"
        self.server = Server("prometheus", [
            tool("usr/bin/prometheus"), f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address={address}", "--enable-feature=exemplar-storage"], directory)
        self.server.await_ready(lambda: fetch(f"{self.url}/-/ready")[0] == 200)

    def api(self, path, **parameters):
        status, body = fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", (parameters, body)
        return answer["data"]

    def query(self, expression):
        """An instant vector as {frozen labels: value}."""
        return {tuple(sorted((name, value) for name, value in series["metric"].items()
                             if name not in ("__name__", "instance", "job"))): float(series["value"][1])
                for series in self.api("query", query=expression)["result"]}

    def number(self, expression):
        return next(iter(self.query(expression).values()), 0.0)

    def has(self, request_id):
        """Whether all of the topic has been scraped, and shown as more than 0."""
        expected = self._sentinels * (len(self.corpus.disordered()) + 1)
        return (self.number("algo_consumer_records_total") >= expected
                and self.number("sum(algo_executions_total)") > len(self.corpus.executions))

    def unreadable(self):
        return figure(self.exporter, "algo_consumer_unreadable_total")

    def stop(self):
        self.server.stop()
