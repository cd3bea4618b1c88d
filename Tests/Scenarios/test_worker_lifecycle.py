# SPDX-License-Identifier: Apache-2.0
"""How workers begin and end: each rule with the failure that it answers (docs/workers.md, "Lifecycle")."""

import json
import os
import signal
import threading

import pytest

from harness import processes
from harness.batches import descriptors
from harness.workers import Workers, end

PID = "return os.getpid()"


@pytest.fixture
def workers(program):
    return Workers(program)


def outcomes(results):
    return [(result["outcome"], result["cause"]) for result in results]


SUCCEEDED = ("succeeded", None)


def test_one_worker_answers_many_requests_and_loads_once(workers):
    workers.apply(PID, "--no-check", before="mark('loaded')")
    outcome = workers.batch(range(20), "--jobs", "1", status=0)
    assert len({result["result"] for result in outcome.results}) == 1
    assert workers.marks("loaded") == "x"


def test_a_batch_keeps_as_many_workers_as_jobs(workers):
    workers.apply("mark('at', f'{os.getpid()} ')\nwhile len(set(open('at').read().split())) < 3: time.sleep(0.002)\n"
                  + PID)
    outcome = workers.batch(range(30), "--jobs", "3", status=0)
    assert len({result["result"] for result in outcome.results}) == 3


def test_a_worker_killed_between_requests_is_replaced_immediately_and_loses_nothing(workers):
    workers.apply(PID)
    batch = workers.start("--jobs", "1")
    first = batch.ask(1)
    end(first["result"])
    second = batch.ask(2)
    assert batch.end().status == 0
    assert outcomes([first, second]) == [SUCCEEDED] * 2 and second["attempts"] == 1
    assert first["result"] != second["result"]


def test_a_worker_killed_within_a_request_fails_that_request_alone_and_keeps_its_metrics(workers):
    workers.apply("algo_run.report(n=value)\nif value == 2: os.kill(os.getpid(), signal.SIGKILL)\n" + PID)
    outcome = workers.batch([1, 2, 3], "--jobs", "1", status=1)
    assert outcomes(outcome.results) == [SUCCEEDED, ("signaled", "worker_exited"), SUCCEEDED]
    assert outcome.results[1]["signal"] == 9 and outcome.results[1]["metrics"] == {"n": 2}
    assert outcome.results[0]["result"] != outcome.results[2]["result"]


def test_a_lost_worker_loses_one_request_which_retries_repeats_within_their_number(workers):
    workers.apply("mark('tries')\nif value == 1: os._exit(7)\nreturn value")
    outcome = workers.batch([0, 1], "--jobs", "1", "--retries", "2", "--retry-delay", "1ms", status=1)
    assert outcomes(outcome.results) == [SUCCEEDED, ("failed", "worker_exited")]
    assert outcome.results[1]["attempts"] == 3 and outcome.results[1]["exit_code"] == 7
    assert workers.marks("tries") == "xxxx"


def test_a_program_that_cannot_start_is_tried_five_times_and_no_more(workers):
    workers.publish("mark('starts'); sys.exit('no model here')\n", "--no-check", status=0)
    outcome = workers.batch(range(200), "--jobs", "1", status=1)
    assert len(workers.marks("starts")) == 5
    assert set(outcomes(outcome.results)) == {("failed_to_start", "init_failed")}
    assert 0 < len(outcome.results) < 200, "the rest is not run"
    assert "no model here" in outcome.results[0]["stderr_tail"]
    assert any("no more requests start" in message for message in outcome.messages), outcome


def test_failed_starts_at_the_same_time_count_each_and_are_reported_once_each(workers):
    workers.publish("mark('starts'); sys.exit('no model here')\n", "--no-check", status=0)
    outcome = workers.batch(range(20), "--jobs", "3", status=1)
    assert len(workers.marks("starts")) == 5
    assert len([message for message in outcome.messages if "no model here" in message]) == 5, outcome


