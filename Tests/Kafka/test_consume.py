# SPDX-License-Identifier: Apache-2.0
"""`consume`: requests from a topic to results, payloads and offsets in one transaction."""

import json
import os
import signal
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path

import pytest

from harness import processes
from harness.members import SHORT, Members
from harness.program import PYTHON
from harness.terminal import Terminal

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def members(program, kafka):
    return Members(program, kafka)


@pytest.fixture
def members43(program, kafka43):
    return Members(program, kafka43)


def numbers(count, first=0):
    return [f'{{"n":{number}}}'.encode() for number in range(first, first + count)]


def test_each_request_has_one_result_and_one_payload(members):
    members.publish("sh", "-c", 'echo "{\\"seen\\":1}" >&3; cat')
    members.topics.produce(members.requests, numbers(100))
    members.once()
    results, payloads = members.topics.read(members.results), members.topics.read(members.payloads)
    assert sorted(record.value for record in results) == sorted(numbers(100))
    ids = {record.headers["algo_request_id"] for record in results}
    assert len(ids) == 100 and ids == {record.key.decode() for record in payloads} and len(payloads) == 100
    assert all(json.loads(record.value)["seen"] == 1 for record in payloads)
    # The group begins behind them.
    members.once()
    assert len(members.topics.read(members.results)) == 100


def test_workers_answer_as_commands_do(members):
    members.publish_worker("def apply(request): algo_run.report(twice=2 * request['n']); return {'n': request['n'] + 1}")
    members.topics.produce(members.requests, numbers(500))
    members.once("--jobs", "2")
    assert sorted(json.loads(record.value)["n"] for record in members.topics.read(members.results)) == list(range(1, 501))
    assert sorted(json.loads(record.value)["twice"] for record in members.topics.read(members.payloads)) == list(range(0, 1000, 2))


def test_a_result_carries_what_its_reader_needs(members43):
    members = members43
    members.publish("sh", "-c", "cat; exit 3", insights=False)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    members.topics.produce(members.requests, [(b"a key", b"hello")], partition=2, headers=[
        ("algo_request_id", b"req-mine"), ("traceparent", trace.encode()), ("kafka_correlationId", b"\x00\xff\x01")])
    members.once()
    [result] = members.topics.read(members.results)
    assert (result.key, result.value, result.partition) == (b"a key", b"hello", 2)
    raw = dict(result.pairs)
    assert raw.pop("kafka_correlationId") == b"\x00\xff\x01"
    headers = {name: value.decode() for name, value in raw.items()}
    duration, time = float(headers.pop("algo_duration_milliseconds")), headers.pop("ce_time")
    assert duration > 0 and time.endswith("Z")
    assert headers == {
        "algo_request_id": "req-mine", "algo_outcome": "failed", "algo_exit_code": "3", "algo_attempts": "1",
        "algo_version": "demo/member/1.0.0", "algo_source": f"{members.requests}/2/0", "ce_specversion": "1.0",
        "ce_id": "req-mine", "ce_source": "/demo/member/1.0.0", "ce_type": "algo-run.result.v1",
        "content-type": "text/plain; charset=utf-8", "traceparent": trace}
    assert members.topics.read(members.payloads) == []


def test_a_request_without_an_identifier_gets_one_by_its_place(members43):
    members = members43
    members.publish("cat")
    members.topics.produce(members.requests, [b"x", b"y"], partition=1)
    members.topics.produce(members.requests, [b"z"], partition=0, headers=[("ce_id", b"event-7")])
    members.once()
    cluster = members.topics.admin.list_topics(timeout=300).cluster_id
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, "urn:algo-run:request")
    by_place = [f"req-{uuid.uuid5(namespace, f'{cluster}/{members.requests}/1/{offset}')}" for offset in (0, 1)]
    assert {record.value: record.headers["algo_request_id"] for record in members.topics.read(members.results)} == {
        b"x": by_place[0], b"y": by_place[1], b"z": "event-7"}


