# SPDX-License-Identifier: Apache-2.0
"""From nothing to the first alert, by the commands of docs/monitor.md: it reaches a webhook and names the algorithm."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

from harness import ports, processes
from prometheus_store import hurried
from servers import REPOSITORY, Server, alertmanager as alertmanager_program, environment, fetch, tool

GUIDE = REPOSITORY / "docs" / "monitor.md"


def commands():
    """The guide's commands, in the order of its text."""
    text = GUIDE.read_text()
    part = text[text.index("## From nothing to the first alert"):text.index("## What holds where")]
    return [line for block in part.split("```sh\n")[1:] for line in block.split("```")[0].splitlines()]


@pytest.fixture
def webhook():
    """A receiver of alerts; they are in `alerts`."""
    port, alerts = ports.reserve(1), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.alerts, server.address = alerts, f"127.0.0.1:{port}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def workplace(tmp_path, algo_run, kafka, webhook):
    """A clone with the guide's names: addresses of this run, intervals of a second."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "algo-run").symlink_to(algo_run)
    for program in ("prometheus", "amtool"):
        (programs / program).symlink_to(tool(f"usr/bin/{program}"))
    alertmanager_program(programs)
    exporter, alertmanager, prometheus = (f"127.0.0.1:{ports.reserve(1)}" for _ in range(3))
    topic = f"guide-{tmp_path.name}"
    configuration = tmp_path / "integrations" / "prometheus"
    configuration.mkdir(parents=True)
    hurried("prometheus.yml", configuration, **{"127.0.0.1:9464": exporter, "127.0.0.1:9093": alertmanager})
    hurried("alertmanager.yml", configuration, **{"127.0.0.1:9095": webhook.address})
    hurried("rules.yml", configuration)
    hurried("alerts.yml", configuration)
    shutil.copytree(REPOSITORY / "integrations" / "insights", tmp_path / "integrations" / "insights")
    changes = {"localhost:9092": kafka.PLAINTEXT, "--topic insights": f"--topic {topic}",
               "--listen": f"--group {topic} --listen", "127.0.0.1:9464": exporter,
               "127.0.0.1:9093": alertmanager, "127.0.0.1:9090": prometheus}

    def changed(command):
        for old, new in changes.items():
            command = command.replace(old, new)
        return command.replace("algo-run-insights prometheus", "algo-run-insights prometheus --zero-for 6")

    return tmp_path, changed, prometheus, exporter


def test_the_guides_commands_lead_to_an_alert_at_the_webhook(workplace, webhook):
    folder, changed, prometheus, exporter = workplace
    variables = environment(PATH=f"{folder}/bin:{os.environ['PATH']}", ALGO_RUN_HOME=str(folder / "home"))
    variables.pop("PYTHONPATH", None)
    servers = []
    try:
        for number, command in enumerate(map(changed, commands())):
            if command.endswith("&"):
                servers.append(Server(f"server-{number}", ["bash", "-c", f"exec {command.removesuffix('&')}"], folder,
                                      cwd=folder, env=variables))
                continue
            if command.startswith("for "):
                # A person takes longer than this to get here.
                up = f"http://{prometheus}/api/v1/query?query=up==1"
                for server in servers:
                    server.await_ready(lambda: b'"value"' in fetch(up)[1])
            if command.startswith("amtool"):
                processes.await_until(lambda: webhook.alerts, "an alert is at the webhook", limit=300)
            done = subprocess.run(["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True)
            assert done.returncode == 0, (command, done.stderr)
        assert re.search(r"AlgorithmFailing .*demo/coin/1.0.0 fails: \d+(\.\d+)?% of its executions", done.stdout)
    finally:
        for server in reversed(servers):
            server.stop()
    [alert] = webhook.alerts[0]["alerts"]
    assert alert["status"] == "firing"
    labels = {"alertname": "AlgorithmFailing", "owner": "demo", "name": "coin", "version": "1.0.0",
              "severity": "critical"}
    assert alert["labels"] == labels
    assert alert["annotations"]["summary"].startswith("demo/coin/1.0.0 fails: ")
