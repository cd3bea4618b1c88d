# SPDX-License-Identifier: Apache-2.0
"""Algorithms as the original's documentation showed them run unchanged, as workers and cold."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from workers import HERE

from harness.worker_host import WorkerHost

HELLO = """
from adk import ADK

# API calls will begin at the apply() method, with the request body passed as 'input'
# For more details, see algorithmia.com/developers/algorithm-development/languages
def apply(input):
    return "hello {}".format(str(input))

algorithm = ADK(apply)
algorithm.init("Algorithmia")
"""
LOADED = """
from adk import ADK

def apply(input, globals):
    return "hello {} {}".format(str(input), str(globals['payload']))

def load():
    # Here you can optionally define a function that will be called when the algorithm is loaded.
    print("loading")
    globals = {}
    globals['payload'] = "Loading has been completed."
    return globals

# This turns your library code into an algorithm that can run on the platform.
algorithm = ADK(apply, load)
algorithm.init("Algorithmia")
"""
STATEFUL = """
import Algorithmia
from adk import ADK
client = Algorithmia.client()
def load(state):
    state['threshold'] = 0.5
    return state
def apply(input, state):
    return {"over": input["score"] > state['threshold'], "manifest": state.available()}
ADK(apply, load, client).init({"score": 0.9})
"""
INSIGHTS = """
import Algorithmia
from adk import ADK
client = Algorithmia.client()
def apply(input):
    client.report_insights({"cats_detected": 24, "confidence": "0.950", "size": " 1e3 "})
    client.report_insights({"dogs": True, "kind": "tabby", "\\u00e9": 1})
    Algorithmia.client().report_insights({"cats_detected": "25"})
    return input
ADK(apply).init()
"""
ERRORS = """
from adk import ADK
import Algorithmia
from Algorithmia.errors import AlgorithmException
class AlgorithmError(Exception):
    def __init__(self, value):
        self.value = value
    def __str__(self):
        return repr(self.value)
def apply(input):
    if input == "own": raise AlgorithmError("no cats")
    if input == "typed": raise AlgorithmException("no cats", error_type="NoCats")
    return 1 / 0
ADK(apply).init("own")
"""
OLDEST = "import Algorithmia\nclient = Algorithmia.client()\ndef apply(input):\n    return input\n"
MAIN = "from adk import ADK\ndef apply(input): return __name__\nif __name__ == '__main__':\n    ADK(apply).init(1)\n"


@pytest.fixture
def algorithm(tmp_path):
    """Writes the file and gives the command that runs it."""

    def write(source):
        (tmp_path / "src").mkdir(exist_ok=True)
        path = tmp_path / "src" / "algorithm.py"
        path.write_text(source)
        return [sys.executable, "-m", "algo_run.adk", str(path)]

    return write


def worker(command, env=None):
    return WorkerHost(command, env={"PYTHONPATH": str(HERE), **(env or {})})


def cold(command, input, env=None, status=0):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ALGO")}
    variables.update({"PYTHONPATH": str(HERE), **(env or {})})
    ended = subprocess.run(command, input=input, env=variables, capture_output=True, timeout=60)
    assert ended.returncode == status, ended
    return ended


EXAMPLES = {
    "apply alone": (HELLO, b'"HAL 9000"', b"hello HAL 9000"),
    "load with globals": (LOADED, b"Ann", b"hello Ann Loading has been completed."),
    "load with a state": (STATEFUL, b'{"score": 0.7}', b'{"over":true,"manifest":false}'),
    "client alone": (OLDEST, b"[1]", b"[1]"),
    "main guard": (MAIN, b"1", b"__main__"),
    "handler": ("import Algorithmia\nAlgorithmia.handler(lambda i: i).serve()", b"2", b"2"),
    "bytes": ("from adk import ADK\nADK(lambda i: bytes(reversed(i))).init()", b"\xff\xfe", b"\xfe\xff"),
    "load unused": ("from adk import ADK\nADK(lambda i: i, lambda: {'a': 1}).init()", b"3", b"3"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_original_algorithm_runs_as_a_worker_and_cold(name, algorithm):
    source, input, result = EXAMPLES[name]
    command = algorithm(source)
    with worker(command) as host:
        host.ready()
        for _ in range(3):
            answer = host.run(input)
            assert (answer.verb, answer.body) == ("done", result), answer
        assert host.printed()[0].count(b"loading") == ("loading" in source and name == "load with globals")
        assert host.close() == 0
    assert cold(command, input).stdout.endswith(result)


def test_a_worker_that_isolates_loads_once(algorithm):
    with worker(algorithm(LOADED), env={"ALGO_WORKER_ISOLATION": "process"}) as host:
        assert host.ready()["isolation"] == "process"
        for _ in range(2):
            answer = host.run(b"Ann")
            assert answer.body == b"hello Ann Loading has been completed." and host.reap(answer.pid) == 0
        assert host.printed()[0] == b"loading\n"


LINES = (
    b'{"cats_detected":24,"confidence":0.950,"size":1e3}\n{"dogs":true,"kind":"tabby","\\u00e9":1}\n{"cats_detected":25}\n'
)


def test_insights_are_metrics_of_their_request_and_numeric_strings_are_numbers(algorithm):
    command = algorithm(INSIGHTS)
    with worker(command) as host:
        host.ready()
        assert [host.run(b"1").metrics for _ in range(2)] == [LINES, LINES]
    assert cold(command, b"1", env={"ALGO_METRICS_ECHO": "1"}).stderr == LINES


def test_error_types_are_kept(algorithm):
    command = algorithm(ERRORS)
    with worker(command) as host:
        host.ready()
        for input, kind, message in [
            (b"own", "AlgorithmError", b"'no cats'"),
            (b"typed", "NoCats", b"no cats"),
            (b"", "ZeroDivisionError", b"division by zero"),
        ]:
            answer = host.run(input)
            assert (answer.verb, answer.keys, answer.body.splitlines()[0]) == ("fail", {"type": kind}, message)
    assert cold(command, b"own", status=1).stderr.endswith(b"AlgorithmError: 'no cats'\n")


@pytest.mark.parametrize(
    "use, named",
    [
        ("client.file('data://alice/models/cats.pkl').getFile().name", "client.file('data://alice/models/cats.pkl')"),
        ("Algorithmia.file('data://x').getString()", "the Data API"),
        ("client.dir('data://.my/cats').create()", "the Data API"),
        ("ReadAcl.public", "Algorithmia.acl.ReadAcl"),
        ("client.getEnvironment('python3')", "client.getEnvironment"),
        ("client.algo('nlp/Summarizer/0.1.2').pipe('text')", "ALGORITHMIA_API"),
        ("state.get_model('squeezenet')", "model manifests"),
    ],
)
def test_parts_of_the_vanished_service_fail_when_used_with_a_sentence_that_names_them(use, named, algorithm):
    source = f"""
