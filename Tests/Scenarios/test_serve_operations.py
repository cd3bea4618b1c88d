# SPDX-License-Identifier: Apache-2.0
"""Operating a server: health, metrics, the outbox and the access log (docs/http-api.md, docs/serve.md)."""

import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import processes
from harness.outboxes import connect
from harness.server import Server

# Every family of docs/serve.md, and how it is counted.
FAMILIES = {
    "http_server_request_duration_seconds": "histogram", "http_server_active_requests": "gauge",
    "algo_run_executions_total": "counter", "algo_run_execution_duration_seconds": "histogram",
    "algo_run_queue_duration_seconds": "histogram", "algo_run_executions_running": "gauge",
    "algo_run_executions_waiting": "gauge", "algo_run_requests_rejected_total": "counter",
    "algo_run_metrics_accepted_total": "counter", "algo_run_metrics_rejected_total": "counter",
    "algo_run_payloads_total": "counter", "algo_run_outbox_records": "gauge",
    "algo_run_outbox_oldest_timestamp_seconds": "gauge", "algo_run_delivery_duration_seconds": "histogram",
    "algo_run_connection_up": "gauge", "algo_run_sse_clients": "gauge", "algo_run_build_info": "gauge",
    "process_cpu_seconds_total": "counter", "process_open_fds": "gauge", "process_max_fds": "gauge",
    "process_virtual_memory_bytes": "gauge", "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge", "process_threads": "gauge"}
OUTCOMES = ["succeeded", "failed", "signaled", "timed_out", "failed_to_start", "canceled"]


def metrics(server):
    """The samples, by name and labels."""
    text = server.request("GET", "/metrics")[2].decode()
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            assert series not in found
            found[series] = float(value)
    return found


def test_each_family_has_help_and_type_and_is_whole(program):
    program.run("publish", "o/n", "--", "true", status=0)
    with Server(program) as server:
        server.call("o/n")
        status, headers, body = server.request("GET", "/metrics")
        assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families, current = {}, None
    for line in body.decode().splitlines():
        if line.startswith("# HELP"):
            current = line.split()[2]
            assert current not in families, "a family is whole"
        elif line.startswith("# TYPE"):
            assert line.split()[2] == current
            families[current] = line.split()[3]
        else:
            assert re.match(rf"{current}(_bucket|_sum|_count)?[ {{]", line), line
    assert families == FAMILIES and body.endswith(b"\n")


def test_what_is_known_in_advance_is_0_from_the_start(program):
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    with Server(program) as server:
        found = metrics(server)
        for outcome in OUTCOMES:
            assert found[f'algo_run_executions_total{{algorithm="o/n",version="1.0.0",outcome="{outcome}"}}'] == 0
        for reason in ["queue_full", "draining", "auth", "too_large", "timeout_in_queue"]:
            assert found[f'algo_run_requests_rejected_total{{reason="{reason}"}}'] == 0
        for state in ["delivered", "expired", "rejected", "dropped"]:
            assert found[f'algo_run_payloads_total{{state="{state}"}}'] == 0
        for state in ["queued", "expired", "rejected"]:
            assert found[f'algo_run_outbox_records{{state="{state}"}}'] == 0
        assert found['algo_run_metrics_rejected_total{reason="not_a_number"}'] == 0
        assert found["algo_run_connection_up"] == 1
        # A version that is published in the meantime, too.
        program.run("publish", "o/n", "--", "false", status=0)
        assert metrics(server)['algo_run_executions_total{algorithm="o/n",version="1.0.1",outcome="failed"}'] == 0


def test_executions_metrics_and_payloads_are_counted(program):
    report = """echo '{"a": 1, "b": "x"}' >&3; cat"""
    program.run("publish", "o/n", "--insights", "--", "sh", "-c", report, status=0)
    program.run("publish", "o/bad", "--", "false", status=0)
    with Server(program) as server:
        for _ in range(3):
            server.call("o/n/1")
        server.call("o/bad")
        found = metrics(server)
        ran = 'algorithm="o/n",version="1.0.0"'
        assert found[f'algo_run_executions_total{{{ran},outcome="succeeded"}}'] == 3
        assert found['algo_run_executions_total{algorithm="o/bad",version="1.0.0",outcome="failed"}'] == 1
        assert found[f"algo_run_execution_duration_seconds_count{{{ran}}}"] == 3
        assert found[f'algo_run_execution_duration_seconds_bucket{{{ran},le="+Inf"}}'] == 3
        assert found["algo_run_queue_duration_seconds_count"] == 4
        assert found["algo_run_metrics_accepted_total"] == 3
        assert found['algo_run_metrics_rejected_total{reason="not_a_number"}'] == 3
        assert found['algo_run_payloads_total{state="delivered"}'] == 3
        assert found["algo_run_delivery_duration_seconds_count"] == 3
        called = 'http_request_method="POST",http_route="/v1/algo/{owner}/{name}/{version}",http_response_status_code="200"'
        assert found[f"http_server_request_duration_seconds_count{{{called}}}"] == 4
        assert found['http_server_active_requests{http_request_method="GET"}'] == 1
        assert found["process_open_fds"] > 5 and found["process_resident_memory_bytes"] > 1 << 20
        assert found["process_threads"] >= 2 and found["process_start_time_seconds"] > 1.7e9


