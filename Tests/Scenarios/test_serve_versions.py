# SPDX-License-Identifier: Apache-2.0
"""Versions over HTTP: published, listed, shown, and switched (docs/http-api.md)."""

import json
import subprocess
import sys

import pytest

from harness.server import Server

VERSIONS = "/v1/algorithms/o/n/versions"


@pytest.fixture
def algorithm(program):
    program.run("publish", "o/n", "--", "true", status=0)


def number(version):
    return version["version_info"]["semantic_version"]


def test_the_command_of_the_original_service_publishes_the_next_version_with_insights_on(program, algorithm):
    with Server(program, scope="publish") as server:
        outcome = subprocess.run(
            ["curl", "-sS", f"http://127.0.0.1:{server.port}{VERSIONS}", "-H", f"Authorization: Simple {server.key}",
             "-d", '{"settings": {"insights_enabled": true}}'], capture_output=True, check=True, timeout=300)
    version = json.loads(outcome.stdout)
    assert number(version) == "1.0.1" and version["settings"]["insights_enabled"] is True
    shown = json.loads(program.run("versions", "o/n", "--json", status=0).stdout)
    assert [(row["version"], row["insights"], row["command"]) for row in shown] == [
        ("1.0.0", False, ["true"]), ("1.0.1", True, ["true"])]


@pytest.mark.parametrize("body, expected, insights", [
    ({}, "1.0.1", False),
    ({"version_info": {"version_type": "minor", "release_notes": "faster"}}, "1.1.0", False),
    ({"version_type": "major"}, "2.0.0", False),
    ({"version_info": {"version_type": "patch", "insights_enabled": True}}, "1.0.1", True),
    ({"settings": {"insights_enabled": False}, "version_info": {"insights_enabled": True}}, "1.0.1", False),
    ({"settings": {"algorithm_callability": "private", "unknown": [1]}, "more": None}, "1.0.1", False)])
def test_each_form_of_a_publication_is_understood(program, algorithm, body, expected, insights):
    with Server(program, scope="publish") as server:
        version = server.send("POST", VERSIONS, body)
        assert number(version) == expected and version["settings"]["insights_enabled"] is insights
        assert server.get(f"{VERSIONS}/{expected}") == version
        assert server.get("/v1/algorithms/o/n") == version


def test_a_publication_keeps_what_the_previous_version_has(program):
    program.run(
        "publish", "o/n", "--insights", "--timeout", "7s", "--env", "A=b", "--directory", "/tmp", "--", "cat", status=0)
    with Server(program, scope="publish") as server:
        server.send("POST", VERSIONS, {})
    before, after = json.loads(program.run("versions", "o/n", "--json", status=0).stdout)
    for changed in ["version", "published_at", "reference"]:
        before.pop(changed, None), after.pop(changed, None)
    assert before == after and after["insights"] is True


@pytest.mark.parametrize("body", [
    b"[]", b"{", b'{"settings":1}', b'{"settings":{"insights_enabled":"true"}}', b'{"version_type":"huge"}',
    b'{"version_info":{"release_notes":7}}'])
def test_a_publication_that_cannot_be_read_changes_nothing(program, algorithm, body):
    with Server(program, scope="publish") as server:
        status, headers, answer = server.request("POST", VERSIONS, body)
        assert status == 400 and json.loads(answer)["error"]["message"] == headers["X-Error-Message"]
        assert len(server.get(VERSIONS)["results"]) == 1


def test_a_publication_that_is_too_large_is_refused(program, algorithm):
    with Server(program, scope="publish") as server:
        body = json.dumps({"version_info": {"release_notes": "x" * 300_000}}).encode()
        assert server.request("POST", VERSIONS, body)[0] == 413
        assert len(server.get(VERSIONS)["results"]) == 1


COMMAND = {"algo_run": {"command": [sys.executable, "-c", "print('new')"], "directory": "/tmp", "timeout": "30s"}}


@pytest.mark.parametrize("options, scope, status", [
    ([], "admin", 403), (["--allow-publish"], "publish", 403), (["--allow-publish"], "call", 403),
    (["--allow-publish"], "admin", 200)])
@pytest.mark.parametrize("name", ["n", "new"])
def test_a_command_is_published_only_with_the_option_and_by_an_administrator(
        program, algorithm, options, scope, status, name):
    with Server(program, *options, scope=scope) as server:
        answer = server.send("POST", f"/v1/algorithms/o/{name}/versions", COMMAND, status)
        if status == 403:
            assert answer["error"]["code"] == 2001
            server.get("/v1/algorithms/o/new", status=404)
        else:
            assert server.call(f"o/{name}")["result"] == "new\n"
            stored = json.loads(program.run("versions", f"o/{name}", "--json", status=0).stdout)[-1]
            assert stored["directory"] == "/tmp" and stored["timeout"] == "30s", stored


