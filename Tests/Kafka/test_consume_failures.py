# SPDX-License-Identifier: Apache-2.0
"""`consume` where something fails: the algorithm, the supervisor, another member, a topic."""

import hashlib
import json
import os
import signal

import pytest

from harness import processes
from harness.members import SHORT, Members
from harness.program import PYTHON


@pytest.fixture
def members(program, kafka43):
    return Members(program, kafka43)


def outcomes(records):
    return sorted(record.headers["algo_outcome"] for record in records)


def test_a_crash_a_time_limit_and_an_error_are_results(members):
    members.publish("sh", "-c", 'read -r how; case $how in crash) kill -SEGV $$;; late) sleep 60;; bad) exit 3;; esac; echo "$how"')
    members.topics.produce(members.requests, [b"crash", b"late", b"bad", b"good"])
    members.once("--timeout", "1s", "--grace", "100ms")
    assert outcomes(members.topics.read(members.results)) == ["failed", "signaled", "succeeded", "timed_out"]
    assert len(members.topics.read(members.payloads)) == 4


def test_a_failed_request_is_tried_again_before_it_has_a_result(members):
    members.publish("sh", "-c", 'echo x >> marks; [ "$(wc -l < marks)" -ge 3 ] && cat')
    members.topics.produce(members.requests, [b"hello"])
    members.once("--retries", "4", "--retry-delay", "10ms")
    [result] = members.topics.read(members.results)
    assert (result.headers["algo_outcome"], result.headers["algo_attempts"]) == ("succeeded", "3")
    assert len(members.topics.read(members.payloads)) == 1


def test_a_request_that_failed_for_good_is_a_result_and_a_dead_letter(members):
    dead, = members.topics.make("dead", retention_ms=-1)
    members.publish_worker("def apply(request): raise KeyError('no such flower')")
    members.topics.produce(members.requests, [(b"key", b'{"n":1}')], partition=3, headers=[("mine", b"\xff\x00")],
                           timestamp=1_500_000_000_000)
    members.once("--dead-letter", dead)
    [result], [letter] = members.topics.read(members.results), members.topics.read(dead)
    assert result.headers["algo_error_type"] == "KeyError"
    assert (letter.key, letter.value, letter.partition, letter.timestamp) == (b"key", b'{"n":1}', 3, 1_500_000_000_000)
    raw = dict(letter.pairs)
    assert raw.pop("mine") == b"\xff\x00"
    headers = {name: value.decode() for name, value in raw.items()}
    prefix = "__connect.errors."
    connect = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
    assert "KeyError" in connect.pop("exception.stacktrace")
    assert "no such flower" in connect.pop("exception.message")
    assert connect == {
        "topic": members.requests, "partition": "3", "offset": "0", "connector.name": members.group, "task.id": "0",
        "stage": "TASK_PUT", "class.name": "demo/member/1.0.0", "exception.class.name": "KeyError"}
    own = {name: value for name, value in headers.items() if name.startswith("algo_")}
    assert own == {
        "algo_request_id": result.headers["algo_request_id"], "algo_outcome": "failed", "algo_exit_code": "1",
        "algo_attempts": "1", "algo_source": f"{members.requests}/3/0", "algo_version": "demo/member/1.0.0",
        "algo_reason": "failed"}


def test_a_dead_letter_topic_that_forgets_is_warned_about(members):
    dead, kept = members.topics.make("dead", "kept")
    members.topics.set(kept, message_timestamp_type="LogAppendTime")
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"])
    assert any("deletes dead letters" in line for line in members.once("--dead-letter", dead).messages)
    assert not any("deletes dead letters" in line for line in members.once("--dead-letter", kept).messages)


def test_on_failure_stop_leaves_the_failed_request_in_the_topic(members):
    members.publish("sh", "-c", 'cat; [ ! -e broken ]')
    (members.program.directory / "broken").write_text("")
    members.topics.produce(members.requests, [b"first", b"second"], partition=0)
    outcome = members.once("--on-failure", "stop", "--jobs", "1", status=1)
    assert f"{members.requests}/0/0" in outcome.messages[-1] and members.topics.read(members.results) == []
    [row] = members.program.run("runs", members.ref, "--json", status=0).stdout.splitlines()
    assert json.loads(row)["outcome"] == "failed"
    (members.program.directory / "broken").unlink()
    members.once("--on-failure", "stop")
    assert outcomes(members.topics.read(members.results)) == ["succeeded"] * 2


