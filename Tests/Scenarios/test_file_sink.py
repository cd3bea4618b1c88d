# SPDX-License-Identifier: Apache-2.0
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


def test_two_hundred_executions_together_are_two_hundred_whole_lines(program, published):
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


def test_long_lines_of_many_together_stay_whole_as_well(program, published):
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
        # While a slow disk syncs a change for longer than an execution waits for, its payload takes another way.
        if outcome.status or any("is locked by another process" not in message for message in outcome.messages):
            problems.append(outcome)
    changer.join()
    assert problems == []


FOREIGN = {
    "a last line without its newline": b"line one\nprecious last line of mine",
    "a JSON array": b"[1,2,3]",
    "a single line": b"one single line",
    "binary data": bytes(range(256)) * 4000 + b"\x00",
    "a payload without its newline": b'{"request_id":"req-whole"}',
    "a payload that a killed writer left torn": b'{"request_id":"req-1"}\n{"request_id":"req-torn","timest',
}


@pytest.mark.parametrize("content", FOREIGN)
def test_no_byte_of_an_existing_file_is_removed_and_each_payload_has_a_line_of_its_own(program, published, content):
    path = program.directory / "precious"
    before = FOREIGN[content]
    path.write_bytes(before)
    program.run("connection", "set", "--type", "file", "--path", path, status=0)
    program.run("connection", "test", status=0)
    assert path.read_bytes() == before, "a test writes nothing"
    (program.directory / "r.ndjson").write_text("1\n2\n")
    program.run("exec", published, "--", "true", status=0)
    program.run("batch", published, "r.ndjson", "-o", "out.ndjson", "--", "true", status=0)
    after = path.read_bytes()
    assert after.startswith(before + b"\n") and after.endswith(b"\n")
    lines = after[len(before) + 1:].splitlines()
    assert len([json.loads(line)["request_id"] for line in lines]) == 3


def test_a_file_that_holds_something_else_is_noted_when_it_is_chosen_and_tested(program):
    path = program.directory / "data.csv"
    path.write_text("a,b\n1,2\n")
    outcome = program.run("connection", "set", "--type", "file", "--path", path, status=0)
    assert any("data.csv holds other data than payloads: line 1" in message for message in outcome.messages), outcome
    tested = program.run("connection", "test", status=0).stdout.decode()
    assert "takes lines; note: " in tested and "line 1 is not a JSON object" in tested
    assert outcome.messages[0].endswith("; choose another --path unless that is meant.")
    outcome = program.run("connection", "set", "--type", "file", "--path", program.directory, status=0)
    assert outcome.messages[0] == (
        f"note: {program.directory} is a directory, and payloads wait in the outbox; name a file in it with --path.")
    path.write_text('{"a":1}\n')
    assert len(program.run("connection", "set", "--type", "file", "--path", path, status=0).messages) == 1
    assert "note" not in program.run("connection", "test", status=0).stdout.decode()


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


@pytest.mark.parametrize("obstacle", ["a directory", "a pipe without a reader", "a link to nowhere", "no permission"])
def test_a_file_that_cannot_be_appended_to_costs_one_line_and_not_the_exit_status(program, published, obstacle):
    path = program.home / "insights.ndjson"
    if obstacle == "a directory":
        path.mkdir()
    elif obstacle == "a pipe without a reader":
        os.mkfifo(path)
    elif obstacle == "a link to nowhere":
        path.symlink_to("/no/such/place/at/all")
    elif os.getuid() == 0:
        path.symlink_to("/proc/version")
    else:
        path.touch(mode=0o400)
    outcome, report = program.report(published, "--", "sh", "-c", "echo ran; exit 7", status=7)
    assert outcome.stdout == b"ran\n"
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
    # A batch tries for as long; its message at the end of that is another sentence.
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
    assert "payloads wait in the outbox: " in told and str(path) in told
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
    assert len([message for message in outcome.messages if "history" not in message]) == 1
    assert len(outcome.messages) <= 2, "and one about the history, whose file is as large"
    assert (program.home / "insights.ndjson").stat().st_size == size, "half a line is taken back"
    outcome = program.run("exec", published, "--", "sh", "-c", "head -c 100000 /dev/zero > big; exit $?", **limit)
    bare = 128 + signal.SIGXFSZ
    assert outcome.status == bare, outcome
