# SPDX-License-Identifier: Apache-2.0
"""The history of a home: every execution of a version is in it, whatever ends algo-run, and it never disturbs a run."""

import json
import os
import signal
import sqlite3

import pytest

from harness import processes
from harness.mounts import mounted


def runs(program, *arguments, **options):
    """The executions that `runs --json` lists, newest first."""
    outcome = program.run("runs", "--json", *arguments, status=0, **options)
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def segments(home):
    return sorted((home / "history").glob("*.journal"))


def test_every_execution_of_a_version_is_a_row(program, published):
    program.run("exec", published, "--", "true", status=0)
    program.run("exec", published, "--", "sh", "-c", "exit 3", status=3)
    program.run("exec", published, "--timeout", "50ms", "--grace", "0s", "--", "sleep", "60", status=124)
    program.run("exec", published, "--", "no-such-program", status=127)
    program.run("exec", "--", "true", status=0)
    rows = runs(program)
    assert [row["outcome"] for row in rows] == ["failed_to_start", "timed_out", "failed", "succeeded"]
    assert rows[2]["exit_code"] == 3
    assert {row["algorithm"] for row in rows} == {published}
    assert [row["delivery"]["state"] for row in rows] == ["insights_off", "written", "written", "written"]
    assert all(row["input_sha256"] is None and "payload" not in row for row in rows)


def test_a_version_with_insights_off_is_in_the_history_as_well(program):
    program.run("publish", "demo/quiet", "--", "true", status=0)
    program.run("exec", "demo/quiet", status=0)
    assert [row["delivery"]["state"] for row in runs(program, "demo/quiet")] == ["insights_off"]


def test_a_batch_writes_one_row_a_request_with_the_hash_of_its_input(program, published):
    lines = b"".join(b'{"n":%d}\n' % number for number in range(5))
    results = program.run("batch", published, "-", "-q", "--retries", "1", "--retry-delay", "1ms", "--", "sh", "-c",
                          'read line; echo "{\\"n\\":1}" >&3; case "$line" in *4*) exit 1;; esac', input=lines, status=1)
    expected = {row["request_id"]: row for row in map(json.loads, results.stdout.splitlines())}
    rows = runs(program)
    assert {row["request_id"] for row in rows} == set(expected) and len(rows) == 5
    for row in rows:
        result = expected[row["request_id"]]
        assert row["input_sha256"] == result["input_sha256"]
        assert row["attempts"] == result["attempts"] and row["metrics"] == result["metrics"] == {"n": 1}


@pytest.mark.parametrize("off", [{"env": {"ALGO_RUN_HISTORY": "off"}}, {"flag": ["--no-history"]}])
def test_the_history_can_be_switched_off(program, published, home, off):
    program.run("exec", published, *off.get("flag", []), "--", "true", env=off.get("env"), status=0)
    program.run("batch", published, "-", "-q", *off.get("flag", []), "--", "true", env=off.get("env"), input=b"1\n",
                status=0)
    assert not (home / "history").exists()
    assert runs(program) == []


def test_the_line_is_written_before_the_wait_for_the_broker(program, published, home, unreachable):
    """Killed while it waits for an acknowledgement, `exec` leaves its row and its payload."""
    program.run("connection", "set", "--type", "plaintext", "--brokers", unreachable, "--topic", "t", "--delivery-wait",
                "1h", status=0)
    process = program.start("exec", published, "--request-id", "req-waits", "--", "true")
    processes.await_until(lambda: segments(home) and segments(home)[0].stat().st_size > 0, "no line in the journal")
    process.kill()
    process.wait()
    (row,) = runs(program)
    assert (row["request_id"], row["outcome"], row["delivery"]["state"]) == ("req-waits", "succeeded", "queued")
    program.run("outbox", "purge", "--state", "pending", status=0)
    assert runs(program)[0]["delivery"]["state"] == "purged"