def test_a_result_that_is_too_large_keeps_its_size_and_hash(members):
    dead, = members.topics.make("dead", retention_ms=-1)
    small, = members.topics.make("small", max_message_bytes=10_000)
    members.results = small
    members.publish(PYTHON, "-c", "import sys; print('x' * int(sys.stdin.read()), end='')")
    members.topics.produce(members.requests, [b"8000", b"12000", b"3000000"])
    members.once("--dead-letter", dead)
    by_size = {}
    for record in members.topics.read(small):
        if record.value is not None:
            by_size[len(record.value)] = record
        else:
            assert record.headers["algo_result_error"] == "too_large" and record.headers["algo_outcome"] == "succeeded"
            size = int(record.headers["algo_result_bytes"])
            assert record.headers["algo_result_sha256"] == hashlib.sha256(b"x" * size).hexdigest()
            by_size[size] = record
    assert sorted(by_size) == [8000, 12000, 3_000_000]
    assert sorted((letter.value, letter.headers["algo_reason"]) for letter in members.topics.read(dead)) == [
        (b"12000", "too_large"), (b"3000000", "too_large")]


def test_an_aborted_transaction_is_written_again_and_nothing_runs_again(members):
    """The limit of the topic falls while the request runs: the broker refuses the batch, and the result goes without value."""
    members.publish_python("import os, sys, time\nopen('marks', 'a').write('x\\n')\n"
                           "while not os.path.exists('go'): time.sleep(0.01)\nprint('x' * int(sys.stdin.read()), end='')")
    members.topics.produce(members.requests, [b"50000", b"10"], partition=0)
    member = members.start("--jobs", "2", *SHORT)
    processes.await_until(lambda: len(members.marks()) == 2, "both requests")
    members.topics.set(members.results, max_message_bytes=20_000)
    (members.program.directory / "go").write_text("")
    members.await_results(2)
    member.send_signal(signal.SIGTERM)
    outcome = members.program.finish(member)
    assert outcome.status == 0 and any("aborted" in line for line in outcome.messages), outcome
    results = members.topics.read(members.results)
    assert sorted(record.value is None for record in results) == [False, True] and len(members.marks()) == 2


def test_a_request_that_kills_its_supervisor_is_not_run_for_ever(members):
    dead, = members.topics.make("dead", retention_ms=-1)
    members.publish_python("import os, signal, sys\nvalue = sys.stdin.read()\n"
                           "if value == 'poison':\n    open('marks', 'a').write('x\\n')\n    os.kill(os.getppid(), signal.SIGKILL)\n"
                           "print(value)")
    members.topics.produce(members.requests, [b"poison", *(b"%d" % number for number in range(5))], partition=0)
    options = ["--once", "--instance", "one", "--dead-letter", dead, "--max-crashes", "2", "--jobs", "1", *SHORT]
    deaths = 0
    while members.run(*options, status=None).status == -signal.SIGKILL:
        deaths += 1
        assert deaths < 6
    # Once with others, then twice alone.
    assert deaths == 3 and len(members.marks()) == 3
    [letter] = members.topics.read(dead)
    assert (letter.value, letter.headers["algo_reason"], letter.headers["algo_attempts"]) == (
        b"poison", "crashed_supervisor", "3")
    assert outcomes(members.topics.read(members.results)) == ["failed_to_start"] + ["succeeded"] * 5


def test_the_older_of_two_processes_with_one_instance_ends_with_75(members):
    members.publish_python("import time; time.sleep(0.05); print('x')")
    members.topics.produce(members.requests, [b"x"] * 60)
    first = members.start("--instance", "twin", "--jobs", "1", *SHORT)
    members.await_results(3)
    second = members.start("--instance", "twin", "--jobs", "1", *SHORT)
    outcome = members.program.finish(first)
    assert outcome.status == 75 and 'instance "twin"' in outcome.messages[-1], outcome
    members.await_results(60, limit=300)
    assert set(members.topics.count(members.results).values()) == {1}
    second.send_signal(signal.SIGTERM)
    assert members.program.finish(second).status == 0


def test_a_suspended_member_is_replaced_and_writes_nothing_twice(members):
    members.publish_worker("def apply(request): time.sleep(0.01); return request")
    members.topics.produce(members.requests, [b'{"n":%d}' % number for number in range(600)])
    frozen = members.start("--jobs", "1", *SHORT)
    members.await_results(20)
    frozen.send_signal(signal.SIGSTOP)
    other = members.start("--jobs", "2", *SHORT)
    members.await_results(600, limit=300)
    frozen.send_signal(signal.SIGCONT)
    for member in (frozen, other):
        member.send_signal(signal.SIGTERM)
        members.program.finish(member)
    assert set(members.topics.count(members.results).values()) == {1}
    assert set(members.topics.count(members.payloads).values()) == {1}


