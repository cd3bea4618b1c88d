# SPDX-License-Identifier: Apache-2.0
"""`exec` of a worker version: one request by one worker (docs/contract.md 11)."""

import hashlib
import json
import signal

import pytest

from harness import processes
from harness.schemas import validate
from harness.workers import BINDING, Workers


@pytest.fixture
def workers(program):
    return Workers(program)


def test_stdout_is_the_result_alone_and_what_the_worker_prints_goes_to_stderr(workers):
    workers.apply("print('in a request'); return {'twice': value * 2}", before="print('while it loads')")
    outcome = workers.exec(input=b"21", status=0)
    assert json.loads(outcome.stdout) == {"twice": 42}
    assert b"while it loads" in outcome.stderr and b"in a request" in outcome.stderr


@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
def test_input_and_result_of_any_size_are_carried_unchanged(workers, size):
    workers.apply("return value if isinstance(value, bytes) else str(value).encode()")
    content = (b"\xff\x00abc" * (size // 5 + 1))[:size]
    assert workers.exec(input=content, status=0).stdout == content


def test_input_is_the_file_of_input_or_stdin_to_its_end(workers):
    workers.apply("return value")
    (workers.directory / "input").write_bytes(b"from a file")
    assert workers.exec("--input", "input", status=0).stdout == b"from a file"
    assert workers.exec(input=b"from stdin", status=0).stdout == b"from stdin"


def test_the_history_has_the_digest_of_the_input(workers):
    workers.apply("return len(value)")
    content = bytes(range(256)) * 2000
    (workers.directory / "input").write_bytes(content)
    workers.exec(input=content, status=0)
    workers.exec("--input", "input", status=0)
    rows = [json.loads(line) for line in workers.program.run("runs", "--json", status=0).stdout.splitlines()]
    assert [row["input_sha256"] for row in rows] == [hashlib.sha256(content).hexdigest()] * 2


def test_the_same_program_runs_cold_with_the_same_result(workers):
    workers.apply("algo_run.report(n=len(value)); return value[::-1]")
    warm, record = workers.report(input=b"abc", status=0)
    cold = workers.program.run(
        "exec", "--report", "cold.json", "--", "env", f"PYTHONPATH={BINDING}",
        "python3", "-S", "worker.py", input=b"abc", status=0)
    assert cold.stdout == warm.stdout == b"cba"
    cold_record = json.loads((workers.directory / "cold.json").read_text())
    assert set(cold_record) == set(record) and cold_record["metrics"] == {"n": 3}
    assert record["metrics"] == {"n": 3}


def test_the_record_has_the_same_members_and_passes_the_schema(workers):
    workers.apply("algo_run.report(score=0.5); sum(range(2000000)); return 1")
    _, record = workers.report(status=0)
    validate("report", json.loads((workers.directory / "report.json").read_text()))
    assert record["outcome"] == "succeeded" and record["exit_code"] == 0 and record["signal"] is None
    assert record["cause"] is None and record["error"] is None
    assert record["metrics"] == {"score": record["metrics"]["score"]} and record["metrics"]["score"].text == "0.5"
    assert record["cpu_user_milliseconds"] > 0 and record["max_rss_bytes"] > 1 << 20


def test_with_insights_the_payload_is_that_of_a_process(workers):
    workers.apply("algo_run.report(score=0.5); return 1", "--insights")
    _, record = workers.report("--request-id", "mine", status=0)
    [payload] = workers.program.insights()
    validate("payload", json.loads(payload))
    assert json.loads(payload)["request_id"] == "mine" and json.loads(payload)["score"] == 0.5
    assert record["delivery"]["state"] == "written"


def test_current_has_id_reference_and_trace_of_the_request(workers):
    workers.apply("""
request = algo_run.current()
return [request.id, request.reference, request.traceparent, request.deadline is None]
""")
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    outcome = workers.exec("--request-id", "mine", env={"TRACEPARENT": trace}, status=0)
    assert json.loads(outcome.stdout) == ["mine", "o/w/1.0.0", trace, True]
    assert json.loads(workers.exec("--timeout", "60s", status=0).stdout)[3] is False


def test_an_exception_is_status_1_with_its_traceback_on_stderr_and_its_type_in_the_record(workers):
    workers.apply("algo_run.report(seen=1); raise ValueError('no such flower')")
    outcome, record = workers.report(status=1)
    assert outcome.stdout == b"" and b"Traceback" in outcome.stderr and b"no such flower" in outcome.stderr
    assert (record["outcome"], record["exit_code"], record["cause"]) == ("failed", 1, "exception")
    assert record["error"] == {"type": "ValueError", "message": "no such flower"}
    assert record["metrics"] == {"seen": 1}


@pytest.mark.parametrize("body, status, outcome, cause", [
    ("sys.exit(3)", 3, "failed", "worker_exited"),
    ("os._exit(0)", 1, "failed", "worker_exited"),
    ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "signaled", "worker_exited"),
])
def test_a_worker_that_ends_within_a_request_ends_exec_as_a_process_would(workers, body, status, outcome, cause):
    workers.apply(f"algo_run.report(seen=1)\n{body}")
    _, record = workers.report(status=status)
    assert (record["outcome"], record["cause"]) == (outcome, cause)
    assert record["metrics"] == {"seen": 1}, "what was reported before the end is kept"


def test_the_sentence_names_an_exit_with_0_before_the_answer(workers):
    workers.apply("os._exit(0)")
    outcome = workers.exec(status=1)
    assert any("exit code 0 before it answered" in message for message in outcome.messages), outcome


def test_the_time_limit_ends_the_worker_and_is_status_124(workers):
    workers.apply("algo_run.report(seen=1); time.sleep(600)")
    _, record = workers.report("--timeout", "300ms", status=124)
    assert (record["outcome"], record["cause"]) == ("timed_out", "time_limit") and record["metrics"] == {"seen": 1}


def test_the_time_limit_of_a_request_does_not_count_the_start_of_the_worker(workers):
    workers.apply("return 1", before="time.sleep(1.5)")
    workers.exec("--timeout", "1s", status=0)


def test_a_program_that_cannot_start_is_reported_immediately_with_its_output(workers):
    workers.publish("print('half way'); sys.exit('no model here')\n", "--no-check", status=0)
    outcome, record = workers.report(status=125)
    assert (record["outcome"], record["cause"]) == ("failed_to_start", "init_failed")
    assert b"no model here" in outcome.stderr and b"half way" in outcome.stderr
    [message] = [message for message in outcome.messages if "exit" in message]
    assert "1" in message


def test_a_program_that_hangs_before_it_is_ready_ends_at_the_init_timeout(workers):
    workers.publish("time.sleep(600)\n", "--no-check", "--init-timeout", "300ms", status=0)
    _, record = workers.report(status=125)
    assert (record["outcome"], record["cause"]) == ("failed_to_start", "init_timeout")


def test_a_program_that_never_calls_serve_is_distinguished_from_a_slow_one(workers):
    workers.publish("time.sleep(600)\n", "--no-check", status=0)
    outcome = workers.exec("--init-timeout", "300ms", status=125)
    assert any("serve" in message and "--init-timeout" in message for message in outcome.messages), outcome


def test_a_program_that_is_not_there_is_status_127(workers):
    workers.program.run("publish", "o/w", "--worker", "--no-check", "--", "./nothing", status=0)
    _, record = workers.report(status=127)
    assert record["cause"] == "not_found"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_worker_and_its_end_by_it_is_that_of_exec(workers, number):
    workers.apply(f"signal.signal({int(number)}, signal.SIG_DFL); mark('started'); time.sleep(600)")
    process = workers.program.start("exec", workers.ref)
    processes.await_until(lambda: workers.marks("started"), "the request runs")
    process.send_signal(number)
    assert workers.program.finish(process).status == -number


def test_a_worker_that_handles_the_signal_decides_how_it_ends(workers):
    workers.apply("""
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
mark('started'); time.sleep(600)
""")
    process = workers.program.start("exec", workers.ref)
    processes.await_until(lambda: workers.marks("started"), "the request runs")
    process.send_signal(signal.SIGTERM)
    assert workers.program.finish(process).status == 5


def test_another_command_in_the_place_of_a_worker_versions_is_a_worker_too(workers):
    workers.apply("return 'one'")
    (workers.directory / "other.py").write_text(
        "import os, algo_run\nassert 'ALGO_WORKER' in os.environ\nalgo_run.serve(lambda value: 'other')\n")
    outcome = workers.program.run("exec", "o/w", "--", "python3", "-S", "other.py", status=0)
    assert outcome.stdout == b"other"


def test_strict_ends_with_65_where_a_metric_was_rejected(workers):
    workers.apply("os.write(3, b'{\"f\": \"x\"}\\n'); return 1")
    assert "rejected" in workers.exec("--strict", status=65).stderr.decode()


def test_publish_starts_the_worker_once_and_does_not_publish_what_cannot_start(workers):
    refused = workers.publish("sys.exit('no model here')\n", status=1)
    assert refused.stdout == b"" and b"no model here" in refused.stderr
    assert any("--no-check" in message for message in refused.messages)
    assert workers.program.run("versions", status=0).stdout == b""
    workers.publish("mark('started'); algo_run.serve(lambda value: 1); mark('ended')\n", status=0)
    assert (workers.marks("started"), workers.marks("ended")) == ("x", "x"), "it was let go on to its end"


def test_publish_with_no_check_starts_nothing(workers):
    workers.publish("mark('started'); algo_run.serve(lambda value: 1)\n", "--no-check", status=0)
    assert workers.marks("started") == ""