def test_processes_killed_anywhere_leave_no_wrong_and_no_double_row(program, published, home, chance):
    """Writers and importers are killed at random; each execution that was reported complete is there once."""
    known = set()
    for turn in range(12):
        writer = program.start("batch", published, "-", "-q", "--jobs", "2", "--", "sh", "-c",
                               'echo "{\\"n\\":1}" >&3', stdin=-1)
        reader = program.start("runs", "--json", "--limit", "100000")
        writer.stdin.write(b"".join(b"%d\n" % (turn * 1000 + number) for number in range(300)))
        writer.stdin.flush()
        seen = [json.loads(writer.stdout.readline())["request_id"] for _ in range(chance.randrange(1, 30))]
        known.update(seen)
        reader.send_signal(signal.SIGKILL) if chance.random() < 0.5 else None
        writer.kill()
        writer.wait()
        program.finish(reader)
    rows = runs(program, "--limit", "100000")
    ids = [row["request_id"] for row in rows]
    assert len(ids) == len(set(ids))
    assert known <= set(ids)
    assert all(row["metrics"] == {"n": 1} for row in rows if row["outcome"] == "succeeded")


def test_importers_at_the_same_time_insert_each_line_once(program, published):
    program.run("batch", published, "-", "-q", "--", "true", input=b"".join(b"%d\n" % n for n in range(400)), status=0)
    readers = [program.start("runs", "--json", "--limit", "1000") for _ in range(6)]
    outcomes = [program.finish(reader) for reader in readers]
    for outcome in outcomes:
        assert outcome.status == 0 and len(outcome.stdout.splitlines()) == 400, repr(outcome)
    assert len(runs(program, "--limit", "1000")) == 400


def test_a_broken_line_is_set_aside_and_reported(program, published, home):
    for _ in range(2):
        program.run("exec", published, "--", "true", status=0)
    (segment,) = segments(home)
    content = segment.read_bytes()
    segment.write_bytes(content[:200] + b"X" + content[201:] + b"\n1234")
    outcome = program.run("runs", "--json", status=0)
    assert len(outcome.stdout.splitlines()) == 1
    assert any("2 line(s)" in message for message in outcome.messages)
    assert not segments(home)