def test_labels_come_from_templates_and_never_from_clients(program):
    with Server(program) as server:
        for number in range(20):
            server.request("GET", f"/v1/nothing/{number}")
            server.request("GET", f"/v1/executions/{number}")
            server.request("POST", f"/v1/algo/o/{number}")
            server.request(f"ODD{number}", "/v1/algorithms")
        server.request("GET", "/v1/algorithms", headers={"Authorization": "wrong"})
        names = "\n".join(metrics(server))
        assert names.count("http_server_request_duration_seconds_count") <= 6
        assert 'http_route="unmatched"' in names and 'http_request_method="_OTHER"' in names
        assert re.search(r'/v1/algorithms",http_response_status_code="401"', names)
        assert "ODD" not in names and "o/1" not in names


def test_versions_beyond_200_are_counted_together(program):
    program.run("publish", "o/n", "--", "true", status=0)
    with Server(program, "--allow-publish", scope="admin") as server:
        for _ in range(204):
            server.send("POST", "/v1/algorithms/o/n/versions", {})
        for revision in range(204):
            server.call(f"o/n/1.0.{revision}")
        found = metrics(server)
        counted = [name for name in found if name.startswith("algo_run_executions_total") and 'outcome="succeeded"' in name]
        assert len(counted) <= 201 and sum(found[name] for name in counted) == 204
        assert found['algo_run_executions_total{algorithm="other",version="other",outcome="succeeded"}'] > 0


def test_an_absent_broker_is_reported_and_leaves_the_server_ready(program, unreachable):
    connect(program, unreachable)
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    with Server(program, scope="admin") as server:
        server.call("o/n")
        processes.await_until(lambda: metrics(server)["algo_run_connection_up"] == 0, "the outage")
        found = metrics(server)
        assert found['algo_run_outbox_records{state="queued"}'] == 1
        assert found["algo_run_outbox_oldest_timestamp_seconds"] > 1.7e9
        assert re.search(r'librdkafka="\d', "\n".join(found))
        assert server.request("GET", "/readyz", headers={})[0] == 200
        shown = server.get("/v1/admin/outbox")
        assert shown["pending"] == 1 and shown["broker_outage"]["last_error"] and len(shown["records"]) == 1
        assert server.get("/v1/admin/outbox?state=expired")["records"] == []


def test_undelivered_payloads_are_listed_retried_and_purged(program, unreachable):
    connect(program, unreachable, "--delivery-window", "1s")
    program.run("publish", "o/n", "--insights", "--", "true", status=0)
    with Server(program, scope="admin") as server:
        ids = [server.call("o/n")["metadata"]["request_id"] for _ in range(3)]
        processes.await_until(lambda: server.get("/v1/admin/outbox")["expired"] == 3, "the ends of the windows")
        page = server.get("/v1/admin/outbox?limit=2")["records"]
        rest = server.get(f"/v1/admin/outbox?after={page[-1]['id']}")["records"]
        assert {record["request_id"] for record in page + rest} == set(ids)
        assert all(record["state"] == "expired" and record["last_error"] for record in page + rest)
        assert metrics(server)['algo_run_payloads_total{state="expired"}'] == 3
        server.send("POST", "/v1/admin/insights-connection", {"connection_type": "file"})
        assert server.send("POST", "/v1/admin/outbox/purge", {"ids": [page[0]["id"], 999]}) == {"purged": 1}
        assert server.send("POST", "/v1/admin/outbox/retry", {"ids": [page[1]["id"]]}) == {"retried": 1}
        assert server.send("POST", "/v1/admin/outbox/retry", {"all": True}) == {"retried": 1}
        assert server.send("POST", "/v1/admin/outbox/purge", {"states": ["expired", "rejected"]}) == {"purged": 0}


