# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.json is complete and true, and docs/http-api.md goes with it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness.server import Server

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/openapi.json"
METHODS = ["get", "post", "patch", "delete", "put"]


@pytest.fixture(scope="module")
def document():
    return json.loads(DOCUMENT.read_text())


def operations(document):
    """(method, path) and operation of each."""
    return {(method.upper(), path): item[method] for path, item in document["paths"].items()
            for method in METHODS if method in item}


def test_the_document_is_a_valid_one_of_openapi_3_1(document, tools):
    assert document["openapi"].startswith("3.1")
    subprocess.run([tools / "openapi-spec-validator", DOCUMENT], check=True, capture_output=True)


def test_the_server_sends_the_document(program):
    with Server(program, name="reader") as server:
        status, headers, body = server.request("GET", "/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert body == DOCUMENT.read_bytes()


def test_each_route_of_the_server_is_in_the_document_with_its_scope_and_no_other_is(document):
    source = (ROOT / "Sources/ServerCommands/Endpoint.swift").read_text()
    templates = {name: (method, path)
                 for name, method, path in re.findall(r'case \.(\w+): \("(\w+)", "(/[^"]*)"\)', source)}
    scopes = {}
    for names, scope in re.findall(r"case ((?:\.\w+(?:, )?\s*)+): \.?(nil|call|publish|admin)\n", source):
        for name in re.findall(r"\.(\w+)", names):
            scopes[name] = "none" if scope == "nil" else scope
    expected = {("GET", "/healthz"): "none"}
    for name, (method, path) in templates.items():
        if path.startswith("/v1") or name in ("live", "ready", "metrics", "openAPI"):
            for variant in ([path.replace("/[version]", ""), path.replace("[version]", "{version}")]
                            if "[" in path else [path]):
                expected[(method, variant)] = scopes[name]
    assert {key: operation["x-scope"] for key, operation in operations(document).items()} == expected


def test_each_operation_documents_what_every_route_can_answer(document):
    for key, operation in operations(document).items():
        statuses = set(operation["responses"])
        assert {"400", "405", "421"} <= statuses, key
        assert operation["summary"] and operation["description"] and operation["operationId"], key
        if operation["x-scope"] != "none":
            assert {"401", "403", "503"} <= statuses and operation["security"] == [{"key": []}], key
        else:
            assert operation["security"] == [], key


def test_success_is_200_wherever_clients_of_the_original_service_read_the_answer(document):
    """Python 1.17 parses no other status, and Node crashes if there is no type."""
    for (method, path), operation in operations(document).items():
        success = {status: answer for status, answer in operation["responses"].items() if status < "300"}
        if method == "DELETE" and path.startswith("/v1/admin/"):
            assert success.keys() == {"204"}, path
        else:
            assert success.keys() == {"200"} and success["200"]["content"], path


def test_the_table_of_requests_names_each_operation_and_its_scope(document):
    """docs/http-api.md lists `METHOD /path` in a table, with the scope in the second column."""
    text = (ROOT / "docs/http-api.md").read_text()
    table = {}
    for request, scope in re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (\w+) \|", text, re.M):
        table[tuple(request.split(" ", 1))] = scope
    assert table == {key: operation["x-scope"] for key, operation in operations(document).items()}


@pytest.mark.slow
def test_schemathesis_finds_no_answer_that_the_document_does_not_promise(program, tools):
    """All checks, on a home with an algorithm, as an administrator. Commands cannot be published."""
    program.run("publish", "demo/iris", "--insights", "--", "cat", status=0)
    with Server(program, scope="admin") as server:
        done = subprocess.run(
            [tools / "st", "--config-file", Path(__file__).with_name("schemathesis.toml"), "run", DOCUMENT,
             "--url", f"http://127.0.0.1:{server.port}", "--checks", "all", "--max-examples", "25", "--seed", "1",
             "--request-timeout", "30", "-H", f"Authorization: Simple {server.key}", "--no-color"],
            capture_output=True, text=True, timeout=500, cwd=program.directory)
        assert done.returncode == 0, done.stdout[-20_000:]
        assert server.process.poll() is None and server.get("/v1/algorithms/demo/iris")
