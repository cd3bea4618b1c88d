# SPDX-License-Identifier: Apache-2.0
"""The bytes that each client of the original service sends (Tests/Vectors/original-requests.json), and what each of them
needs in an answer.

Clients that cannot be fetched from PyPI are represented by what they demand: a member that is null, missing or of another
type makes one of them raise, and its name is beside each check.
"""

import http.client
import json
import socket
from pathlib import Path

import pytest

from harness.server import Server

VECTORS = json.loads((Path(__file__).parents[1] / "Vectors/original-requests.json").read_text())
FAILS = "import sys; print('trouble', file=sys.stderr); sys.exit(3)"


@pytest.fixture(scope="module")
def server(program):
    program.run("publish", "demo/echo", "--", "cat", status=0)
    program.run("publish", "demo/fails", "--", "python3", "-c", FAILS, status=0)
    program.run("publish", "demo/bytes", "--", "printf", r"\377\000", status=0)
    program.run("publish", "demo/slow", "--", "sleep", "60", status=0)
    program.run("publish", "demo/dies", "--", "sh", "-c", "kill -9 $$", status=0)
    program.run("publish", "demo/wide", "--", "printf", r"h\303\251llo \360\237\230\200", status=0)
    with Server(program, scope="publish", name="requests") as server:
        yield server


def exchange(server, text):
    """Status, headers and body of the answer to a request of these bytes."""
    request = text.replace("{host}", f"127.0.0.1:{server.port}").replace("{key}", server.key).encode()
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=text.split(" ", 1)[0])
        response.begin()
        return response.status, response.headers, response.read()


def nulls(value):
    """The paths of members that are null."""
    if isinstance(value, dict):
        return [f"{name}.{path}" for name, member in value.items() for path in ([""] if member is None else nulls(member))]
    return []


def check_call(status, headers, body):
    """The demands of every client on an answer to a call; its JSON."""
    # Python 1.17 parses 200 alone; Node crashes without a type.
    assert status == 200 and headers["Content-Type"].split(";")[0] == "application/json"
    # Node decodes each network chunk on its own.
    assert body.isascii()
    answer = json.loads(body)
    # Java throws for a null anywhere but in result.
    assert [path for path in nulls(answer) if path != "result."] == []
    return answer


def check_metadata(answer):
    # Python raises KeyError, Java NullPointerException, Node TypeError without these.
    metadata = answer["metadata"]
    assert metadata["content_type"] in ("json", "text", "binary")
    assert isinstance(metadata["duration"], (int, float)) and metadata["request_id"].startswith("req-")
    return metadata


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_each_request_of_the_original_clients_is_answered_as_they_expect(server, vector):
    status, headers, body = exchange(server, vector["request"])
    if "status" in vector:
        assert status == vector["status"] and json.loads(body)["error"]["message"] == headers["X-Error-Message"]
        return
    if "raw" in vector:
        assert (status, body.decode()) == (200, vector["raw"]) and headers["Content-Type"].startswith("text/plain")
        return
    answer = check_call(status, headers, body)
    if "published" in vector:
        assert answer["settings"]["insights_enabled"] is True
        return
    if "void" in vector:
        assert (answer["async"], answer["metadata"]["content_type"]) == ("void", "void") and answer["request_id"]
        return
    assert answer["result"] == vector["result"] and "error" not in answer
    assert ("stdout" in check_metadata(answer)) == vector.get("stdout", False)


def post(server, path, body=b"", **headers):
    return server.request("POST", path, body, server.headers(**headers))


@pytest.mark.parametrize("path, kind, word", [
    ("demo/fails", "AlgorithmError", "3"), ("demo/slow?timeout=1", "TimeoutError", "timed out"),
    ("demo/dies", "SystemExit", "9")])
def test_an_execution_that_failed_is_200_with_an_error_that_every_client_reads(server, path, kind, word):
    answer = check_call(*post(server, f"/v1/algo/{path}"))
    assert "result" not in answer
    error = answer["error"]
    # Java throws if error is a string; Python reads stack_trace, others stacktrace.
    assert isinstance(error["message"], str) and word in error["message"] and error["error_type"] == kind
    assert error.get("stacktrace") == error.get("stack_trace")
    assert all(isinstance(value, str) for value in error.values())
    check_metadata(answer)


def test_a_failed_execution_with_output_raw_is_500(server):
    status, headers, body = post(server, "/v1/algo/demo/fails?output=raw")
    assert status == 500 and json.loads(body)["error"]["message"] == headers["X-Error-Message"]


def test_bytes_are_base64_in_the_envelope_and_themselves_when_raw(server):
    answer = check_call(*post(server, "/v1/algo/demo/bytes"))
    assert (answer["result"], check_metadata(answer)["content_type"]) == ("/wA=", "binary")
    status, headers, body = post(server, "/v1/algo/demo/bytes?output=raw")
    assert (status, body, headers["Content-Type"]) == (200, b"\xff\0", "application/octet-stream")


