# SPDX-License-Identifier: Apache-2.0
"""InfluxDB 1.6, filled by the bridge."""

import datetime
import json
import urllib.parse

from contract import Row, Store
from harness import ports
from servers import Server, fetch, figure, tool

CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


class InfluxDB(Store):
    """`bridge` is what fills it."""

    def __init__(self, directory, bootstrap, topic, corpus):
        super().__init__(bootstrap, topic, corpus)
        port = ports.reserve(2)
        self.url = f"http://127.0.0.1:{port}"
        (directory / "influxdb.conf").write_text(CONFIGURATION.format(directory=directory, port=port, rpc=port + 1))
        self.server = Server("influxd", [tool("usr/bin/influxd"), "-config", directory / "influxdb.conf"], directory)
        self.server.await_ready(lambda: fetch(f"{self.url}/ping")[0] == 204)
        self.query("CREATE DATABASE insights")
        self.bridge = None

    def query(self, text):
        """The series of a statement."""
        form = urllib.parse.urlencode({"db": "insights", "q": text, "epoch": "ns"}).encode()
        status, body = fetch(f"{self.url}/query", form)
        answer = json.loads(body)
        assert status == 200 and "error" not in answer["results"][0], (text, body)
        return answer["results"][0].get("series", [])

    def rows(self):
        found = {}
        for series in self.query('SELECT request_id, duration_milliseconds FROM insights GROUP BY outcome'):
            for nanoseconds, request_id, _ in series["values"]:
                assert request_id not in found
                found[request_id] = Row(request_id, moment(nanoseconds), {}, series["tags"]["outcome"])
        for series in self.query('SELECT request_id, value FROM insight_metrics GROUP BY *'):
            for _, request_id, value in series["values"]:
                found[request_id].metrics[series["tags"]["metric"]] = float(value)
        return list(found.values())

    def has(self, request_id):
        if self.query(f"SELECT request_id FROM insights WHERE request_id = '{request_id}'") == []:
            return False
        # The points of one write show one after the other: the bridge counts them once all are there.
        ends = ("written", "duplicates", "connection_tests", "unreadable", "refused", "dropped")
        ended = sum(figure(self.bridge, f"algo_consumer_{name}_total") for name in ends)
        return ended == figure(self.bridge, "algo_consumer_records_total")

    def unreadable(self):
        return figure(self.bridge, "algo_consumer_unreadable_total")

    def stop(self):
        self.server.stop()


def moment(nanoseconds):
    """RFC 3339 with six decimals; the bridge keeps executions of one microsecond apart below them."""
    seconds, rest = divmod(nanoseconds // 1000, 1_000_000)
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:06}"
