# SPDX-License-Identifier: Apache-2.0
"""Additions of Python's `serve` to a worker, through algo-run: values, contexts of threads and tasks, forks."""

import sys
from pathlib import Path

import pytest

from harness.batches import parse

BINDING = Path(__file__).resolve().parents[2] / "Bindings" / "Python"
PYTHON = sys.executable


@pytest.fixture
def batch(program):
    """Publishes a worker of this source and runs these lines through it; gives the results in order."""

    def run(source, lines, *options, **rest):
        (program.directory / "worker.py").write_text(f"import algo_run\n{source}\nalgo_run.serve(apply)\n")
        program.run("publish", "o/w", "--worker", "--directory", program.directory, "--env", f"PYTHONPATH={BINDING}",
                    "--", PYTHON, "worker.py", status=0)
        outcome = program.run("batch", "o/w", "-", *options, input=b"".join(line + b"\n" for line in lines), **rest)
        return outcome, sorted(parse(outcome.stdout), key=lambda result: result["index"])

    return run


def test_results_are_json_text_or_bytes_by_what_apply_returns(batch):
    source = "def apply(kind): return {'dict': {'a': [1, None]}, 'str': 'cats', 'bytes': b'\\xff', 'none': None}[kind]"
    outcome, [first, second, third, fourth] = batch(source, [b'"dict"', b'"str"', b'"bytes"', b'"none"'], status=0)
    assert first["result"] == {"a": [1, None]} and second["result"] == "cats" and fourth["result"] is None
    assert (third["result"], third["result_encoding"]) == ("/w==", "base64")


def test_a_result_that_is_not_json_fails_its_request_with_the_remedy(batch):
    outcome, [first, second] = batch("def apply(input): return input or float('nan')", [b"0", b"1"], status=1)
    assert (first["outcome"], first["error"]["type"]) == ("failed", "ValueError")
    assert "return None or a str" in first["error"]["message"]
    assert second["result"] == 1


def test_threads_pools_and_tasks_report_to_their_request(batch):
    source = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
async def report(input):
    await asyncio.get_running_loop().run_in_executor(None, lambda: algo_run.report(executor=input))
    algo_run.report(task=input)
def apply(input):
    thread = threading.Thread(target=lambda: algo_run.report(thread=input))
    thread.start()
    list(pool.map(lambda _: algo_run.report(pool=input), range(2)))
    asyncio.run(report(input))
    thread.join()"""
    outcome, results = batch(source, [b"%d" % number for number in range(100)], "--jobs", "2", status=0)
    names = {"thread", "pool", "executor", "task"}
    assert [result["metrics"] for result in results] == [dict.fromkeys(names, number) for number in range(100)]


def test_an_isolated_request_neither_sees_nor_leaves_state(batch):
    source = """
import random
seen = []
def apply(input):
    seen.append(input)
    return [seen, random.random()]"""
    outcome, results = batch(source, [b"%d" % number for number in range(8)], "--isolate", status=0)
    assert [result["result"][0] for result in results] == [[number] for number in range(8)]
    assert len({result["result"][1] for result in results}) == 8


def test_a_program_with_threads_is_not_isolated_and_the_reason_is_in_the_record(batch):
    source = """
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True, name="poller").start()
def apply(input): return input"""
    outcome, [result] = batch(source, [b"1"], "--isolate", "--jobs", "1")
    assert outcome.status == 1 and result["outcome"] == "failed_to_start"
    assert 'thread "poller"' in result["stderr_tail"] and "OMP_NUM_THREADS=1" in result["stderr_tail"]