def test_a_start_that_succeeds_resets_the_count_of_failed_ones(workers):
    # Each program dies in its first request; four starts of five fail before it.
    workers.publish("""
mark("starts")
if len(open("starts").read()) % 5: sys.exit(1)
def apply(value): os._exit(1)
algo_run.serve(apply)
""", "--no-check", status=0)
    outcome = workers.batch([1, 2], "--jobs", "1", status=1)
    assert len(workers.marks("starts")) == 10
    assert set(outcomes(outcome.results)) == {("failed", "worker_exited")}


def test_a_program_that_hangs_before_it_is_ready_is_killed_at_the_init_timeout(workers):
    # On a busy machine a start may be killed before it could leave a mark: the messages count them.
    workers.publish("time.sleep(600)\n", "--no-check", "--init-timeout", "200ms", status=0)
    outcome = workers.batch([1, 2], "--jobs", "1", status=1)
    assert set(outcomes(outcome.results)) == {("failed_to_start", "init_timeout")}
    assert any("no more requests start" in message for message in outcome.messages), outcome


def test_the_time_limit_kills_the_worker_of_that_request_only(workers):
    workers.apply("""
mark(f"pid-{os.getpid()}")
if value == "hang":
    mark("hangs"); time.sleep(600)
if value == "other":
    wait_for("hangs")
    wait_for("go")
""" + PID)
    batch = workers.start("--jobs", "2", "--timeout", "2s")
    batch.send("hang")
    first = batch.result()
    workers.go()
    batch.send("other")
    second = batch.result()
    assert outcomes([first, second]) == [("timed_out", "time_limit"), SUCCEEDED]
    assert batch.end().status == 1


def test_a_stopped_worker_is_replaced_at_the_time_limit(workers):
    workers.apply(PID)
    batch = workers.start("--jobs", "1", "--timeout", "1s", "--grace", "50ms")
    first = batch.ask(1)
    processes.suspend(first["result"])
    stopped, third = batch.ask(2), batch.ask(3)
    batch.end()
    assert outcomes([first, stopped, third]) == [SUCCEEDED, ("timed_out", "time_limit"), SUCCEEDED]
    assert third["result"] != first["result"] and not processes.is_running(first["result"])


POLICY = "return os.sched_getscheduler(0)"


def test_workers_of_a_batch_wait_for_their_turn(workers):
    workers.apply(POLICY)
    assert workers.batch([1], status=0).results[0]["result"] == os.SCHED_BATCH
    assert json.loads(workers.exec(input=b"1", status=0).stdout) == os.SCHED_OTHER


def test_a_policy_that_was_chosen_for_algo_run_is_kept(workers):
    workers.apply(POLICY)
    found = []

    def with_policy():
        # Of this thread alone, and of what it starts.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        found.append(workers.batch([1], status=0).results[0]["result"])

    thread = threading.Thread(target=with_policy)
    thread.start()
    thread.join()
    assert found == [os.SCHED_IDLE]