import Algorithmia
from Algorithmia.acl import ReadAcl, AclType
from adk import ADK
client = Algorithmia.client("simKEY")
def load(state): return state
def apply(input, state): return {use}
ADK(apply, load).init("x")"""
    command = algorithm(source)
    with worker(command) as host:
        host.ready()
        answer = host.run()
        message = answer.body.decode().splitlines()[0]
        assert answer.keys == {"type": "ServiceGone"} and named in message and "; " in message
    assert named in cold(command, b"", status=1).stderr.decode()


def test_a_load_that_fails_ends_the_worker_before_it_is_ready_with_the_traceback(algorithm):
    source = "from adk import ADK\ndef load(): raise OSError('no weights')\nADK(lambda i, g: i, load).init()"
    with worker(algorithm(source)) as host:
        assert host.wait() == 1
        assert host.printed()[1].endswith(b"OSError: no weights\n")


def test_ours_answers_even_if_the_originals_are_installed(algorithm, tmp_path):
    for name in ("adk", "Algorithmia"):
        (tmp_path / "installed" / name).mkdir(parents=True)
        (tmp_path / "installed" / name / "__init__.py").write_text("raise SystemExit('the original')")
    path = os.pathsep.join([str(HERE), str(tmp_path / "installed")])
    with worker(algorithm(INSIGHTS), env={"PYTHONPATH": path}) as host:
        host.ready()
        assert host.run(b"1").metrics == LINES


def test_modules_beside_the_file_are_found_and_submodules_do_not_hide_functions(algorithm, tmp_path):
    command = algorithm("""
from Algorithmia.client import Client
from Algorithmia.algorithm import OutputType
import Algorithmia.errors
import helper
from adk import ADK
from adk.ADK import ADK as Same
assert ADK is Same and isinstance(Algorithmia.client(), Client) and OutputType.raw == "raw"
ADK(helper.double).init()""")
    (tmp_path / "src" / "helper.py").write_text("def double(input): return 2 * input")
    assert cold(command, b"21").stdout == b"42"


def test_another_algorithm_is_called_at_the_address_of_algorithmia_api(algorithm):
    calls = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((self.path, self.headers["Authorization"], self.headers["Content-Type"], body))
            reply = {"result": [1, 2], "metadata": {"content_type": "json", "duration": 0.5}}
            if len(calls) > 1:
                reply = {"error": {"message": "no cats", "error_type": "NoCats"}}
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    source = """
import Algorithmia
from adk import ADK
def apply(input):
    client = Algorithmia.client("KEY")
    answer = client.algo("algo://nlp/Sum/0.1.2").set_options(timeout=60).pipe(input)
    return [answer.result, answer.metadata.content_type, answer.metadata.duration]
ADK(apply).init()"""
    environment = {"ALGORITHMIA_API": f"http://127.0.0.1:{server.server_port}", "no_proxy": "*"}
    try:
        with worker(algorithm(source), env=environment) as host:
            host.ready()
            assert json.loads(host.run(b'{"a": 1}').body) == [[1, 2], "json", 0.5]
            assert host.run(b"text").keys == {"type": "NoCats"}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    query = "/v1/algo/nlp/Sum/0.1.2?timeout=60&stdout=false"
    assert calls == [
        (query, "Simple KEY", "application/json", b'{"a": 1}'),
        (query, "Simple KEY", "text/plain", b"text"),
    ]


@pytest.mark.parametrize(
    "arguments, told", [([], b"usage: "), (["absent.py"], b"absent.py cannot be read"), (["empty.py"], b"defines apply")]
)
def test_a_file_that_cannot_be_served_is_one_clear_sentence(arguments, told, tmp_path):
    (tmp_path / "empty.py").write_text("")
    files = [str(tmp_path / name) for name in arguments]
    ended = cold([sys.executable, "-m", "algo_run.adk", *files], b"", status=1)
    assert told in ended.stderr and b"Traceback" not in ended.stderr
