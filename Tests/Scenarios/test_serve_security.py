# SPDX-License-Identifier: Apache-2.0
"""Every route by every key: what is not allowed is denied. The table is made from docs/openapi.json."""

import itertools
import json
import os
import socket
import uuid
from pathlib import Path

import pytest

from harness import processes
from harness.program import Program
from harness.server import Server

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/openapi.json").read_text())
VALUES = {"{owner}": "o", "{name}": "n", "{version}": "9.9.9", "{id}": "req-none"}
SCOPES = ["call", "publish", "admin"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]


def filled(path):
    for name, value in VALUES.items():
        path = path.replace(name, value)
    return path


OPERATIONS = [(method.upper(), filled(path), item[method]["x-scope"])
              for path, item in DOCUMENT["paths"].items() for method in item]
PATHS = sorted({path for _, path, _ in OPERATIONS})
SCOPED = [operation for operation in OPERATIONS if operation[2] != "none"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all, and a key of each scope. Nothing here changes what is stored."""
    directory = tmp_path_factory.mktemp("security")
    (directory / "work").mkdir()
    program = Program(
        Path(os.environ["ALGO_RUN"]).resolve(), directory / "home", directory / "work", f"scenario-{uuid.uuid4()}")
    program.run("publish", "o/other", "--", "true", status=0)
    with Server(program, "--allow-publish", "--log-format", "json") as server:
        server.keys = {scope: program.run("keys", "create", f"key-{scope}", "--scope", scope, status=0).stdout.decode()
                       .strip() for scope in SCOPES}
        yield server
    processes.end_all(program.marker)
    program.close()


def status(server, method, path, key=None, **headers):
    """The status of a request whose body no route takes for its own."""
    if key:
        headers["Authorization"] = f"Simple {key}"
    return server.request(method, path, b"[" if method not in ("GET", "HEAD") else None, headers)[0]


@pytest.mark.parametrize("method, path, scope", SCOPED, ids=[f"{m} {p}" for m, p, _ in SCOPED])
def test_a_route_is_open_to_its_scope_and_the_larger_ones_alone(server, method, path, scope):
    assert status(server, method, path) == 401
    assert status(server, method, path, "ak-" + "0" * 64) == 401
    for own in SCOPES:
        answered = status(server, method, path, server.keys[own])
        if SCOPES.index(own) < SCOPES.index(scope):
            assert answered == 403, own
        else:
            assert answered not in (401, 403) and answered < 500, (own, answered)


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_a_path_does_not_have_is_denied(server, path):
    allowed = {method for method, own, _ in OPERATIONS if own == path}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    for method in set(METHODS) - allowed:
        assert status(server, method, path) == 401, method
        answer = server.request(method, path, None, {"Authorization": server.keys["admin"]})
        assert answer[0] == 405 and set(answer[1]["Allow"].split(", ")) == allowed | {"OPTIONS"}, method


@pytest.mark.parametrize("path", ["/v1", "/v1/admin", "/v1/admin/nothing", "/v2/algo/o/n", "/..",
                                  "/%2e%2e/livez", "/livez/x", "/v1/admin/keys/a/b"])
def test_a_path_without_a_route_is_denied_without_a_key(server, path):
    for method in METHODS:
        assert status(server, method, path) in (400, 401), method


@pytest.mark.parametrize("path", PATHS)
def test_another_host_is_refused_on_every_route_before_anything_else(server, path):
    for host in ["evil.test", f"evil.test:{server.port}", "127.0.0.1", f"127.0.0.1:{server.port + 1}",
                 f"localhost.evil.test:{server.port}", f"127.0.0.1:{server.port}@evil.test", ""]:
        for key in [None, server.keys["admin"]]:
            assert status(server, "GET", path, key, Host=host) == 421, host
            assert status(server, "POST", path, key, Host=host) == 421, host


FOREIGN = [{"Sec-Fetch-Site": site} for site in ["cross-site", "same-site", "none", "odd"]] + [
    {"Origin": origin} for origin in ["http://evil.test", "null", "https://127.0.0.1", "http://user@127.0.0.1:{port}"]] + [
    {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"}]


@pytest.mark.parametrize("method, path", [(m, p) for m, p, _ in OPERATIONS if m != "GET"])
def test_a_page_of_another_site_changes_nothing_even_with_a_key(server, method, path):
    for headers in FOREIGN:
        headers = {name: value.replace("{port}", str(server.port)) for name, value in headers.items()}
        assert status(server, method, path, server.keys["admin"], **headers) == 403, headers
    for headers in [{"Sec-Fetch-Site": "same-origin"}, {"Origin": f"http://127.0.0.1:{server.port}"}]:
        assert status(server, method, path, server.keys["admin"], **headers) != 403, headers


def test_no_answer_lets_a_page_of_another_site_read_it(server):
    for method, path in itertools.product(["GET", "POST", "OPTIONS"], PATHS):
        headers = server.request(method, path, None, {
            "Authorization": server.keys["call"], "Origin": "http://evil.test",
            "Access-Control-Request-Method": "POST"})[1]
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("target", [
    "/v1/algo/../../etc/passwd", "/v1/algo/o/../../../etc/passwd", "/../etc/passwd", "//etc/passwd", "/etc/passwd",
    "/v1/algo/%2e%2e/%2e%2e", "/v1/algo/..%2f..%2fetc/passwd", "/v1/algo/o/n/..%2f..%2f..%2fetc%2fpasswd",
    "/v1/algorithms/o/..%00", "/v1/algorithms/%ff%fe/n", "/v1/algorithms/o%2fother/n", "/v1/executions/..%2f..%2fstate.db",
    "/v1/admin/keys/..%2f..%2fx", "http://127.0.0.1:{port}/../../etc/passwd", "/openapi.json/../../etc/passwd",
    "/openapi.json%00.html", "\\..\\..\\etc\\passwd", "/v1/algorithms/o/n/versions/../../../../etc/passwd"])
def test_no_path_leads_out_of_the_api(server, target):
    target = target.replace("{port}", str(server.port))
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n"
                       f"Authorization: {server.keys['admin']}\r\n\r\n".encode())
        answer = client.makefile("rb").read()
    assert int(answer.split()[1]) in (400, 404, 405), answer[:200]
    assert b"root:" not in answer and b"SQLite" not in answer


def test_neither_log_nor_answers_hold_what_was_planted(server):
    planted = "planted-4f1c"
    for method, path, _ in OPERATIONS:
        for headers in [{"Authorization": f"Simple {planted}"}, {"Authorization": server.keys["admin"]}]:
            for body in [planted.encode(), json.dumps({
                    "connection_type": "kafka_sasl_ssl", "broker_url": "a:1", "topic": "bad topic",
                    "broker_username": "u", "sasl_mechanism": "PLAIN", "broker_password": planted}).encode()]:
                if method in ("GET", "HEAD"):
                    body = None
                answer = server.request(method, f"{path}?password={planted}", body, {**headers, "Cookie": planted})
                assert planted.encode() not in answer[2] + str(answer[1]).encode(), (method, path)
    processes.await_until(lambda: sum("/v1/admin/outbox" in line for line in server.messages) > 3, "the log")
    text = "".join(server.messages)
    assert planted not in text and not any(key in text for key in server.keys.values())