@pytest.mark.parametrize("own", [
    {"command": "true"}, {"command": []}, {"command": [""]}, {"command": ["a\0b"]}, {"command": [1]}, {},
    {"command": ["true"], "directory": "relative"}, {"command": ["true"], "directory": "/does/not/exist"},
    {"command": ["true"], "timeout": 30}, {"command": ["true"], "timeout": "soon"}])
def test_a_command_that_cannot_be_run_is_not_published(program, own):
    with Server(program, "--allow-publish", scope="admin") as server:
        assert server.request("POST", VERSIONS, json.dumps({"algo_run": own}).encode())[0] in (400, 409)
        server.get(VERSIONS, status=404)


def test_a_first_version_needs_a_command(program):
    with Server(program, "--allow-publish", scope="admin") as server:
        assert "command" in server.send("POST", VERSIONS, {}, 400)["error"]["message"]
        server.send("POST", "/v1/algorithms/o/bad%20name/versions", COMMAND, 400)


def test_versions_are_listed_newest_first_in_pages(program):
    for _ in range(3):
        program.run("publish", "o/n", "--", "true", status=0)
    with Server(program) as server:
        first = server.get(f"{VERSIONS}?limit=2&published=true&callable=private")
        assert [number(version) for version in first["results"]] == ["1.0.2", "1.0.1"]
        assert first["next_link"] is None and first["marker"]
        rest = server.get(f"{VERSIONS}?limit=2&marker={first['marker']}")
        assert [number(version) for version in rest["results"]] == ["1.0.0"] and rest["marker"] is None
        server.get(f"{VERSIONS}?limit=0", status=400)
        server.get(f"{VERSIONS}?limit=many", status=400)


def test_algorithms_are_listed_by_their_newest_version_in_pages(program):
    for name in ["o/a", "o/b", "o/b", "p/c"]:
        program.run("publish", name, "--", "true", status=0)
    with Server(program) as server:
        listed = server.get("/v1/algorithms?limit=2")
        assert [(row["id"], number(row)) for row in listed["results"]] == [("o/a", "1.0.0"), ("o/b", "1.0.1")]
        rest = server.get(f"/v1/algorithms?marker={listed['marker']}")
        assert [row["id"] for row in rest["results"]] == ["p/c"]


def test_a_version_is_shown_and_called_by_its_hash(program, algorithm):
    with Server(program, scope="publish") as server:
        version = server.send("POST", VERSIONS, {})
        git_hash = version["version_info"]["git_hash"]
        assert len(git_hash) == 40 and server.get(f"{VERSIONS}/{git_hash}") == version
        server.call(f"o/n/{git_hash}")
        switched = server.send("PATCH", f"{VERSIONS}/{git_hash}", {"settings": {"insights_enabled": True}})
        # The hash is of what never changes.
        assert switched["version_info"]["git_hash"] == git_hash
        assert switched["settings"]["insights_enabled"] is True
        server.get(f"{VERSIONS}/{'0' * 40}", status=404)


def test_insights_is_switched_by_patch_alone(program, algorithm):
    with Server(program, scope="publish") as server:
        path = f"{VERSIONS}/1.0.0"
        for on in [True, False]:
            assert server.send("PATCH", path, {"settings": {"insights_enabled": on}})["settings"]["insights_enabled"] is on
        for body in [{}, {"settings": {}}, {"settings": {"insights_enabled": None}}, {"insights_enabled": True}]:
            server.send("PATCH", path, body, 400)
        server.send("PATCH", f"{VERSIONS}/9.9.9", {"settings": {"insights_enabled": True}}, 404)


def test_the_newest_version_is_the_answer_to_a_compilation(program, algorithm):
    with Server(program, scope="publish") as server:
        assert number(server.send("POST", "/v1/algorithms/o/n/compile", {})) == "1.0.0"
        server.send("POST", "/v1/algorithms/o/none/compile", {}, 404)


@pytest.mark.parametrize("path", [
    f"{VERSIONS}/9.9.9", "/v1/algorithms/o/none", "/v1/algorithms/o/none/versions", f"{VERSIONS}/..%2f..",
    f"{VERSIONS}/%2e%2e", "/v1/algorithms/..%2F..%2Fetc/passwd", "/v1/algorithms/o/n/builds", "/v1/algorithms/o/n/errors",
    "/v1/algorithms/o/n/scm/status", "/v1/algorithms/o/n/secrets", "/v1/scms", "/v1/data/x", "/v1/connector/x",
    "/v1/users/x", "/../../etc/passwd"])
def test_what_is_not_there_is_404_as_json(program, algorithm, path):
    with Server(program) as server:
        status, headers, body = server.request("GET", path)
        assert status == 404 and headers["Content-Type"] == "application/json", (status, body)
        assert json.loads(body)["error"]["message"]
