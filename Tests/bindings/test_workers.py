# SPDX-License-Identifier: Apache-2.0
"""Workers in every language, seen by a supervisor: run by Tests/bindings/run.sh with the worker's command in WORKER.

A worker answers `<word>` to a word and reports its length as `letters`. Some words ask it for more: `fail`, `print`,
`leave`, `current`, and `isolated N`, on which it reports in every way it can and lets the thread and the child of the
request before report now.
"""

import json
import os
import re
import shlex

import pytest
from harness.worker_host import WorkerHost

COMMAND = shlex.split(os.environ["WORKER"])
DESCRIPTORS = os.environ["WORKER_DESCRIPTORS"]
# With 10,000 this is the proof that docs/worker-protocol.md speaks of.
REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "100"))


@pytest.fixture
def host():
    with WorkerHost(COMMAND, descriptors=DESCRIPTORS) as host:
        keys = host.ready()
        assert keys["version"] == 1 and keys["descriptors"] == DESCRIPTORS
        assert re.fullmatch(r"[a-z]+/[0-9.]+\S*", keys["language"]) and keys["binding"]
        yield host


def test_each_request_has_its_result_and_its_metrics(host):
    for word in ("cat", "", "café", "x" * 300_000):
        answer = host.run(word.encode())
        assert (answer.verb, answer.body) == ("done", f"<{word}>".encode())
        assert answer.metrics == b'{"letters":%d}\n' % len(word)
    assert host.close() == 0
    assert host.late() == b""


def test_an_error_of_apply_is_the_answer_and_the_worker_continues(host):
    answer = host.run(b"fail")
    assert answer.verb == "fail" and answer.keys["type"]
    assert answer.body.decode().splitlines()[0] == "no cats at all"
    assert host.run(b"cat").verb == "done"


def test_what_apply_prints_comes_before_its_answer(host):
    assert host.run(b"print").stdout == b"printed\n"
    assert host.run(b"cat").stdout == b""


def test_the_current_request_is_known(host):
    answer = host.run(b"current", id="r%1 é", timeout=90_000, traceparent="00-ab-cd-01")
    assert answer.body.decode() == "r%1 é alice/cats/1.2.3 soon 00-ab-cd-01"
    assert host.run(b"current", id="r2").body.decode().startswith("r2 alice/cats/1.2.3 none")


def test_a_program_that_exits_gives_no_answer(host):
    host.send(b"leave")
    assert host.wait() == 3


def test_a_kept_handle_reports_late_for_its_own_request(host):
    host.run(b"keep")
    answer = host.run(b"late")
    assert b"late" not in answer.metrics
    assert b'\x1e1 {"late":1}\n' in host.late(until=b'{"late":1}\n')
    assert b"late_report" in host.printed(until=b"late_report")[1]


def test_a_metrics_path_that_cannot_be_opened_loses_no_metric(host):
    if DESCRIPTORS != "path":
        return
    assert host.run(b"cat", metrics="/proc/self/fd/999999").metrics == b'{"letters":3}\n'
    assert host.run(b"cat", metrics="-").metrics == b'{"letters":3}\n'


def test_no_late_report_is_credited_to_another_request(host):
    """Of each request a thread and a child report while the next one runs."""
    answers = []
    for number in range(1, REQUESTS + 1):
        answer = host.run(b"isolated %d" % number)
        assert answer.verb == "done", answer
        credited = [json.loads(line) for line in answer.metrics.splitlines()]
        assert credited and all(value == number for line in credited for value in line.values()), answer
        assert not any(name.startswith("late") for line in credited for name in line), answer
        answers.append(answer)
    status = host.close()
    assert status == 0, host.printed()
    # All late lines are there, to be counted: on the descriptor of its own request or on the one that all share.
    late = host.late() + b"".join(host.end_of(answer) for answer in answers[:-1])
    children = {int(number) for number in re.findall(rb'"late_child":(\d+)', late)}
    assert children >= set(range(1, REQUESTS))
    # A number on the shared one is never that of a request that ran at the time.
    for number, name, value in re.findall(rb'\x1e(\d+) \{"(\w+)":(\d+)\}', late):
        assert number in (b"0", value), (number, name, value)
