# SPDX-License-Identifier: Apache-2.0
"""docs/worker-protocol.md suffices to write a worker: its program in Perl is one."""

import re
from pathlib import Path

import pytest

from harness.batches import parse
from harness.worker_host import WorkerHost

PAGE = Path(__file__).resolve().parents[2] / "docs" / "worker-protocol.md"


@pytest.fixture
def capitals(tmp_path):
    """The command of the page's program."""
    [source] = re.findall(r"```perl\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert source.count("\n") <= 20
    (tmp_path / "capitals.pl").write_text(source)
    return ["perl", str(tmp_path / "capitals.pl")]


def test_the_worker_of_the_page_answers_requests_with_metrics_and_errors(capitals):
    with WorkerHost(capitals, descriptors="path") as host:
        assert host.ready() == {"language": "perl/5", "binding": "none", "descriptors": "path", "version": 1}
        for number in range(1, 101):
            answer = host.run(b"cats\n" * number, id=f"100% req {number}")
            assert (answer.verb, answer.body) == ("done", b"CATS\n" * number)
            assert answer.metrics == b'{"characters":%d}\n' % (5 * number)
            failed = host.run(b"")
            assert (failed.verb, failed.body, failed.keys) == ("fail", b"the input is empty\n", {"type": "Error"})
        assert host.close() == 0
        assert host.printed() == (b"", b"")


def test_algo_run_takes_the_worker_of_the_page(program, capitals):
    program.run("publish", "alice/capitals", "--insights", "--worker", "--", *capitals, status=0)
    outcome = program.run("batch", "alice/capitals", "-", "--jobs", "2", input=b"cats\n" * 50, status=0)
    assert [(result["result"], result["metrics"]) for result in parse(outcome.stdout)] == [("CATS", {"characters": 4})] * 50
    outcome, report = program.report("alice/capitals", input=b"")
    assert (outcome.status, report["outcome"], report["cause"]) == (1, "failed", "exception")
    assert report["error"] == {"type": "Error", "message": "the input is empty"}