def test_a_locked_database_delays_nothing_and_hides_nothing(program, published, home):
    program.run("exec", published, "--request-id", "req-1", "--", "true", status=0)
    assert len(runs(program)) == 1
    with sqlite3.connect(home / "history.db", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        program.run("exec", published, "--request-id", "req-2", "--", "true", status=0)
        outcome = program.run("runs", "--json", status=0)
        assert [json.loads(line)["request_id"] for line in outcome.stdout.splitlines()] == ["req-2", "req-1"]
        assert len(outcome.messages) == 1 and "locked" in outcome.messages[0]
        holder.execute("ROLLBACK")
    assert [row["request_id"] for row in runs(program)] == ["req-2", "req-1"]


def test_a_database_of_a_newer_algo_run_costs_one_line_and_the_journal_is_read(program, published, home):
    with sqlite3.connect(home / "history.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    program.run("exec", published, "--request-id", "req-1", "--", "true", status=0)
    outcome = program.run("runs", "--json", status=0)
    assert [json.loads(line)["request_id"] for line in outcome.stdout.splitlines()] == ["req-1"]
    assert len(outcome.messages) == 1 and outcome.messages[0].endswith("install the newer algo-run.")


def test_a_read_only_home_is_answered_from_what_is_there(program, published):
    status, stdout, _ = mounted(program, """
        "$A" publish demo/x --insights -- true >/dev/null 2>&1
        "$A" exec demo/x --request-id req-1 && "$A" runs > /dev/null
        "$A" exec demo/x --request-id req-2
        mount -o remount,ro "$HERE" || exit 9
        "$A" exec demo/x --request-id req-3 2> err; echo "exec $?"
        grep -c 'missing in the history' err
        "$A" runs --json
    """, size="16m")
    lines = stdout.splitlines()
    assert status == 0, stdout
    assert lines[:2] == ["exec 0", "1"]
    assert [json.loads(line)["request_id"] for line in lines[2:]] == ["req-2", "req-1"]


def test_a_full_disk_costs_one_line_and_no_execution(program):
    status, stdout, messages = mounted(program, """
        "$A" publish demo/x -- true >/dev/null 2>&1
        "$A" exec demo/x --request-id req-1
        cat /dev/zero > "$HERE/fill" 2>/dev/null
        "$A" exec demo/x --request-id req-2; echo "exec $?"
        printf '1\\n2\\n' | "$A" batch demo/x - -q -o /dev/null; echo "batch $?"
        rm "$HERE/fill"
        "$A" exec demo/x --request-id req-3
        "$A" runs --json
    """, size="256k")
    lines = stdout.splitlines()
    assert status == 0, stdout
    assert lines[:2] == ["exec 0", "batch 0"]
    assert sum("missing in the history" in message for message in messages) <= 2
    ids = [json.loads(line)["request_id"] for line in lines[2:]]
    assert {"req-1", "req-3"} <= set(ids) and len(ids) == len(set(ids))


def test_a_home_that_cannot_hold_a_history_never_changes_the_exit_status(program, published, home):
    (home / "history").write_text("not a directory")
    outcome = program.run("exec", published, "--", "sh", "-c", "exit 7", status=7)
    assert sum("history" in message for message in outcome.messages) == 1
    os.remove(home / "history")


def test_the_journal_and_the_database_are_private(program, published, home):
    old = os.umask(0)
    try:
        program.run("exec", published, "--", "true", status=0)
        modes = [home / "history", *segments(home)]
        assert [path.stat().st_mode & 0o777 for path in modes] == [0o700, 0o600]
        runs(program)
    finally:
        os.umask(old)
    assert (home / "history.db").stat().st_mode & 0o777 == 0o600


def test_an_execution_with_names_too_long_for_a_line_of_the_journal_is_a_row_all_the_same(program, published):
    stream = "".join(json.dumps({chr(1) * 990 + chr(97 + number): 1}) + "\n" for number in range(25))
    stream += "".join(json.dumps({chr(2) * 200 + str(number): "x"}) + "\n" for number in range(40))
    outcome, report = program.stream(stream.encode(), ref=published, status=0)
    (row,) = runs(program)
    assert len(report["metrics"]) == 25
    assert len(row["metrics"]) + row["metrics_left_out"] == 25 and row["metrics"]
    assert row["rejection_counts"] == {"not_a_number": 40}


def test_the_history_keeps_the_first_rejections_and_counts_the_others(program, published):
    stream = "".join(json.dumps({f"{'n' * 300}{number}": "x"}) + "\n" for number in range(30)) + "nonsense\n"
    program.stream(stream.encode(), ref=published, status=0)
    (row,) = runs(program)
    assert len(row["rejected_metrics"]) == 20 and len(row["rejected_metrics"][0]["name"]) == 128
    assert row["rejection_counts"] == {"not_a_number": 30, "malformed_line": 1}


def test_a_payload_format_names_the_versions_whose_metrics_it_rejects(program):
    for name, metrics in [("demo/a", '{"outcome":1,"attempts":2,"score":3}'), ("demo/b", '{"score":1}'),
                          ("demo/c", '{"session_id":1}')]:
        program.run("publish", name, "--", "sh", "-c", f"echo '{metrics}' >&3", status=0)
        program.run("exec", name, status=0)
    program.run("exec", "demo/a", status=0)
    set_format = ["connection", "set", "--type", "file", "--payload-format"]
    notes = {form: [line for line in program.run(*set_format, form, status=0).messages if line.startswith("note: ")]
             for form in ("standard", "extended", "legacy")}
    assert {form: len(lines) for form, lines in notes.items()} == {"standard": 0, "extended": 1, "legacy": 1}
    assert "demo/a/1.0.0 reported attempts, outcome;" in notes["extended"][0]
    assert "demo/c/1.0.0 reported session_id;" in notes["legacy"][0]
