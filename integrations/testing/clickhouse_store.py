# SPDX-License-Identifier: Apache-2.0
"""ClickHouse by chdb, with the shipped schema over a topic of the tests; the dashboards use it as well."""

import json
import re
import subprocess
from pathlib import Path

from contract import Row, Store

HERE = Path(__file__).resolve().parent
CLICKHOUSE = HERE.parent / "clickhouse"


class ClickHouse(Store):
    """The engine runs in a process of its own: the Python that has chdb."""

    def __init__(self, python, directory, bootstrap, topic, corpus, login="", ca=None):
        super().__init__(bootstrap, topic, corpus)
        place = str(directory / "data")
        if ca:
            (directory / "kafka.xml").write_text(
                (CLICKHOUSE / "kafka.xml").read_text().replace("/etc/clickhouse-server/kafka-ca.pem", ca))
            place += f"?config-file={directory}/kafka.xml"
        self.log = open(directory / "chdb.log", "wb")
        self.process = subprocess.Popen([python, HERE / "chdb_engine.py", place], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        schema = (CLICKHOUSE / "schema.sql").read_text().replace("localhost:9092", bootstrap).replace(
            "kafka_topic_list = 'insights'", f"kafka_topic_list = '{topic}'").replace("clickhouse-insights", topic).replace(
            "kafka_flush_interval_ms = 1000", f"kafka_flush_interval_ms = 300{login}")
        *before, last = statements(schema)
        for statement in before:
            self.query(statement)
        self.readers_before_last = self.readers()
        self.query(last)
        assert self.readers() == ["insights_reader"]

    def readers(self):
        """The views with which the engine begins to read the topic."""
        return [name for [name] in self.query("SELECT name FROM system.tables WHERE engine = 'MaterializedView' AND "
                                              "create_table_query LIKE '%FROM algo_run.insights_queue%'")]

    def query(self, sql, **parameters):
        """The rows of a query."""
        self.process.stdin.write(json.dumps({"sql": sql, "parameters": parameters}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"chdb ended: {Path(self.log.name).read_text(errors='replace')[-2000:]}"
        answer = json.loads(line, parse_int=float)
        assert "error" not in answer, f"{sql}: {answer['error']}"
        return answer["rows"]

    def rows(self):
        found = self.query("SELECT request_id, toString(timestamp), outcome, metrics FROM algo_run.insights FINAL")
        return [Row(request_id, moment.replace(" ", "T"), {name: float(value) for name, value in metrics.items()}, outcome)
                for request_id, moment, outcome, metrics in found]

    def has(self, request_id):
        return self.query(f"SELECT 1 FROM algo_run.insights WHERE request_id = '{request_id}'") != []

    def unreadable(self):
        return int(self.query("SELECT count() FROM algo_run.insights_unreadable")[0][0])

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def statements(script):
    """The statements of a script; comments go, for one may hold a semicolon."""
    text = re.sub(r"^\s*--.*$", "", script, flags=re.MULTILINE)
    return [statement.strip() for statement in text.split(";") if statement.strip()]
