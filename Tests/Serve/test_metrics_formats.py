# SPDX-License-Identifier: Apache-2.0
"""/metrics in both formats, judged by the tools of the field."""

import re
import subprocess
from pathlib import Path

import pytest

from harness.server import Server


@pytest.fixture(scope="module")
def server(program):
    report = """echo '{"a": 1, "b": "x"}' >&3; cat"""
    program.run("publish", "o/n", "--insights", "--", "sh", "-c", report, status=0)
    with Server(program) as server:
        for _ in range(3):
            server.call("o/n")
        server.request("POST", "/v1/algo/o/none")
        server.request("GET", "/v1/algorithms", headers={})
        yield server


def page(server, accept=None):
    headers = server.headers(**({"Accept": accept} if accept else {}))
    status, answered, body = server.request("GET", "/metrics", headers=headers)
    assert status == 200
    return answered["Content-Type"], body


def test_promtool_finds_nothing_to_improve(server, promtool):
    done = subprocess.run([promtool, "check", "metrics"], input=page(server)[1], capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"


def test_the_parser_of_openmetrics_reads_the_other_format_strictly(server, tools):
    kind, body = page(server, ACCEPT)
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8" and body.endswith(b"# EOF\n")
    done = subprocess.run(
        [tools / "python", "-c", "import sys; from prometheus_client.openmetrics.parser import "
         "text_string_to_metric_families as parse\nprint(len(list(parse(sys.stdin.read()))))"],
        input=body, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) == 24


def test_both_formats_have_the_same_series(server):
    def series(body):
        return {line.rsplit(" ", 1)[0] for line in body.decode().splitlines() if not line.startswith("#")}

    page(server), page(server, ACCEPT)
    assert series(page(server)[1]) == series(page(server, ACCEPT)[1])


def test_the_documented_configuration_of_prometheus_is_one(promtool, tmp_path):
    text = (Path(__file__).parents[2] / "docs/serve.md").read_text()
    (tmp_path / "prometheus.yml").write_text(re.search(r"```yaml\n(scrape_configs:.*?)```", text, re.S)[1])
    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", tmp_path / "prometheus.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_header_that_prometheus_sends_is_accepted(server):
    headers = {"Authorization": f"Bearer {server.key}", "Accept": ACCEPT, "X-Prometheus-Scrape-Timeout-Seconds": "10"}
    assert server.request("GET", "/metrics", headers=headers)[0] == 200