@pytest.mark.parametrize("drain, stops", [("30s", False), ("100ms", True)])
def test_a_partition_that_leaves_takes_its_running_requests_along(members, drain, stops):
    """A second member joins while all partitions run: within --drain requests end here, after it the new owner runs them."""
    members.publish_python("import os, sys, time\nvalue = sys.stdin.read()\nopen('marks', 'a').write('x\\n')\n"
                           "while not os.path.exists('go'): time.sleep(0.01)\nprint(value)")
    for partition in range(4):
        members.topics.produce(members.requests, [b"%d" % partition], partition=partition)
    first = members.start("--jobs", "4", "--drain", drain, *SHORT)
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    second = members.start("--jobs", "4", "--drain", drain, *SHORT)
    if stops:
        processes.await_until(lambda: len(members.marks()) > 4, "a request that runs at its new owner")
    (members.program.directory / "go").write_text("")
    members.await_results(4)
    for member in (first, second):
        member.send_signal(signal.SIGTERM)
        assert members.program.finish(member).status == 0
    assert sorted(members.topics.count(members.results).values()) == [1] * 4
    assert (len(members.marks()) > 4) == stops


def test_a_member_whose_algorithm_cannot_start_leaves_the_requests_to_others(members):
    members.publish("./missing")
    members.topics.produce(members.requests, [b"x"] * 3)
    outcome = members.once(status=1, limit=300)
    assert "cannot be started on this host" in outcome.messages[-1] and members.topics.read(members.results) == []
    members.publish("cat")
    members.once()
    assert outcomes(members.topics.read(members.results)) == ["succeeded"] * 3


@pytest.mark.any_library
def test_a_member_gives_up_after_five_failed_starts_of_its_worker(members):
    members.publish("sh", "-c", "echo x >> starts; exit 3", worker=True)
    members.topics.produce(members.requests, [b"x"])
    outcome = members.once(status=1, limit=180)
    assert "cannot be started on this host" in outcome.messages[-1] and members.topics.read(members.results) == []
    assert len(members.marks("starts")) == 5, outcome


def test_retention_that_overtakes_the_group_is_an_error_with_a_count(members):
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"] * 10, partition=0)
    members.once()
    members.topics.produce(members.requests, [b"y"] * 10, partition=0)
    members.topics.delete_before(members.requests, 0, 15)
    outcome = members.once(status=1)
    assert outcome.messages[-1].startswith("5 requests of partition 0 were deleted"), outcome
    members.once("--start", "earliest")
    assert len(members.topics.read(members.results)) == 15


def test_a_client_has_its_result_where_it_asks_for_it_if_that_is_allowed(members):
    replies, = members.topics.make("replies-7")
    members.publish("cat")
    for topic, partition in ((replies, 2), (members.topics.name("secret"), 0), (members.topics.name("replies-none"), 0)):
        members.topics.produce(members.requests, [topic.encode()], headers=[
            ("kafka_correlationId", b"\x01\x02"), ("kafka_replyTopic", topic.encode()),
            ("kafka_replyPartition", partition.to_bytes(4, "big"))])
    members.topics.make("secret")
    members.once("--reply-to", members.topics.name("replies-*"))
    [reply] = members.topics.read(replies)
    assert (reply.value, reply.partition, dict(reply.pairs)["kafka_correlationId"]) == (replies.encode(), 2, b"\x01\x02")
    assert sorted(record.value for record in members.topics.read(members.results)) == sorted(
        [members.topics.name("secret").encode(), members.topics.name("replies-none").encode()])


def test_transactions_of_the_producer_leave_no_gap_unfinished(members):
    members.publish("cat")
    members.topics.transact(members.requests, [b"a", b"b"], commit=True)
    members.topics.transact(members.requests, [b"never"], commit=False)
    members.topics.transact(members.requests, [b"c", b""], commit=True)
    members.once()
    assert sorted(record.value for record in members.topics.read(members.results)) == [b"", b"a", b"b", b"c"]


def test_payloads_of_another_place_go_by_the_outbox(members):
    members.program.run("connection", "remove", status=0)
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"] * 5)
    outcome = members.once("--brokers", members.kafka.PLAINTEXT)
    assert any("by the outbox, at least once" in line for line in outcome.messages)
    assert len(members.topics.read(members.results)) == 5 and len(members.program.insights()) == 5


def test_at_least_once_needs_no_transactions(members):
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"] * 50)
    members.once("--delivery", "at-least-once")
    assert len(members.topics.read(members.results, committed=False)) == 50
    assert len(members.topics.read(members.payloads)) == 50
