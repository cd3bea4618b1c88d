# SPDX-License-Identifier: Apache-2.0
"""Who may do what over HTTP, and what is published there (docs/http-api.md)."""

import json
import socket

import pytest

from harness import processes
from harness.server import Server


def publish(program, *options, name="o/n"):
    program.run("publish", name, *options, "--", "true", status=0)


@pytest.mark.parametrize("form", ["Simple {}", "Bearer {}", "{}", "simple {}"])
def test_a_key_is_accepted_in_each_form(program, form):
    publish(program)
    with Server(program) as server:
        headers = {"Authorization": form.format(server.key)}
        assert server.request("POST", "/v1/algo/o/n", b"", headers)[0] == 200


@pytest.mark.parametrize("path", ["/v1/algorithms", "/metrics", "/nothing", "/v1/admin/keys"])
@pytest.mark.parametrize("header", [None, "Simple ak-wrong", "Basic eDp5"])
def test_without_a_key_every_route_is_refused(program, path, header):
    with Server(program) as server:
        status, headers, body = server.request("GET", path, headers={"Authorization": header} if header else {})
        assert status == 401 and headers["WWW-Authenticate"] == "Simple"
        assert json.loads(body)["error"]["code"] == 2002


def test_health_needs_no_key(program):
    with Server(program) as server:
        for path in ["/livez", "/readyz", "/healthz"]:
            assert server.request("GET", path, headers={})[0] == 200


@pytest.mark.parametrize("scope, allowed", [
    ("call", ["GET /v1/algorithms"]), ("publish", ["GET /v1/algorithms", "POST /v1/algorithms/o/n/versions"]),
    ("admin", ["GET /v1/algorithms", "POST /v1/algorithms/o/n/versions", "GET /v1/admin/keys"])])
def test_a_scope_includes_the_smaller_ones_and_no_more(program, scope, allowed):
    publish(program)
    with Server(program, scope=scope) as server:
        for request in ["GET /v1/algorithms", "POST /v1/algorithms/o/n/versions", "GET /v1/admin/keys"]:
            status = server.request(*request.split(), b"{}")[0]
            assert status == (200 if request in allowed else 403), request


def test_a_revoked_key_is_refused_immediately(program):
    with Server(program) as server:
        assert server.request("GET", "/v1/algorithms")[0] == 200
        program.run("keys", "revoke", "test", status=0)
        assert server.request("GET", "/v1/algorithms")[0] == 401


def test_no_auth_is_refused_beyond_this_machine(program):
    outcome = program.run("serve", "--listen", "0.0.0.0:0", "--no-auth", status=64)
    assert b"--no-auth" in outcome.stderr


@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.test"}, 421), ({"Origin": "http://evil.test"}, 403), ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 200)])
def test_pages_of_other_sites_cannot_run_algorithms(program, headers, status):
    publish(program)
    with Server(program, key=False) as server:
        assert server.request("POST", "/v1/algo/o/n", b"", headers)[0] == status


@pytest.mark.parametrize("lines, answer", [
    ("Content-Length: 1\r\nContent-Length: 2", b"400"), ("Content-Length: 1\r\nTransfer-Encoding: chunked", b"400"),
    ("Content-Length : 1", b"400"), ("Authorization: a\r\nAuthorization: b", b"400"), ("X: a\x01b", b"400"),
    ("Host: 127.0.0.1", b"400")])
