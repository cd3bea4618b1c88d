# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL and rsyslog with the shipped schema and configuration, over a topic of the tests."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from contract import Row, Store
from harness import ports
from servers import LIBRARIES, Server, environment, tool

POSTGRESQL = Path(__file__).resolve().parents[1] / "postgresql"
PROGRAMS = "usr/lib/postgresql/15/bin"


class Database:
    """A server with the schema, run by a user without rights: it refuses root."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="algo-run-postgresql-"))
        self.port = ports.reserve(1)
        self.psql = tool(f"{PROGRAMS}/psql")
        prefix = []
        if os.getuid() == 0:
            os.chmod(self.directory, 0o755)
            shutil.chown(self.directory, "nobody", "nogroup")
            prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        data = self.directory / "data"
        subprocess.run([*prefix, tool(f"{PROGRAMS}/initdb"), "-D", data, "-U", "insights", "-A", "trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"], check=True, stdout=subprocess.DEVNULL, env=environment())
        self.server = Server("postgresql", [
            *prefix, tool(f"{PROGRAMS}/postgres"), "-D", data, "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c",
            f"unix_socket_directories={self.directory}", "-c", "fsync=off", "-c", "jit=off"], self.directory)
        self.server.await_ready(lambda: self.run("postgres", "SELECT 1").returncode == 0)
        self.check(self.run("postgres", "CREATE DATABASE insights"))
        self.check(self.run("insights", (POSTGRESQL / "schema.sql").read_text()))

    def run(self, database, sql, *options):
        return subprocess.run(
            [self.psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "insights",
             *options, database], input=sql, capture_output=True, text=True, env=environment(PGTZ="UTC"))

    def check(self, done):
        assert done.returncode == 0, done.stderr
        return done.stdout

    def query(self, sql, *options):
        """The rows of a query, each an array of JSON."""
        text = self.check(self.run(
            "insights", f"SELECT coalesce(json_agg(r), '[]') FROM ({sql.strip().rstrip(';')}) AS r", *options))
        return [list(row.values()) for row in json.loads(text, parse_int=float)]

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class PostgreSQL(Store):
    """Filled by rsyslog."""

    def __init__(self, directory, bootstrap, topic, corpus, login=()):
        super().__init__(bootstrap, topic, corpus)
        self.database = Database()
        self.query = self.database.query
        text = (POSTGRESQL / "rsyslog.conf").read_text()
        parameters = ", ".join(json.dumps(text, ensure_ascii=False) for text in ("auto.offset.reset=earliest", *login))
        for old, new in (
                ("localhost:9092", bootstrap), ('topic="insights"', f'topic="{topic}"'),
                ("rsyslog-insights", topic), ('port="5432"', f'port="{self.database.port}"'), ('server="localhost"', 'server="127.0.0.1"'),
                ("/var/spool/rsyslog", str(directory)), ('["auto.offset.reset=earliest"]', f"[{parameters}]")):
            assert old in text, old
            text = text.replace(old, new)
        (directory / "rsyslog.conf").write_text(text)
        modules = [str(path / "rsyslog") for path in (LIBRARIES, Path("/usr/lib/x86_64-linux-gnu")) if path.exists()]
        self.rsyslog = Server("rsyslogd", [
            tool("usr/sbin/rsyslogd"), "-n", "-f", directory / "rsyslog.conf", "-i", directory / "rsyslogd.pid", "-M",
            ":".join(modules)], directory)

    def rows(self):
        found = self.query("""SELECT request_id, to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            outcome, (SELECT coalesce(json_object_agg(name, value), '{}') FROM insight_metrics m
                      WHERE m.request_id = i.request_id) FROM insights i""")
        return [Row(request_id, moment, {name: float(value) for name, value in metrics.items()}, outcome)
                for request_id, moment, outcome, metrics in found]

    def has(self, request_id):
        return self.query(f"SELECT 1 FROM insights WHERE request_id = '{request_id}'") != []

    def unreadable(self):
        return int(self.query("SELECT count(*) FROM insights_unreadable")[0][0])

    def stop(self):
        self.rsyslog.stop()
        self.database.stop()