def test_text_beyond_ascii_arrives_whole(server):
    assert check_call(*post(server, "/v1/algo/demo/wide"))["result"] == "héllo 😀"


def test_a_void_answer_has_what_each_client_reads(server):
    answer = check_call(*post(server, "/v1/algo/demo/echo?output=void", b"1"))
    # Python and Java need the first two as strings, Node the third.
    assert answer["async"] == "void" and answer["request_id"].startswith("req-")
    assert answer["metadata"]["content_type"] == "void"


@pytest.mark.parametrize("path, headers, status, code", [
    ("/v1/algo/demo/none", {}, 404, 1000), ("/v1/algo/demo/echo/9.9.9", {}, 404, 1000),
    ("/v1/algo/demo/echo?timeout=0", {}, 400, None), ("/v1/algo/demo/echo?timeout=3001", {}, 400, None),
    ("/v1/algo/demo/echo", {"Authorization": "Simple ak-wrong"}, 401, 2002),
    ("/v1/algo/demo/echo", {"Content-Type": "image/png"}, 415, None), ("/v1/admin/keys", {}, 403, 2001)])
def test_a_request_that_is_refused_has_a_message_in_body_and_header(server, path, headers, status, code):
    answered, head, body = post(server, path, b"{}", **headers)
    error = json.loads(body)["error"]
    assert answered == status and head["Content-Type"] == "application/json" and error.get("code") == code
    # Node shows the header, Java the body.
    assert error["message"] == head["X-Error-Message"] and nulls(error) == []
    if status == 401:
        assert head["WWW-Authenticate"] == "Simple"


@pytest.mark.parametrize("selector", ["1.0.0", "1.0.*", "1.0", "1", "latest", "latestPrivate"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_version_is_named_in_each_form(server, selector, slash):
    assert check_call(*post(server, f"/v1/algo/demo/echo/{selector}{slash}", b"7"))["result"] == 7


@pytest.mark.parametrize("text, shown", [("true", True), ("True", True), ("1", True), ("false", False), ("no", False)])
def test_stdout_is_asked_for_in_each_form(server, text, shown):
    assert ("stdout" in check_call(*post(server, f"/v1/algo/demo/echo?stdout={text}"))["metadata"]) is shown


def test_stdout_that_is_empty_is_a_string(server):
    # Java throws for null.
    assert check_call(*post(server, "/v1/algo/demo/echo?stdout=true"))["metadata"]["stdout"] == ""


VERSION_MEMBERS = {
    "details": ["label", "summary", "tagline"], "compilation": ["successful"], "self_link": None, "resource_type": None,
    "settings": ["algorithm_callability", "source_visibility", "license", "network_access", "pipeline_enabled",
                 "insights_enabled"],
    "version_info": ["semantic_version", "git_hash", "release_notes", "version_uuid", "insights_enabled"],
    "id": None, "name": None, "source": ["scm"]}


@pytest.mark.parametrize("path", ["versions", "version"])
def test_a_publication_is_200_with_all_members_that_generated_clients_demand(server, path):
    status, _, body = post(server, f"/v1/algorithms/demo/echo/{path}", b"{}",
                           **{"Content-Type": "application/x-www-form-urlencoded"})
    version = json.loads(body)
    assert status == 200 and nulls(version) == []
    for name, members in VERSION_MEMBERS.items():
        assert name in version and all(member in version[name] for member in members or [])
    scm = version["source"]["scm"]
    assert (scm["id"], scm["provider"], scm["default"], scm["enabled"]) == ("internal", "internal", True, True)
    assert version["compilation"]["successful"] is True and version["resource_type"] == "algorithm"


def test_the_existence_of_files_and_algorithms_is_answered_to_head(server):
    for path, status in [("/v1/algorithms/demo/echo", 200), ("/v1/data/demo/x", 404), ("/v1/connector/x/y", 404)]:
        answered, headers, body = server.request("HEAD", path)
        assert (answered, body) == (status, b"") and headers["Content-Type"] == "application/json"


def test_options_are_answered_with_the_methods(server):
    status, headers, _ = server.request("OPTIONS", "/v1/algo/demo/echo")
    assert status == 200 and headers["Allow"] == "POST, OPTIONS"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", [
    "/v1/algorithms/demo/echo/builds", "/v1/algorithms/demo/echo/scm/status", "/v1/algorithms/demo/echo/errors",
    "/v1/algorithms/demo/echo/secrets", "/v1/scms", "/v1/data/x", "/v1/connector/x", "/v1/users/x", "/v1/organizations/x",
    "/v1/insights"])
def test_what_is_not_part_of_algo_run_is_404_and_says_so(server, path):
    status, headers, body = server.request("GET", path)
    assert status == 404 and headers["Content-Type"] == "application/json"
    assert "not part of algo-run" in json.loads(body)["error"]["message"]


def test_a_connection_serves_many_calls(server):
    connection = server.connect()
    for number in range(5):
        connection.request("POST", "/v1/algo/demo/echo", str(number), server.headers())
        assert json.loads(connection.getresponse().read())["result"] == number
    connection.close()
