# SPDX-License-Identifier: Apache-2.0
"""An outbox whose file was damaged: it heals by itself, and nothing is lost unsaid or sent again (docs/contract.md 8)."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from harness import listeners, processes
from harness.outboxes import connect, listed
from harness.program import Program

WAITING = 20
PUBLISHED = "asli/credit_card_approval/1.0.0"


@pytest.fixture
def sink(program):
    return program.directory / "sink.ndjson"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home with twenty payloads in its outbox, made once and copied for each test."""
    directory = tmp_path_factory.mktemp("filled")
    program = Program(Path(os.environ["ALGO_RUN"]).resolve(), directory / "home", directory, "filled")
    program.run("publish", "asli/credit_card_approval", "--insights", "--", "true", status=0)
    with listeners.DeadPort() as dead:
        connect(program, f"127.0.0.1:{dead.number}", "--delivery-wait", "0s", "--delivery-window", "1h")
        for number in range(WAITING):
            program.run("exec", PUBLISHED, "--request-id", f"old-{number}", "--", "true", status=0)
        yield program.home


@pytest.fixture
def published():
    return PUBLISHED


@pytest.fixture
def waiting(program, filled):
    """A program with twenty payloads in its outbox."""
    shutil.copytree(filled, program.home)
    return program


def damage(program, fraction, size=2000):
    """Overwrites bytes in the middle of the database, in which all of its log is."""
    path = program.home / "outbox.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * fraction))
        file.write(random.Random(fraction).randbytes(size))


def told_of(outcome):
    return [message for message in outcome.messages if "the outbox was damaged" in message]


def aside(program):
    return [path for path in program.home.glob("outbox.db.corrupt-*") if not path.name.endswith(("-wal", "-shm"))]


def written(sink):
    return [json.loads(line)["request_id"] for line in (sink.read_bytes().splitlines() if sink.exists() else [])]


FRACTIONS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("healer", ["exec", "deliver"])
def test_an_outbox_damaged_anywhere_is_whole_again_after_exec_and_deliver(waiting, published, sink, fraction, healer):
    damage(waiting, fraction)
    # It looks how many wait.
    outcomes = [waiting.run("connection", "set", "--type", "file", "--path", sink, status=0)]
    if healer == "exec":
        outcomes += [waiting.run("exec", published, "--request-id", f"new-{number}", "--", "sh", "-c", "exit 5", status=5)
                    for number in range(2)]
    outcomes.append(waiting.run("outbox", "deliver", status=0))
    keys = written(sink)
    assert len(set(keys)) == len(keys), "delivered twice"
    lost = {f"old-{number}" for number in range(WAITING)} - set(keys)
    kept = [record for record in listed(waiting).values() if record["state"] == "corrupt"]
    if lost:
        # Either the file was set aside, and the line has the number that could not be read, or records were, one by one.
        said = [message for outcome in outcomes for message in outcome.messages]
        assert any("cannot be read" in message or "damaged" in message for message in said), (lost, said)
        # Of the fractions only the first reaches into the root page of the table, behind which SQLite finds no record.
        assert len(lost) <= 10 or fraction == FRACTIONS[0], "one page takes along only what it holds"
    assert sum(len(told_of(outcome)) for outcome in outcomes) == len(aside(waiting)) <= 1
    assert {record["state"] for record in listed(waiting).values()} <= {"corrupt"} and len(kept) <= len(lost)
    assert not (waiting.home / "insights-fallback.ndjson").exists()
    # It is whole: nothing is printed any more, and all that comes now is delivered.
    waiting.run("outbox", "status", status=0)
    outcome = waiting.run("outbox", "deliver", status=0)
    assert outcome.messages == ["0 delivered"]


def test_an_execution_that_cannot_reach_its_broker_stores_its_payload_in_the_healed_outbox(waiting, published):
    damage(waiting, 0.8)
    messages = [message for number in range(2)
                for message in waiting.run("exec", published, "--", "sh", "-c", "exit 5", status=5).messages]
    messages += waiting.run("outbox", "status", status=0).messages
    assert sum("the outbox was damaged" in message for message in messages) == len(aside(waiting))
    assert not any("moves it aside" in message for message in messages)
    assert not (waiting.home / "insights-fallback.ndjson").exists()
    assert len(listed(waiting)) >= WAITING - 10 + 2


@pytest.mark.parametrize("arguments", [["status", "--json"], ["list", "--json"], ["purge", "--all"], ["retry", "--all"]])
@pytest.mark.parametrize("fraction", [0, 0.05, 0.8])
def test_the_process_that_meets_the_damage_repairs_and_reports_it(waiting, arguments, fraction):
    damage(waiting, fraction)
    told = told_of(waiting.run("outbox", *arguments, status=0))
    # Looking at the whole of it, at the latest, meets all of the damage.
    told += told_of(waiting.run("outbox", "status", status=0))
    [file] = aside(waiting)
    assert len(told) == 1 and str(file) in told[0]


def test_an_emptied_outbox_beside_its_log_is_not_taken_for_a_new_one(waiting, published):
    os.truncate(waiting.home / "outbox.db", 0)
    outcome = waiting.run("exec", published, "--", "true", status=0)
    assert len(told_of(outcome)) == 1
    [file] = aside(waiting)
    assert file.with_name(file.name + "-wal").stat().st_size > 0


@pytest.mark.parametrize("call", ["link", "rename", "unlink"])
def test_a_process_killed_while_it_heals_the_outbox_leaves_all_records_to_the_next(waiting, sink, call):
    damage(waiting, 0.95)
    waiting.run("connection", "set", "--type", "file", "--path", sink, status=0)
    kills = 0
    for when in range(1, 100):
        trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                 f"inject={call}:signal=KILL:when={when}"]
        killed = subprocess.run([*trace, waiting.binary, "outbox", "deliver"], env=waiting.environment(), check=False,
                                cwd=waiting.directory, capture_output=True, timeout=processes.LIMIT)
        if killed.returncode == 0:
            break
        kills += 1
    assert kills > 0 and killed.returncode == 0, killed
    keys = set(written(sink))
    # The damage takes along no more than what one page holds.
    assert len({f"old-{number}" for number in range(WAITING)} - keys) <= 10
    assert len(aside(waiting)) == 1