def test_the_record_form_is_the_execution_record(members43):
    members = members43
    members.publish("sh", "-c", "echo oops >&2; cat")
    members.topics.produce(members.requests, [b'{"n": 1.50}'], partition=0)
    members.once("--result", "record")
    [result] = members.topics.read(members.results)
    record = json.loads(result.value)
    assert record["result"] == {"n": 1.5} and b'"result":{"n":1.50}' in result.value
    assert record["source"] == f"{members.requests}/0/0" and record["stderr_tail"] == "oops\n"
    assert record["outcome"] == "succeeded" and record["delivery"]["state"] == "delivered"
    assert len(record["input_sha256"]) == 64


def test_workers_wait_for_their_turn(members43):
    members = members43
    members.publish_worker("def apply(request): return os.sched_getscheduler(0)")
    members.topics.produce(members.requests, [b"1"])
    members.once()
    assert [int(record.value) for record in members.topics.read(members.results)] == [os.SCHED_BATCH]


def test_the_history_has_each_request(members43):
    members = members43
    members.publish("cat")
    # More than one turn of the loop prepares and counts, in one commit.
    members.topics.produce(members.requests, numbers(100))
    members.once("--commit-interval", "3s")
    assert sorted(members.topics.count(members.results).values()) == [1] * 100
    listed = members.program.run("runs", members.ref, "--json", "--limit", "1000", status=0).stdout
    rows = [json.loads(line) for line in listed.splitlines()]
    assert len(rows) == len({row["request_id"] for row in rows}) == 100 and {row["delivery"]["state"] for row in rows} == {"delivered"}
    assert all(row["input_sha256"] for row in rows)


def test_a_signal_drains_and_leaves_the_rest_to_others(members):
    members.publish_python("import os, sys, time\nopen('marks', 'a').write('x\\n')\n"
                           "while not os.path.exists('go'): time.sleep(0.01)\nprint(sys.stdin.read())")
    members.topics.produce(members.requests, numbers(20))
    member = members.start("--jobs", "3")
    processes.await_until(lambda: len(members.marks()) == 3, "three running requests")
    member.send_signal(signal.SIGTERM)
    line = processes.read_line(member.stderr.fileno())
    assert line == "algo-run: draining: 3 running requests may finish (once more stops them)."
    (members.program.directory / "go").write_text("")
    outcome = members.program.finish(member)
    assert outcome.status == 0, outcome
    assert len(members.topics.read(members.results)) == 3
    members.once()
    assert sorted(record.value.strip() for record in members.topics.read(members.results)) == sorted(numbers(20))
    assert len(members.marks()) == 20


def test_a_slow_request_holds_nothing_back_and_nothing_done_runs_again(members):
    members.publish_python("import os, sys, time\nvalue = sys.stdin.read()\nopen('marks', 'a').write('x\\n')\n"
                           "while 'slow' in value and not os.path.exists('go'): time.sleep(0.01)\nprint(value)")
    members.topics.produce(members.requests, [b"slow", *numbers(30)], partition=0)
    member = members.start("--jobs", "2", "--instance", "one", *SHORT)
    members.await_results(30)
    offset, metadata = members.topics.committed(members.group, members.requests)[0]
    assert offset == 0 and metadata.startswith("algo-run/1 ")
    member.kill()
    member.wait()
    (members.program.directory / "go").write_text("")
    members.once("--instance", "one", *SHORT)
    results = members.topics.read(members.results)
    assert len(results) == 31 and len(members.marks()) == 32
    # The one that was lost with its process counts as an attempt.
    assert [record.headers["algo_attempts"] for record in results if record.value == b"slow\n"] == ["2"]


def test_order_by_partition_and_by_key(members43):
    members = members43
    members.publish_python("import random, sys, time\nvalue = sys.stdin.read()\ntime.sleep(random.random() / 20)\n"
                           "open('marks', 'a').write(value + '\\n')\nprint(value)")
    keys = [f"key{number % 3}" for number in range(30)]
    members.topics.produce(members.requests, [(key.encode(), f"{key}/{number}".encode()) for number, key in enumerate(keys)],
                           partition=1)
    members.once("--jobs", "4", "--order", "key")
    for key in set(keys):
        mine = [mark for mark in members.marks() if mark.startswith(key)]
        assert mine == sorted(mine, key=lambda mark: int(mark.split("/")[1]))
    (members.program.directory / "marks").unlink()
    members.once("--jobs", "4", "--order", "partition", "--group", members.group + "-2")
    assert members.marks() == [f"{key}/{number}" for number, key in enumerate(keys)]


