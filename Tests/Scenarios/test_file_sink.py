"""With no connection, payloads are appended to HOME/insights.ndjson: whole lines, whatever happens (docs/contract.md 8)."""

import json
import os
import resource
import signal
import threading

import pytest

from harness import processes
from harness import schemas


def test_each_execution_appends_one_line(program, published):
    for count in range(1, 4):
        program.stream(b'{"n":%d}' % count, ref=published)
        assert [json.loads(line)["n"] for line in program.insights()] == list(range(1, count + 1))


def test_two_hundred_executions_at_once_are_two_hundred_whole_lines(program, published):
    started = [
        program.start("exec", published, "--", "sh", "-c", 'echo "{\\"n\\":$0}" >&3', str(number))
        for number in range(200)]
    outcomes = [program.finish(process) for process in started]
    assert {(outcome.status, outcome.stderr) for outcome in outcomes} == {(0, b"")}
    payloads = [json.loads(line) for line in program.insights()]
    assert sorted(payload["n"] for payload in payloads) == list(range(200))
    assert len({payload["request_id"] for payload in payloads}) == 200
    for payload in payloads:
        schemas.validate("payload", payload)


def test_long_lines_of_many_at_once_stay_whole_as_well(program, published):
    (program.directory / "big").write_bytes(b'{"a":0.' + b"1" * 25_000 + b"}")
    started = [program.start("exec", published, "--", "sh", "-c", "cat big >&3") for _ in range(40)]
    assert {program.finish(process).status for process in started} == {0}
    assert len([json.loads(line) for line in program.insights()]) == 40


def test_executions_run_while_others_publish_and_switch(program, published):
    problems = []

    def change():
        for _ in range(10):
            for arguments in (["publish", "asli/credit_card_approval", "--", "true"], ["insights", "off", published],
                              ["insights", "on", published]):
                outcome = program.run(*arguments)
                if outcome.status:
                    problems.append(outcome)
    changer = threading.Thread(target=change)
    changer.start()
    for _ in range(60):
        outcome = program.run("exec", published, "--", "true")
        if (outcome.status, outcome.stderr) != (0, b""):
            problems.append(outcome)
    changer.join()
    assert problems == []


def test_a_line_that_a_killed_writer_left_torn_is_cut_off(program, published):
    program.run("exec", published, "--", "true", status=0)
    path = program.home / "insights.ndjson"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"request_id":"req-torn","timest')
    program.run("exec", published, "--", "true", status=0)
    content = path.read_bytes()
    assert content.startswith(whole) and len(program.insights()) == 2
    assert [json.loads(line) for line in program.insights()]


def test_a_file_that_was_moved_away_is_begun_anew(program, published):
    program.run("exec", published, "--", "true", status=0)
    os.rename(program.home / "insights.ndjson", program.home / "insights.1")
    program.run("exec", published, "--", "true", status=0)
    assert len(program.insights()) == 1


def test_killed_at_any_moment_executions_leave_whole_lines_only(program, published):
    import random
    import time
    randomness = random.Random(8)
    for _ in range(40):
        process = program.start("exec", published, "--", "true")
        time.sleep(randomness.uniform(0, 0.015))
        process.kill()
        process.wait()
    program.run("exec", published, "--", "true", status=0)
    assert [json.loads(line) for line in program.insights()]


@pytest.mark.parametrize("obstacle", ["a directory", "a pipe that nobody reads", "a link to nowhere", "no permission"])
def test_a_file_that_cannot_be_appended_to_costs_one_line_and_not_the_exit_status(program, published, obstacle):
    path = program.home / "insights.ndjson"
    if obstacle == "a directory":
        path.mkdir()
    elif obstacle == "a pipe that nobody reads":
        os.mkfifo(path)
    elif obstacle == "a link to nowhere":
        path.symlink_to("/no/such/place/at/all")
    elif os.getuid() == 0:
        path.symlink_to("/proc/version")
    else:
        path.touch(mode=0o400)
    outcome, report = program.report(published, "--", "sh", "-c", "echo ran; exit 7", status=7)
    assert outcome.stdout == b"ran\n"
    if obstacle == "a pipe that nobody reads":
        # Its opening for reading and writing succeeds; that nobody will ever read it cannot be seen.
        assert len(outcome.messages) <= 1
    else:
        assert len(outcome.messages) == 1 and len(outcome.stderr.splitlines()) == 1
        assert report["delivery"]["state"] == "queued" and "insights.ndjson" in outcome.messages[0]
        # It is kept for a later deliverer.
        kept = b"".join(file.read_bytes() for file in program.home.glob("outbox.db*"))
        assert report["request_id"].encode() in kept


OBSTACLES = {
    "a device that is full": (lambda path: path.symlink_to("/dev/full"), "no space left"),
    "a directory": (lambda path: path.mkdir(), "is a directory; move it away"),
    "its directory is missing": (lambda path: path.symlink_to("/no/such/place/at/all"), "make it"),
}


@pytest.mark.parametrize("with_outbox", [True, False])
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_file_that_cannot_be_written_is_named_with_what_to_do(program, published, obstacle, with_outbox):
    # A batch tries for as long; what it says at the end of that is another sentence.
    program.run("connection", "set", "--type", "file", "--delivery-window", "1s", status=0)
    make, words = OBSTACLES[obstacle]
    path = program.home / "insights.ndjson"
    make(path)
    if not with_outbox:
        # Nor can anything else be made there.
        for name in ("outbox.db", "outbox.lock", "insights-fallback.ndjson"):
            (program.home / name).mkdir()
    (program.directory / "r.ndjson").write_text("x\n")
    for arguments in (["exec", published, "--", "true"],
                      ["batch", published, "r.ndjson", "--output", "/dev/null", "--", "true"]):
        outcome = program.run(*arguments, status=0)
        [message] = [message for message in outcome.messages
                     if "insights.ndjson" in message and "have expired" not in message]
        assert str(path) in message and words in message
        assert ("outbox" in message) and ("lost" in message) == (not with_outbox), message
        assert ".new-" not in message, "what is named is what users know"


def test_a_service_that_waits_for_a_file_speaks_of_no_broker(program, published):
    path = program.home / "insights.ndjson"
    path.mkdir()
    program.run("exec", published, "--", "true", status=0)
    service = program.start("outbox", "deliver", "--follow")
    told = ""
    while "is a directory" not in told:
        told = processes.read_line(service.stderr.fileno())
    assert "nothing can be written for now" in told and str(path) in told
    path.rmdir()
    while "the file can be written again" not in told:
        told = processes.read_line(service.stderr.fileno())
    service.terminate()
    assert b"broker" not in program.finish(service).stderr
    assert len(program.insights()) == 1


def test_a_file_size_limit_costs_one_line_and_the_child_still_has_the_limit(program, published):
    for _ in range(4):
        program.run("exec", published, "--", "true", status=0)
    size = (program.home / "insights.ndjson").stat().st_size
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))}
    outcome = program.run("exec", published, "--", "sh", "-c", "exit 7", status=7, **limit)
    assert len(outcome.messages) == 1
    assert (program.home / "insights.ndjson").stat().st_size == size, "half a line is taken back"
    outcome = program.run("exec", published, "--", "sh", "-c", "head -c 100000 /dev/zero > big; exit $?", **limit)
    bare = 128 + signal.SIGXFSZ
    assert outcome.status == bare, outcome