@pytest.mark.parametrize("body", [
    {}, {"all": False}, {"all": True, "ids": [1]}, {"states": []}, {"states": ["lost"]}, {"ids": []}, {"ids": ["1"]},
    {"ids": [1.5]}, {"ids": [0]}, {"ids": 1}, {"all": 1}])
@pytest.mark.parametrize("action", ["retry", "purge"])
def test_a_selection_that_is_not_clear_changes_nothing(program, body, action):
    with Server(program, scope="admin") as server:
        server.send("POST", f"/v1/admin/outbox/{action}", body, 400)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=-1", "state=lost", "limit=1&limit=2"])
def test_a_page_that_is_not_clear_is_refused(program, query):
    with Server(program, scope="admin") as server:
        server.get(f"/v1/admin/outbox?{query}", status=400)


def test_health_lists_its_checks_if_asked(program):
    with Server(program) as server:
        assert server.request("GET", "/readyz", headers={})[2] == b"ok\n"
        text = server.request("GET", "/readyz?verbose", headers={})[2].decode()
        assert text.splitlines() == ["[+]draining ok", "[+]home ok", "[+]disk ok", "[+]outbox ok"]
        for path in ["/livez", "/healthz"]:
            assert server.request("GET", f"{path}?verbose", headers={})[2] == b"[+]loop ok\n"
        for path in ["/livez", "/readyz", "/healthz"]:
            status, headers, body = server.request("HEAD", path, headers={})
            assert status == 200 and body == b"" and headers["Content-Length"] == str(len("ok\n"))


def test_health_is_not_in_the_access_log(program):
    with Server(program) as server:
        for path in ["/livez", "/readyz", "/healthz"]:
            server.request("GET", path, headers={})
        server.get("/v1/algorithms")
        server.stop()
    logged = [line for line in server.messages if " GET " in line or "GET /" in line]
    assert len(logged) == 1 and "/v1/algorithms" in logged[0]


def test_each_request_is_one_line_in_the_access_log_also_a_refused_one(program):
    with Server(program, "--log-format", "json") as server:
        server.get("/v1/algorithms?secret=query")
        server.request("GET", "/v1/algorithms", headers={"Authorization": "Simple ak-wrongwrongwrong"})
        server.request("GET", "/v1/nothing%0a%1b[31m")
        server.request("GET", "/v1/algorithms", headers={"Host": "evil.test"})
        server.stop()
    lines = [json.loads(line) for line in server.messages if line.startswith("{")]
    assert [line["status"] for line in lines] == [200, 401, 404, 421]
    for line in lines:
        assert {"time", "method", "path", "status", "duration_milliseconds", "request_bytes", "response_bytes",
                "request_id", "client"} <= line.keys()
        assert "\n" not in line["path"] and "\x1b" not in line["path"]
    text = "".join(server.messages)
    assert "secret" not in text and "wrongwrong" not in text and server.key not in text
    assert lines[0]["key"] == "test" and "key" not in lines[1]


def test_the_access_log_as_text_has_the_same_in_one_line(program):
    with Server(program) as server:
        server.get("/v1/algorithms")
        server.stop()
    lines = [line for line in server.messages if "/v1/algorithms" in line]
    assert len(lines) == 1
    assert re.fullmatch(
        r"algo-run: GET /v1/algorithms 200 \d+(\.\d+)? ms in=0 out=\d+ id=req-\S+ key=test from=127\.0\.0\.1\n", lines[0])


def test_a_publication_that_waits_for_a_lock_holds_no_call_up(program, home):
    program.run("publish", "o/n", "--", "true", status=0)
    with Server(program, scope="publish") as server, ThreadPoolExecutor(1) as pool:
        lock = sqlite3.connect(home / "state.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        publication = pool.submit(server.send, "POST", "/v1/algorithms/o/n/versions", {})
        for _ in range(3):
            server.call("o/n")
            assert server.request("GET", "/livez", headers={})[0] == 200
        assert not publication.done()
        lock.execute("COMMIT")
        assert publication.result(60)["version_info"]["semantic_version"] == "1.0.1"
        lock.close()


def test_a_state_that_is_locked_is_503_and_the_server_continues(program, home):
    program.run("publish", "o/n", "--", "true", status=0)
    with Server(program) as server:
        lock = sqlite3.connect(home / "state.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        status, headers, body = server.request("POST", "/v1/algo/o/n", b"")
        assert status == 503 and headers["Retry-After"] == "1" and json.loads(body)["error"]["message"]
        lock.execute("COMMIT")
        lock.close()
        server.call("o/n")