def test_two_members_share_the_partitions(members):
    members.publish_worker("def apply(request): time.sleep(0.002); mark('ran-%s' % os.getppid()); return request")
    first = members.start("--jobs", "1", *SHORT)
    second = members.start("--jobs", "1", *SHORT)
    count = 0
    for _ in range(200):
        members.topics.produce(members.requests, numbers(50, count), partition=lambda number: number % 4)
        count += 50
        if len(list(members.program.directory.glob("ran-*"))) == 2:
            break
        members.await_results(count)
    assert len(list(members.program.directory.glob("ran-*"))) == 2
    members.await_results(count)
    for member in (first, second):
        member.send_signal(signal.SIGTERM)
        assert members.program.finish(member).status == 0
    assert set(members.topics.count(members.results).values()) == {1}
    assert len(members.topics.read(members.payloads)) == count


def test_figures_for_prometheus(members43, promtool):
    members = members43
    members.publish_python("import os, sys, time\nopen('marks', 'a').write('x\\n')\n"
                           "while not os.path.exists('go'): time.sleep(0.01)\nprint(sys.stdin.read())")
    members.topics.produce(members.requests, numbers(5), partition=0, timestamp=int((time.time() - 100) * 1000))
    member = members.start("--jobs", "2", "--metrics", "127.0.0.1:0")
    figures = members.figures(member)
    processes.await_until(lambda: len(members.marks()) == 2, "two running requests")
    first = figures()
    lag = f'lag_records{{topic="{members.requests}",partition="0"}}'
    assert (first["running_requests"], first[lag]) == ("2", "5")
    assert float(first["oldest_uncommitted_request_age_seconds"]) >= 100
    (members.program.directory / "go").write_text("")
    processes.await_until(lambda: figures()['requests_total{outcome="succeeded"}'] == "5", "five results")
    last = figures()
    assert last[lag] == "0" and float(last["commit_seconds_total"]) > 0
    assert float(last["oldest_uncommitted_request_age_seconds"]) == 0
    page = urllib.request.urlopen(figures.address, timeout=300).read()
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True)
    assert done.returncode == 0 and not done.stdout + done.stderr, done
    other = urllib.request.Request(figures.address, headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    with urllib.request.urlopen(other, timeout=300) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text") and answer.read().endswith(b"# EOF\n")
    member.send_signal(signal.SIGTERM)
    assert members.program.finish(member).status == 0


def test_a_client_in_python_sends_a_request_and_reads_its_result(members43):
    members = members43
    members.publish("cat")
    member = members.start()
    example = REPOSITORY / "Examples" / "kafka-client" / "ask.py"
    answer = subprocess.run([PYTHON, example, members.kafka.PLAINTEXT, members.requests, members.results, '{"n": 7}'],
                            capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0 and json.loads(answer.stdout) == {"n": 7}, answer
    member.send_signal(signal.SIGTERM)
    assert members.program.finish(member).status == 0


def test_the_demonstration_loses_a_member_and_no_request(members43):
    """The second half of `make demo-kafka`."""
    members = members43
    done = subprocess.run(
        [PYTHON, REPOSITORY / "scripts" / "demo-members.py", members.kafka.PLAINTEXT, members.program.home],
        env=members.program.environment(ALGO_RUN=str(members.program.binary), PYTHONPATH=str(REPOSITORY / "Tests")),
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "one is killed" in done.stdout and " of them exactly one;" in done.stdout, done


def test_progress_is_a_bar_on_a_terminal(members43):
    members = members43
    members.publish("sh", "-c", "until test -e go; do sleep 0.02; done; cat")
    members.topics.produce(members.requests, numbers(20))
    command = [str(members.program.binary), *members.arguments("--once", "--jobs", "2")]
    with Terminal(command, members.program.environment(TERM="xterm"), members.program.directory) as terminal:
        terminal.see(r"\[\.+\]   0%  0/20")
        (members.program.directory / "go").touch()
        assert terminal.end() == 0
    assert len(members.topics.read(members.results)) == 20
