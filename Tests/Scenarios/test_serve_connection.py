# SPDX-License-Identifier: Apache-2.0
"""The connection over HTTP: set, shown without secrets, tested and removed (docs/http-api.md)."""

import http.client
import json
import subprocess

import pytest

from harness import listeners, processes
from harness.server import Server

CONNECTION = "/v1/admin/insights-connection"
SECRET = "hunter2-planted-secret"
SASL = {"connection_type": "kafka_sasl_ssl", "broker_url": "kafka.test:9093", "topic": "insights",
        "sasl_mechanism": "SCRAM-SHA-512", "broker_username": "algo", "broker_password": SECRET}


def stages(server, body=None, query="", status=200):
    answer = server.request("POST", f"{CONNECTION}/test{query}", None if body is None else json.dumps(body).encode())
    assert answer[0] == status, answer
    return [json.loads(line) for line in answer[2].splitlines()]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=test authority", "-keyout", "/dev/null", "-out", path], check=True, capture_output=True)
    return path.read_text()


def test_without_a_connection_payloads_go_to_the_file_in_the_home(program, home):
    with Server(program, scope="admin") as server:
        shown = server.get(CONNECTION)
        assert shown["connection_type"] == "file" and shown["path"] == str(home / "insights.ndjson")


def test_a_connection_is_set_without_a_test_and_its_password_never_comes_back(program, home, authority):
    with Server(program, "--log-format", "json", scope="admin") as server:
        for path in [CONNECTION, f"{CONNECTION}/test"]:
            # Also what is refused repeats no secret.
            answer = server.request("POST", path, json.dumps({**SASL, "topic": "not a topic"}).encode())
            assert answer[0] == 400 and SECRET.encode() not in answer[2] + str(answer[1]).encode()
        answered = server.send("POST", CONNECTION, {**SASL, "ca_certificate": authority})
        shown = server.get(CONNECTION)
        assert answered == shown and shown["broker_password_set"] is True and "broker_password" not in shown
        assert shown["connection_type"] == "kafka_sasl_ssl" and shown["ca_certificate"] == authority
        assert [shown[name] for name in ["broker_url", "topic", "sasl_mechanism", "broker_username"]] == [
            "kafka.test:9093", "insights", "SCRAM-SHA-512", "algo"]
        assert (home / "ca.pem").stat().st_mode & 0o077 == 0
        everything = json.dumps(shown) + json.dumps(server.get("/v1/admin/outbox"))
        everything += server.request("GET", "/metrics")[2].decode()
        server.stop()
    assert SECRET not in everything + "".join(server.messages)
    stored = json.loads(program.run("connection", "show", "--json", status=0).stdout)
    assert stored["type"] == "sasl_ssl" and stored["brokers"] == ["kafka.test:9093"] and SECRET not in str(stored)


def test_a_password_that_is_left_out_is_kept_only_for_the_same_brokers_and_user(program):
    without = {name: value for name, value in SASL.items() if name != "broker_password"}
    with Server(program, scope="admin") as server:
        assert "password" in server.send("POST", CONNECTION, without, 409)["error"]["message"]
        server.send("POST", CONNECTION, SASL)
        for change in [{"broker_url": "evil.test:9093"}, {"broker_url": "kafka.test:9093,evil.test:9093"},
                       {"broker_username": "other"}]:
            server.send("POST", CONNECTION, {**without, **change}, 409)
            assert server.request("POST", f"{CONNECTION}/test", json.dumps({**without, **change}).encode())[0] == 409
        for change in [{"topic": "other"}, {"broker_password": ""}, {"broker_url": " kafka.test:9093\n"},
                       {"sasl_mechanism": "SCRAM-SHA-256"}]:
            server.send("POST", CONNECTION, {**without, **change})
        # By way of another type it is gone.
        server.send("POST", CONNECTION, {"connection_type": "file"})
        server.send("POST", CONNECTION, without, 409)


@pytest.mark.parametrize("change", [
    {"connection_type": "carrier pigeon"}, {"connection_type": None}, {"broker_url": ""}, {"broker_url": "http://x:1"},
    {"topic": ""}, {"topic": "a b"}, {"sasl_mechanism": "GSSAPI"}, {"sasl_mechanism": ""}, {"broker_username": ""},
    {"broker_url": 7}, {"ca_certificate": "no PEM"}, {"ca_certificate": "-----BEGIN CERTIFICATE-----\nrubbish\n"},
    {"connection_type": "file", "path": "relative"}])
def test_a_connection_that_cannot_be_used_is_refused_and_the_one_before_stays(program, home, change):
    with Server(program, scope="admin") as server:
        server.send("POST", CONNECTION, {"connection_type": "plaintext", "broker_url": "a:9092", "topic": "t"})
        before = server.get(CONNECTION)
        assert server.request("POST", CONNECTION, json.dumps({**SASL, **change}).encode())[0] in (400, 409)
        assert server.get(CONNECTION) == before
        assert not list(home.glob("*draft*"))


def test_a_file_of_the_home_is_refused_for_payloads(program, home):
    with Server(program, scope="admin") as server:
        server.send("POST", CONNECTION, {"connection_type": "file", "path": str(home / "state.db")}, 409)


def test_event_hubs_have_presets(program):
    with Server(program, scope="admin") as server:
        shown = server.send("POST", CONNECTION, {
            "connection_type": "event_hubs", "broker_url": "ns.servicebus.windows.net", "topic": "t",
            "broker_password": SECRET})
        assert shown["broker_url"] == "ns.servicebus.windows.net:9093" and shown["event_hubs"] is True
        assert (shown["sasl_mechanism"], shown["broker_username"]) == ("PLAIN", "$ConnectionString")