def test_a_request_with_two_meanings_is_refused_and_its_connection_closed(program, lines, answer):
    publish(program)
    with Server(program, key=False) as server, socket.create_connection(("127.0.0.1", server.port), 60) as client:
        client.sendall(f"POST /v1/algo/o/n HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{lines}\r\n\r\n"
                       "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = b""
        try:
            while piece := client.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        assert received.startswith(b"HTTP/1.1 " + answer), received
        assert b"HTTP/1.1 200" not in received


def test_publishing_by_the_command_of_the_original_service(program):
    publish(program)
    with Server(program, scope="publish") as server:
        headers = {**server.headers(), "Content-Type": "application/x-www-form-urlencoded"}
        for path in ["versions", "version"]:
            status, _, body = server.request(
                "POST", f"/v1/algorithms/o/n/{path}", b'{"settings": {"insights_enabled": true}}', headers)
            assert status == 200 and json.loads(body)["settings"]["insights_enabled"] is True
        listed = server.get("/v1/algorithms/o/n/versions")["results"]
        assert [version["version_info"]["semantic_version"] for version in listed] == ["1.0.2", "1.0.1", "1.0.0"]
        status, _, body = server.request(
            "PATCH", "/v1/algorithms/o/n/versions/1.0.2", b'{"settings":{"insights_enabled":false}}')
        assert status == 200 and json.loads(body)["version_info"]["insights_enabled"] is False


def test_a_command_cannot_be_published_over_http(program):
    publish(program)
    with Server(program, scope="admin") as server:
        body = b'{"algo_run": {"command": ["id"]}}'
        assert server.request("POST", "/v1/algorithms/o/n/versions", body)[0] == 403
        assert server.request("POST", "/v1/algorithms/o/new/versions", b"{}")[0] == 400
        assert len(server.get("/v1/algorithms/o/n/versions")["results"]) == 1


def test_what_does_not_exist_says_so_as_clients_expect(program):
    with Server(program) as server:
        assert "No such algorithm" in server.get("/v1/algorithms/o/n", status=404)["error"]["message"]
        server.get("/v1/data/x", status=404)
        status, headers, _ = server.request("PUT", "/v1/algorithms")
        assert status == 405 and "GET" in headers["Allow"]


def test_keys_are_managed_over_http(program):
    with Server(program, scope="admin") as server:
        created = json.loads(server.request("POST", "/v1/admin/keys", b'{"name":"new","scope":"call"}')[2])
        assert server.request("GET", "/v1/algorithms", headers={"Authorization": created["key"]})[0] == 200
        assert created["key"].encode() not in server.request("GET", "/v1/admin/keys")[2]
        assert server.request("POST", "/v1/admin/keys", b'{"name":"new"}')[0] == 409
        assert server.request("DELETE", "/v1/admin/keys/new")[0] == 204
        assert server.request("DELETE", "/v1/admin/keys/new")[0] == 404


def test_the_access_log_has_no_secret_input_or_query(program):
    publish(program)
    with Server(program, "--log-format", "json") as server:
        server.call("o/n?x=secretquery", b"secretinput", X_Request_ID="mine")
        server.stop()
    text = "".join(server.messages)
    assert "secret" not in text and server.key not in text
    lines = [json.loads(line) for line in server.messages if line.startswith("{")]
    assert [(line["method"], line["status"], line["key"], line["http_request_id"]) for line in lines] == [
        ("POST", 200, "test", "mine")]


def test_a_library_that_cannot_be_loaded_is_one_sentence_with_the_package(program):
    libraries = program.directory / "libraries"
    libraries.mkdir()
    (libraries / "libmicrohttpd.so.12").touch()
    outcome = program.run("serve", "--listen", "127.0.0.1:0", status=125, env={"LD_LIBRARY_PATH": str(libraries)})
    assert len(outcome.messages) == 1 and "apt install libmicrohttpd12" in outcome.messages[0]


def test_an_address_that_is_taken_is_one_sentence(program):
    with Server(program) as server:
        outcome = program.run("serve", "--listen", f"127.0.0.1:{server.port}", status=125)
        assert len(outcome.messages) == 1 and "--listen" in outcome.messages[0]


def test_a_unix_socket_is_served_for_this_user_alone(program):
    path = program.directory / "socket"
    with Server(program, "--listen", f"unix:{path}") as server:
        processes.await_until(lambda: any("serving on unix:" in line for line in server.messages), "the socket")
        assert path.stat().st_mode & 0o077 == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(path))
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.makefile("rb").read().startswith(b"HTTP/1.1 200")


def test_a_home_that_is_replaced_while_the_server_runs_counts_immediately(program):
    """As when its files are restored from a backup: keys and versions are those of the new files, and none is lost."""
    def made(text):
        program.run("publish", "o/n", "--", "echo", text, status=0)

    made("earlier")
    with Server(program) as server:
        assert server.call("o/n")["result"] == "earlier\n"
        program.home.rename(program.home.with_name("earlier-home"))
        assert server.request("POST", "/v1/algo/o/n", b"")[0] == 401
        made("later")
        server.key = program.run("keys", "create", "test", "--scope", "publish", status=0).stdout.decode().strip()
        assert server.call("o/n")["result"] == "later\n"
        assert server.call("o/n", Idempotency_Key="k")["result"] == "later\n"
        server.send("POST", "/v1/algorithms/o/n/versions", {})
        assert program.run("versions", "o/n", status=0).stdout.count(b"o/n/") == 2
        assert (program.home / "idempotency.db").exists()


@pytest.mark.parametrize("path, accept, kind", [
    ("/nothing", "text/html,application/xhtml+xml", "text/html"), ("/nothing", "*/*", "application/json"),
    ("/v1/nothing", "text/html", "application/json")])
def test_a_browser_is_shown_a_page_for_a_mistyped_address_and_a_program_an_error(program, path, accept, kind):
    with Server(program, key=False) as server:
        status, headers, _ = server.request("GET", path, headers={"Accept": accept})
        assert (status, headers.get_content_type()) == (404, kind)
    with Server(program) as server:
        status, headers, _ = server.request("GET", path, headers={"Accept": accept})
        assert status == (303 if kind == "text/html" else 401)
