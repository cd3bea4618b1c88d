# SPDX-License-Identifier: Apache-2.0
"""Unmodified Python clients of the original service, from PyPI, against a server."""

import json
import subprocess

import pytest

from harness.server import Server

CLIENTS = {"1.17.0": "1.5.1", "2.0.5": "1.5.1"}
# Prints on stderr the error, and how to decode and repair it: a traceback is the algorithm's own stderr.
FAILS = "import sys; print('trouble ahead', file=sys.stderr); sys.exit(3)"


@pytest.fixture(scope="module")
def server(program):
    program.run("publish", "demo/echo", "--insights", "--", "cat", status=0)
    program.run("publish", "demo/fails", "--", "python3", "-c", FAILS, status=0)
    program.run("publish", "demo/bytes", "--", "printf", r"\377\000\376", status=0)
    program.run("publish", "demo/slow", "--", "sleep", "60", status=0)
    program.run("publish", "demo/next", "--", "true", status=0)
    with Server(program, scope="admin", name="original") as server:
        yield server


@pytest.fixture(params=CLIENTS)
def client(request, server, tools, clients):
    """Runs a program whose `client` is one of that version; the JSON value that it leaves in `seen`."""
    version = request.param
    packages = clients(version, f"algorithmia=={version}", f"algorithmia-api-client=={CLIENTS[version]}",
                       "algorithmia-adk==1.2.1")

    def run(code, key=None):
        key = key or f"'Simple {server.key}'"
        program = ("import json, sys, Algorithmia\n"
                   f"client = Algorithmia.client({key}, 'http://127.0.0.1:{server.port}')\n"
                   f"{code}\nprint(json.dumps(seen), file=sys.stderr)")
        done = subprocess.run([tools / "python", "-c", program], capture_output=True, text=True, timeout=300,
                              env={"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stderr.splitlines()[-1])

    run.version = version
    return run


def test_a_value_of_each_kind_comes_back_as_it_was_sent(client):
    for value in [{"a": [1, 2.5, None, True]}, "text with ünïcode \u2603", 42, [1], True]:
        assert client(f"seen = client.algo('demo/echo').pipe({value!r}).result") == value
    assert client("r = client.algo('demo/echo/1.0.0').pipe(None)\n"
                  "seen = [r.result, r.metadata.content_type, r.metadata.duration >= 0]") == [None, "json", True]


def test_bytes_come_back_as_bytes(client):
    assert client("r = client.algo('demo/bytes').pipe(bytes([1, 255]))\n"
                  "seen = [list(bytes(r.result)), r.metadata.content_type]") == [[255, 0, 254], "binary"]
    assert client("seen = list(bytes(client.algo('demo/echo').pipe(bytes([255, 0])).result))") == [255, 0]


@pytest.mark.parametrize("key", ["'{}'", "'Simple {}'", "'Bearer {}'"])
def test_each_form_of_a_key_works(client, server, key):
    assert client("seen = client.algo('demo/echo').pipe('x').result", key.format(server.key)) == "x"


def test_a_bearer_token_works_where_the_client_knows_it(client, server):
    if client.version == "2.0.5":
        seen = client(f"client = Algorithmia.client(api_address='http://127.0.0.1:{server.port}', "
                      f"bearer_token='{server.key}')\nseen = client.algo('demo/echo').pipe('x').result")
        assert seen == "x"


def test_the_options_of_a_call_are_taken(client):
    assert client(
        "r = client.algo('demo/echo').set_options(timeout=60, stdout=True, further='x').pipe('x')\n"
        "seen = [r.result, r.metadata.stdout]") == ["x", ""]


def test_a_raw_answer_is_the_result_alone(client):
    assert client("from Algorithmia.algorithm import OutputType\n"
                  "seen = client.algo('demo/echo').set_options(output=OutputType.raw).pipe({'a': 1})") == '{"a": 1}'


def test_a_void_answer_has_a_request_id_that_leads_to_the_result(client, server):
    seen = client("from Algorithmia.algorithm import OutputType\n"
                  "r = client.algo('demo/echo').set_options(output=OutputType.void).pipe('later')\n"
                  "seen = [r.async_protocol, r.request_id]")
    assert seen[0] == "void"
    assert server.get(f"/v1/executions/{seen[1]}?wait=30s")["result"] == "later"


CAUGHT = """
try:
    {}
    seen = None
except Exception as error:
    seen = [type(error).__name__, str(error), getattr(error, 'stack_trace', None), getattr(error, 'error_type', None)]
"""


def test_an_algorithm_that_failed_raises_its_error(client):
    name, message, trace, _ = client(CAUGHT.format("client.algo('demo/fails').pipe('x')"))
    assert name == "AlgorithmException" and "3" in message and "trouble ahead" in trace


def test_an_algorithm_that_is_too_slow_raises_an_error_that_names_the_time(client):
    name, message, *_ = client(CAUGHT.format("client.algo('demo/slow').set_options(timeout=1).pipe('x')"))
    assert name == "AlgorithmException" and "timed out" in message


def test_what_does_not_exist_raises(client):
    name, message, *_ = client(CAUGHT.format("client.algo('demo/none').pipe('x')"))
    assert name and ("404" in message or "not found" in message)


def test_a_wrong_key_raises(client):
    name, message, *_ = client(CAUGHT.format("client.algo('demo/echo').pipe('x')"), "'Simple ak-wrong'")
    assert name and ("401" in message or "authorization" in message)


def test_a_version_is_published_shown_and_called_with_insights_on(client, server):
    before = len(server.get("/v1/algorithms/demo/next/versions")["results"])
    client("r = client.algo('demo/next').publish(settings={'insights_enabled': True, 'algorithm_callability': 'private'}, "
           "version_info={'version_type': 'minor', 'release_notes': 'n'}, details={'label': 'x'})\nseen = str(r)")
    versions = server.get("/v1/algorithms/demo/next/versions")["results"]
    # Once: what succeeds is not sent again.
    assert len(versions) == before + 1
    newest = versions[0]
    assert newest["settings"]["insights_enabled"] is True and newest["version_info"]["release_notes"] == "n"
    git_hash = newest["version_info"]["git_hash"]
    assert git_hash in client(f"seen = str(client.algo('demo/next').info('{git_hash}'))")
    assert git_hash in client("seen = str(client.algo('demo/next').info())")
    assert git_hash in client("seen = str(client.algo('demo/next').compile())")
    client(f"seen = client.algo('demo/next/{git_hash}').pipe('x').result")


def test_versions_are_listed_and_existence_is_known(client):
    if client.version == "1.17.0":
        # Its generated models cannot read a list, whatever the server sends, and it has no exists().
        assert "OneOfVersionResponse" in client(CAUGHT.format("client.algo('demo/next').versions()"))[1]
        return
    seen = client("r = client.algo('demo/next').versions(limit=2, published=True, callable=True)\nseen = r")
    assert len(seen["results"]) <= 2 and seen["results"][0]["name"] == "next"
    assert client("seen = [client.algo('demo/next').exists(), client.algo('demo/none').exists()]") == [True, False]


def test_what_is_not_part_of_algo_run_raises_and_harms_nothing(client, server):
    for call in ["client.algo('demo/echo').get_scm_status()", "client.file('data://demo/x/y').getString()",
                 "client.dir('data://demo/x').create()"]:
        assert client(CAUGHT.format(call)) is not None, call
    assert server.get("/v1/algorithms/demo/echo")["name"] == "echo"


def test_the_administrators_client_sets_shows_and_removes_the_connection(server, tools, clients, program):
    packages = clients("api-1.5.5", "algorithmia-api-client==1.5.5")
    code = f"""
import json, sys
from algorithmia_api_client import ApiClient, Configuration, ConnectionConfigurationRequest
from algorithmia_api_client.api.connections_api import ConnectionsApi
configuration = Configuration(host="http://127.0.0.1:{server.port}", api_key={{"Authorization": "Simple {server.key}"}})
api = ConnectionsApi(ApiClient(configuration))
seen = [api.get_connection().to_dict()]
seen.append(api.update_connection(connection_configuration_request=ConnectionConfigurationRequest(
    connection_type="kafka_sasl_ssl", broker_url="kafka.test:9093", topic="insights", broker_username="algo",
    broker_password="planted-secret", sasl_mechanism="SCRAM-SHA-256")).to_dict())
seen.append(api.get_connection().to_dict())
seen.append(api.update_connection(connection_configuration_request=ConnectionConfigurationRequest(
    connection_type="kafka_unauthenticated_plaintext", broker_url="kafka.test:9092", topic="t", broker_username="",
    broker_password="")).to_dict())
api.delete_all_connections()
seen.append(api.get_connection().to_dict())
print(json.dumps(seen))
"""
    done = subprocess.run([tools / "python", "-c", code], capture_output=True, text=True, timeout=300,
                          env={"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    before, set_, shown, plain, removed = json.loads(done.stdout)
    assert set_ == shown and shown["broker_url"] == "kafka.test:9093" and shown["broker_password"] is None
    assert (plain["topic"], plain["broker_username"]) == ("t", None) and removed == before
    assert "planted-secret" not in "".join(server.messages)