def test_a_removed_connection_leaves_nothing_of_it(program, home, authority):
    with Server(program, scope="admin") as server:
        server.send("POST", CONNECTION, {**SASL, "ca_certificate": authority})
        for _ in range(2):
            status, _, body = server.request("DELETE", CONNECTION)
            assert status == 204 and body == b""
        assert server.get(CONNECTION)["connection_type"] == "file"
    assert not (home / "ca.pem").exists()
    assert SECRET.encode() not in (home / "state.db").read_bytes()


def test_the_test_of_a_file_has_one_stage(program):
    with Server(program, scope="admin") as server:
        assert [(stage["stage"], stage["verdict"]) for stage in stages(server)] == [("file", "passed")]
        failed = stages(server, {"connection_type": "file", "path": "/does/not/exist/x"})
        assert failed[-1]["verdict"] == "failed" and failed[-1]["hint"]
        # A test changes nothing.
        assert server.get(CONNECTION)["path"].endswith("insights.ndjson")


def test_a_connection_is_saved_after_its_test_only_if_all_stages_passed(program, home):
    with Server(program, scope="admin") as server:
        failed = stages(server, {"connection_type": "file", "path": "/does/not/exist/x"}, "?save=true")
        assert failed[-1]["stage"] == "file" and server.get(CONNECTION)["path"] == str(home / "insights.ndjson")
        passed = stages(server, {"connection_type": "file", "path": str(home / "other")}, "?save=true")
        assert [(stage["stage"], stage["verdict"]) for stage in passed] == [("file", "passed"), ("save", "passed")]
        assert server.get(CONNECTION)["path"] == str(home / "other")
        assert server.request("POST", f"{CONNECTION}/test?save=true")[0] == 400


def test_each_stage_of_a_test_is_sent_as_it_ends_while_the_server_answers_others(program, home, authority):
    with listeners.silent() as broker, Server(program, scope="admin") as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
        client.request("POST", f"{CONNECTION}/test", json.dumps(
            {**SASL, "broker_url": broker.address, "ca_certificate": authority}).encode(), server.headers())
        response = client.getresponse()
        assert response.status == 200 and response.headers["Content-Type"] == "application/x-ndjson"
        names = []
        while not names or names[-1]["stage"] != "tcp":
            names.append(json.loads(response.readline()))
        assert [stage["stage"] for stage in names] == ["settings", "resolve", "tcp"]
        assert all(stage["verdict"] == "passed" and stage["milliseconds"] >= 0 for stage in names)
        # The broker still owes its answer to the handshake.
        assert server.get(CONNECTION)["connection_type"] == "file"
        rest = [json.loads(line) for line in response.read().splitlines()]
        assert rest[-1]["stage"] == "tls" and rest[-1]["verdict"] == "failed" and rest[-1]["hint"]
        assert SECRET not in json.dumps(names + rest)
        assert server.get("/v1/algorithms")["results"] == []
    assert not list(home.glob("*draft*"))


def test_a_client_that_leaves_during_a_test_harms_nothing(program):
    with listeners.silent() as broker, Server(program, scope="admin") as server:
        for _ in range(3):
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
            client.request("POST", f"{CONNECTION}/test", json.dumps(
                {**SASL, "broker_url": broker.address}).encode(), server.headers())
            response = client.getresponse()
            response.readline()
            response.close()
            client.close()
        assert server.get(CONNECTION)["connection_type"] == "file"
        assert server.stop() == 0


def test_payloads_go_to_a_new_connection_from_the_moment_it_is_set(program, home):
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    with Server(program, scope="admin") as server:
        def call():
            return server.call("o/n")["metadata"]["request_id"]

        by_default = [call(), call()]
        server.send("POST", CONNECTION, {"connection_type": "file", "path": str(home / "by-http")})
        by_http = [call(), call()]
        program.run("connection", "set", "--type", "file", "--path", home / "by-command", status=0)
        by_command = [call()]
        server.request("DELETE", CONNECTION)
        by_default.append(call())
        # All of them, one queue: the last answer was sent after its payload was written.
        metrics = server.request("GET", "/metrics")[2].decode()
        assert 'algo_run_payloads_total{state="delivered"} 6' in metrics
        assert "algo_run_delivery_duration_seconds_count 6" in metrics
        assert server.stop() == 0

    def keys(name):
        return [json.loads(line)["request_id"] for line in (home / name).read_text().splitlines()]

    assert (keys("insights.ndjson"), keys("by-http"), keys("by-command")) == (by_default, by_http, by_command)


def test_payloads_that_wait_for_a_broker_go_to_the_connection_that_is_set_instead(program, home, unreachable):
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    with Server(program, scope="admin") as server:
        server.send("POST", CONNECTION, {"connection_type": "plaintext", "broker_url": unreachable, "topic": "t"})
        waiting = [server.call("o/n")["metadata"]["request_id"] for _ in range(3)]
        assert server.get("/v1/admin/outbox")["pending"] == 3
        server.send("POST", CONNECTION, {"connection_type": "file", "path": str(home / "instead")})
        processes.await_until(lambda: server.get("/v1/admin/outbox")["pending"] == 0, "their delivery")
        after = server.call("o/n")["metadata"]["request_id"]
        assert server.stop() == 0
    written = [json.loads(line)["request_id"] for line in (home / "instead").read_text().splitlines()]
    assert sorted(written) == sorted([*waiting, after])
