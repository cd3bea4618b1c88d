# SPDX-License-Identifier: Apache-2.0
"""The programs and configurations of docs/serve.md do what it promises."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from harness import ports, processes
from harness.server import Server

TEXT = (Path(__file__).parents[2] / "docs/serve.md").read_text()
ADDRESS = "127.0.0.1:8080"
NAME = "algo.example.org"


def block(language):
    """The one block of a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)
    return found


@pytest.fixture(scope="module")
def server(program):
    program.run("publish", "demo/upper", "--insights", "--", "tr", "a-z", "A-Z", status=0)
    with Server(program, "--allowed-host", NAME, name="documented") as server:
        yield server


@pytest.fixture
def run(server, program, missing, tmp_path):
    """Runs a program of the page, with the key in its environment and the address of this server."""
    def run(*command, text, name):
        (tmp_path / name).write_text(text.replace(ADDRESS, f"127.0.0.1:{server.port}"))
        if not shutil.which(command[0]):
            missing(f"{command[0]} is not installed")
        before = len(program.insights())
        done = subprocess.run([*command, tmp_path / name], capture_output=True, text=True, timeout=300,
                              env=program.environment(KEY=server.key), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert len(program.insights()) == before + 1
        return done.stdout

    return run


def test_the_call_by_curl(run):
    [line] = re.findall(r"^\$ (curl \S+/v1/algo/demo/upper .*)$", TEXT, re.M)
    assert json.loads(run("sh", text=line, name="call.sh"))["result"] == "HELLO"


def test_the_call_in_python(run):
    assert run("python3", text=block("python"), name="call.py") == "HELLO\n"


def test_the_call_in_r(run, missing):
    packages = "library(httr2); library(jsonlite)"
    if shutil.which("Rscript") and subprocess.run(["Rscript", "-e", packages], capture_output=True).returncode:
        missing("R lacks a package; install r-cran-httr2 and r-cran-jsonlite")
    assert run("Rscript", text=block("r"), name="call.R") == '[1] "HELLO"\n'


def test_the_call_in_java(run):
    assert run("java", text=block("java"), name="Call.java") == "HELLO\n"


@pytest.fixture
def proxy(nginx, server, tmp_path):
    """nginx with the configuration of the page; the context of its clients, and its port."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                    "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    port = ports.reserve(1)
    site = block("nginx")
    for written, ours in [("listen 443", f"listen 127.0.0.1:{port}"), (f"/etc/nginx/{NAME}.pem", str(certificate)),
                          (f"/etc/nginx/{NAME}.key", str(key)), (ADDRESS, f"127.0.0.1:{server.port}")]:
        assert written in site
        site = site.replace(written, ours)
    places = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n"
                     for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (tmp_path / "nginx.conf").write_text(
        f"{'user root; ' if os.getuid() == 0 else ''}daemon off; pid {tmp_path}/pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{places}{site}}}\n")
    process = subprocess.Popen([nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"],
                               stderr=subprocess.PIPE)

    def listens():
        assert process.poll() is None, process.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    processes.await_until(listens, "nginx listens")
    yield ssl.create_default_context(cafile=certificate), port
    process.terminate()
    process.wait(60)
    process.stderr.close()


class ThroughProxy(http.client.HTTPSConnection):
    """A connection to the proxy under the name of its certificate."""

    def __init__(self, context, port):
        super().__init__(NAME, 443, context=context, timeout=300)
        self.proxy_port = port

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.proxy_port), 60)
        self.sock = self._context.wrap_socket(plain, server_hostname=NAME)


def test_nginx_with_tls_passes_calls_results_and_refusals_on(server, proxy):
    connection = ThroughProxy(*proxy)

    def post(path, body, **headers):
        connection.request("POST", path, body, server.headers(**headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    status, headers, body = post("/v1/algo/demo/upper", b"hello")
    assert (status, json.loads(body)["result"]) == (200, "HELLO")
    assert headers["X-Algo-Request-ID"] == json.loads(body)["metadata"]["request_id"]
    large = b"large " * 1_000_000
    assert post("/v1/algo/demo/upper?output=raw", large)[2] == large.upper()
    assert json.loads(post("/v1/algo/demo/upper", large)[2])["result"].encode() == large.upper()
    status, headers, _ = post("/v1/algo/demo/upper?timeout=0", b"")
    assert status == 400 and headers["X-Error-Message"]
    # A page of this server itself may send forms, one of another site may not.
    assert post("/v1/algo/demo/upper", b"hello", Origin=f"https://{NAME}")[0] == 200
    assert post("/v1/algo/demo/upper", b"hello", Origin="https://evil.test")[0] == 403
    connection.close()
    connection = ThroughProxy(*proxy)
    connection.request("POST", "/v1/algo/demo/upper", b"x" * (11 << 20), server.headers())
    assert connection.getresponse().status == 413
    connection.close()


def test_the_console_is_shown_through_nginx(server, proxy):
    connection = ThroughProxy(*proxy)
    connection.request("GET", "/login")
    response = connection.getresponse()
    page = response.read()
    assert response.status == 200 and b"<form" in page and response.headers["Content-Security-Policy"]
    connection.close()


def test_the_probes_of_kubernetes_pass_while_the_server_takes_calls_and_fail_in_its_drain(program):
    [arguments] = re.findall(r"args: \[(.*)\]", TEXT)
    words = [word.strip().strip('"') for word in arguments.split(",")]
    port = ports.reserve(1)
    assert words[:3] == ["serve", "--listen", "0.0.0.0:8080"]
    words[2] = f"0.0.0.0:{port}"
    words[words.index("--drain-delay") + 1] = "1h"
    process = program.start(*words)
    probes = re.findall(r"(\w+)Probe:\n\s+httpGet: \{path: (\S+), port: 8080, httpHeaders: \[\{name: Host, value: (\w+)\}\]\}",
                        TEXT)
    assert [kind for kind, _, _ in probes] == ["liveness", "readiness"]

    def probe(index):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            connection.request("GET", probes[index][1], headers={"Host": probes[index][2], "User-Agent": "kube-probe/1.31"})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    try:
        processes.await_until(lambda: probe(1) == 200, "ready")
        assert probe(0) == 200
        process.send_signal(signal.SIGTERM)
        processes.await_until(lambda: probe(1) == 503, "not ready")
        assert probe(0) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