VIOLATIONS = {
    "a frame that is none": "os.write(answers, b'what is this\\n')",
    "an answer to another request": "answer(number + 1, b'1')",
    "a second ready": "ready()",
    # In one piece: otherwise the next request may come between the two, and the second answer would be one to it.
    "an answer that was not asked for": "os.write(answers, b'done %d 1\\n1done %d 1\\n2' % (number, number))",
    "an answer that ends early": "os.write(answers, b'done %d 100\\nshort' % number); os.close(answers)",
    "a closed answer pipe": "os.close(answers)",
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_worker_that_violates_the_protocol_is_killed_and_named_and_the_next_one_answers(workers, violation):
    workers.raw(f"""
ready()
while True:
    number, body = take()
    if body == b"1":
        {VIOLATIONS[violation]}
        time.sleep(600)
    answer(number, b"%d" % os.getpid())
""")
    batch = workers.start("--jobs", "1")
    first, second = batch.ask(1), batch.ask(2)
    batch.end()
    assert outcomes([second]) == [SUCCEEDED] and second["attempts"] == 1
    if violation != "an answer that was not asked for":
        assert outcomes([first]) == [("failed", "protocol_error")] and first["exit_code"] == 1


def test_a_first_frame_that_is_none_is_a_failed_start(workers):
    workers.raw("os.write(answers, b'hello\\n'); time.sleep(600)")
    outcome = workers.batch([1], "--jobs", "1", status=1)
    assert outcomes(outcome.results) == [("failed_to_start", "protocol_error")]


def test_a_worker_of_a_later_protocol_is_refused_in_a_sentence(workers):
    workers.raw("os.write(answers, b'ready 2 0 language=raw descriptors=socket\\n'); time.sleep(600)")
    outcome = workers.exec(status=125)
    assert any("update algo-run" in message for message in outcome.messages), outcome


def test_a_worker_that_closed_its_request_pipe_never_got_the_request(workers):
    workers.raw("""
if not os.path.exists("second"):
    open("second", "x")
    os.close(4)
    ready()
    time.sleep(600)
ready()
while True:
    number, body = take()
    answer(number, body)
""")
    batch = workers.start("--jobs", "1")
    result = batch.ask(1)
    batch.end()
    assert outcomes([result]) == [SUCCEEDED] and result["attempts"] == 1


def test_a_worker_is_replaced_after_max_requests_once_the_next_one_is_ready(workers):
    # The replacement is held in its start: until it is let go, the old worker answers on.
    workers.publish("""
mark("starts")
if len(open("starts").read()) > 1: wait_for("go")
algo_run.serve(lambda value: os.getpid())
""", "--no-check", "--max-requests", "10", status=0)
    batch = workers.start("--jobs", "1")
    first = [batch.ask(number)["result"] for number in range(40)]
    processes.await_until(lambda: len(workers.marks("starts")) == 2, "a replacement is started")
    first += [batch.ask(number)["result"] for number in range(40)]
    assert len(set(first)) == 1
    workers.go()
    processes.await_until(lambda: batch.ask("next")["result"] != first[0], "the replacement answers")
    processes.await_until(lambda: not processes.is_running(first[0]), "the old worker is gone")
    assert batch.end().status == 0


def test_no_request_is_lost_while_workers_are_replaced_again_and_again(workers):
    workers.apply("time.sleep(0.005)\n" + PID, "--max-requests", "5")
    outcome = workers.batch(range(300), "--jobs", "2", status=0)
    assert set(outcomes(outcome.results)) == {SUCCEEDED} and len(outcome.results) == 300
    assert {result["attempts"] for result in outcome.results} == {1}
    assert len({result["result"] for result in outcome.results}) > 3


def test_a_worker_above_the_memory_limit_is_replaced_after_its_request_which_succeeds(workers):
    workers.apply("if value == 'grow': globals()['kept'] = bytearray(os.urandom(1 << 20) * 200)\n" + PID,
                  "--max-rss", "128MiB")
    batch = workers.start("--jobs", "1")
    first = batch.ask("grow")
    assert outcomes([first]) == [SUCCEEDED]
    processes.await_until(lambda: batch.ask("next")["result"] != first["result"], "the replacement answers")
    outcome = batch.end()
    assert outcome.status == 0 and any("memory" in message for message in outcome.messages), outcome


def test_a_fresh_worker_above_the_memory_limit_is_an_error_and_not_a_loop(workers):
    workers.publish("mark('starts'); kept = bytearray(os.urandom(1 << 20) * 200); algo_run.serve(lambda v: v)\n",
                    "--no-check", "--max-rss", "128MiB", status=0)
    outcome = workers.batch(range(3), "--jobs", "1", status=1)
    assert set(outcomes(outcome.results)) == {("failed_to_start", "memory_limit")}
    assert len(workers.marks("starts")) <= 5


def test_idle_workers_end_but_for_the_last_one(workers):
    workers.apply("mark('at', f'{os.getpid()} ')\n"
                  "while value == 'all' and len(set(open('at').read().split())) < 3: time.sleep(0.002)\n" + PID,
                  "--idle", "200ms")
    batch = workers.start("--jobs", "3")
    for _ in range(3):
        batch.send("all")
    pids = {batch.result()["result"] for _ in range(3)}
    assert len(pids) == 3
    processes.await_until(lambda: sum(map(processes.is_running, pids)) == 1, "two of three have ended")
    assert batch.ask("one")["result"] in pids, "the last one stays"
    assert batch.end().status == 0


def test_at_the_end_a_worker_sees_the_end_of_its_requests_and_cleans_up(workers):
    workers.publish("algo_run.serve(lambda value: value); mark('cleaned')\n", "--no-check", status=0)
    workers.batch([1], "--jobs", "1", status=0)
    assert workers.marks("cleaned") == "x"


def test_a_worker_that_does_not_end_by_itself_is_stopped_after_the_drain(workers):
    workers.publish("algo_run.serve(lambda value: value); mark('stays'); time.sleep(600)\n", "--no-check",
                    "--drain", "100ms", status=0)
    workers.batch([1], "--jobs", "1", "--grace", "100ms", status=0)
    assert workers.marks("stays") == "x"


def test_interrupted_a_batch_lets_running_requests_finish_and_starts_no_other(workers):
    workers.apply("mark('started'); wait_for('go'); return value")
    batch = workers.start("--jobs", "1")
    for number in range(3):
        batch.send(number)
    processes.await_until(lambda: workers.marks("started"), "the first request runs")
    batch.process.send_signal(signal.SIGINT)
    # The following is printed after the signal was taken.
    while b"interrupted" not in processes.read_line(batch.process.stderr.fileno()).encode():
        pass
    workers.go()
    outcome = batch.end()
    assert outcome.status == 130 and outcomes(outcome.results) == [SUCCEEDED] and workers.marks("started") == "x"


def test_no_worker_survives_a_supervisor_that_is_killed(workers):
    workers.apply("mark('started'); time.sleep(600)")
    batch = workers.start("--jobs", "2")
    batch.send(1)
    batch.send(2)
    processes.await_until(lambda: len(workers.marks("started")) == 2, "both requests run")
    batch.process.kill()
    batch.process.wait()
    assert processes.await_none(workers.program.marker) == []
    batch.process.stdin.close()


def test_what_a_request_forks_does_not_survive_the_worker(workers):
    workers.apply("""
for _ in range(50):
    if os.fork() == 0:
        mark("bombs")
        time.sleep(600)
while len(open("bombs").read()) < 50: time.sleep(0.002)
return value
""")
    outcome = workers.batch([1], "--jobs", "1", status=0)
    assert outcomes(outcome.results) == [SUCCEEDED] and len(workers.marks("bombs")) == 50
    assert processes.await_none(workers.program.marker) == []


def test_the_time_limit_ends_what_a_request_forked_as_well(workers):
    workers.apply("""
if value == "bomb":
    for _ in range(50):
        if os.fork() == 0:
            mark("bombs")
            time.sleep(600)
    time.sleep(600)
return value
""")
    batch = workers.start("--jobs", "1", "--timeout", "2s", "--grace", "50ms")
    first, second = batch.ask("bomb"), batch.ask("next")
    assert outcomes([first, second]) == [("timed_out", "time_limit"), SUCCEEDED]
    assert len(workers.running()) == 1
    batch.end()


def test_descriptors_that_a_worker_leaks_do_not_accumulate_in_algo_run(workers):
    # The leak is in the worker alone: each request leaves a copy of its metrics descriptor open.
    workers.apply("os.dup(3); return value")
    batch = workers.start("--jobs", "1", "--max-requests", "0")
    for number in range(100):
        batch.ask(number)
    before = descriptors(batch.process.pid)
    for number in range(100):
        batch.ask(number)
    assert descriptors(batch.process.pid) <= before + 2
    assert batch.end().status == 0


def test_print_of_a_request_is_in_its_own_result_however_much_it_is(workers):
    workers.apply("print(f'request {value} ' + 'x' * 300000 + f' end {value}'); return value")
    outcome = workers.batch(range(10), "--jobs", "2", status=0)
    for result in outcome.results:
        assert result["stderr_tail"].rstrip().endswith(f"end {result['result']}")
