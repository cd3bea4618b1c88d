# SPDX-License-Identifier: Apache-2.0
"""An import of the journal that does not get far, because its process was stopped or its thread is starved.

A library that is loaded before stops the importing process, or holds its thread, at one chosen call. Readers have each
execution once all the same, or report what they lack, and the import does no harm when it continues.
"""

import json
import shutil
import signal
import sqlite3
import subprocess
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import processes
from harness.server import Server

STOPS = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* STOP_CALL, the STOP_COUNTth time on a file whose name ends with STOP_FILE: the process stops, or, if there is a STOP_UNTIL,
   the calling thread waits until that file exists. */
static void at(const char *call, int descriptor, const char *path) {
  static atomic_int count;
  const char *wanted = getenv("STOP_CALL"), *file = getenv("STOP_FILE"), *until = getenv("STOP_UNTIL");
  char link[64] = "/proc/self/fd/", name[4096];
  if (!wanted || strcmp(wanted, call) != 0) return;
  if (path) {
    strncpy(name, path, sizeof name - 1);
    name[sizeof name - 1] = 0;
  } else {
    char digits[16];
    int length = 0, place = strlen(link);
    do digits[length++] = '0' + descriptor % 10; while (descriptor /= 10);
    while (length) link[place++] = digits[--length];
    link[place] = 0;
    ssize_t bytes = readlink(link, name, sizeof name - 1);
    name[bytes < 0 ? 0 : bytes] = 0;
  }
  size_t all = strlen(name), end = strlen(file);
  if (all < end || strcmp(name + all - end, file) != 0) return;
  if (atomic_fetch_add(&count, 1) + 1 != atoi(getenv("STOP_COUNT"))) return;
  /* The signal of a thread stops it before its next step; one of the process may reach another thread first. */
  if (!until) syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGSTOP);
  struct timespec moment = {.tv_nsec = 2000000};
  while (until && access(until, F_OK) != 0) syscall(SYS_nanosleep, &moment, NULL);
}

static ssize_t read_at(int file, void *bytes, size_t length, off_t offset) {
  at("read", file, NULL);
  return syscall(SYS_pread64, file, bytes, length, offset);
}
ssize_t pread(int file, void *bytes, size_t length, off_t offset) { return read_at(file, bytes, length, offset); }
ssize_t pread64(int file, void *bytes, size_t length, off64_t offset) { return read_at(file, bytes, length, offset); }

static ssize_t write_at(int file, const void *bytes, size_t length, off_t offset) {
  ssize_t written = syscall(SYS_pwrite64, file, bytes, length, offset);
  at("write", file, NULL);
  return written;
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { return write_at(file, bytes, length, offset); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
  return write_at(file, bytes, length, offset);
}

int flock(int file, int operation) {
  int result = syscall(SYS_flock, file, operation);
  if (result == 0 && operation & LOCK_EX) at("lock", file, NULL);
  return result;
}

int unlink(const char *path) {
  at("unlink", -1, path);
  return syscall(SYS_unlink, path);
}

/* An import that gives way pauses before each transaction. */
int nanosleep(const struct timespec *time, struct timespec *rest) {
  if (sched_getscheduler(0) == SCHED_IDLE) at("pause", -1, "");
  return syscall(SYS_nanosleep, time, rest);
}
"""


@pytest.fixture
def stops(program):
    """The variables that stop a process at a call; see the library."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    library, source = program.directory / "stops.so", program.directory / "stops.c"
    source.write_text(STOPS)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)

    def variables(call, file="", count=1, until=None):
        return {"LD_PRELOAD": str(library), "STOP_CALL": call, "STOP_FILE": file, "STOP_COUNT": str(count),
                "STOP_UNTIL": str(until) if until else None}
    return variables


class Journal:
    """Segments as processes leave them, and the request IDs of their lines."""

    def __init__(self, home):
        self.directory = home / "history"
        self.ids = []

    @property
    def segments(self):
        return sorted(self.directory.glob("*.journal"))

    def lines(self, count, padding):
        lines = []
        for _ in range(count):
            self.ids.append(f"req-{len(self.ids)}")
            text = json.dumps({
                "request_id": self.ids[-1], "algorithm": "demo/x/1.0.0", "outcome": "succeeded",
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "padding": "x" * padding, "metrics": {},
                "delivery": {"state": "insights_off"}}).encode()
            lines.append(b"\n%08x %b\n" % (zlib.crc32(text), text))
        return b"".join(lines)

    def add_segments(self, count, lines):
        """Segments behind those that were added before. A process that opens the journal appends to the last one."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(count):
            (self.directory / f"{len(self.ids):017}-0.journal").write_bytes(self.lines(lines, 1000))

    def fill(self, segment):
        """Fills a segment, so that the next line of the process that writes to it begins another one."""
        with open(segment, "ab", buffering=0) as file:
            while file.tell() < 8 << 20:
                file.write(self.lines(1, 60_000))


def listed(outcome):
    return [json.loads(line)["request_id"] for line in outcome.stdout.splitlines()]


def stored(home):
    """The request IDs in the database, and how many executions it counts."""
    with sqlite3.connect(home / "history.db", timeout=60) as database:
        ids = [row[0] for row in database.execute("SELECT request_id FROM execution")]
        return ids, database.execute("SELECT sum(executions) FROM algorithm").fetchone()[0]


NOTHING_IS_HELD = []
IT_IS_READ_BESIDE = ["executions are read without importing them"]
READERS_ARE_KEPT_OUT = [*IT_IS_READ_BESIDE, "its executions are missing here"]


@pytest.mark.parametrize(("call", "file", "count", "messages"), [
    pytest.param("pause", "", 3, NOTHING_IS_HELD, id="between transactions"),
    pytest.param("read", ".journal", 20, IT_IS_READ_BESIDE, id="at a line"),
    pytest.param("write", "history.db-wal", 1000, IT_IS_READ_BESIDE, id="in a transaction"),
    pytest.param("lock", ".journal", 1, NOTHING_IS_HELD, id="at the end of a segment"),
    pytest.param("unlink", ".journal", 2, NOTHING_IS_HELD, id="before a segment is removed"),
    pytest.param("write", "history.db", 1, NOTHING_IS_HELD, id="while the log is moved"),
    pytest.param("unlink", "history.db-wal", 1, READERS_ARE_KEPT_OUT, id="while the database is closed"),
])
def test_a_reader_has_each_execution_once_though_the_importer_is_stopped(program, home, stops, call, file, count, messages):
    program.run("publish", "demo/x", "--", "true", status=0)
    journal = Journal(home)
    journal.add_segments(3, 1500)
    with Server(program, env=stops(call, file, count)) as server, ThreadPoolExecutor() as threads:
        answer = threads.submit(server.call, "demo/x")
        processes.await_until(lambda: processes.find(server.process.pid).state == "T", "the server stops")
        program.run("exec", "demo/x", "--request-id", "req-exec", status=0)
        outcome = program.run("runs", "--json", "--limit", "100000", status=0)
        assert len(outcome.messages) == len(messages) and all(map(str.__contains__, outcome.messages, messages)), outcome
        ids = listed(outcome)
        assert len(ids) == len(set(ids)) and "req-exec" in ids
        if messages != READERS_ARE_KEPT_OUT:
            assert set(journal.ids) < set(ids) and len(ids) == len(journal.ids) + 2

        server.process.send_signal(signal.SIGCONT)
        answer.result()
        processes.await_until(lambda: len(journal.segments) == 1, "the journal is imported")
        server.call("demo/x")
        assert server.stop() == 0
    outcome = program.run("runs", "--json", "--limit", "100000", status=0)
    ids = listed(outcome)
    assert outcome.messages == []
    assert len(ids) == len(set(ids)) == len(journal.ids) + 3 and set(journal.ids) < set(ids)
    assert sorted(stored(home)[0]) == sorted(ids) and stored(home)[1] == len(ids)
    assert journal.segments == []


def test_a_server_takes_over_from_its_own_import_before_too_much_waits(program, home, stops):
    program.run("publish", "demo/x", "--", "true", status=0)
    journal, until = Journal(home), program.directory / "until"
    journal.add_segments(2, 10)
    with Server(program, env=stops("pause", count=3, until=until)) as server:
        server.call("demo/x")
        # The thread is held once it has imported the first segment.
        processes.await_until(lambda: (home / "history.db").exists() and stored(home)[0], "the import begins")
        own = journal.segments[-1]
        journal.add_segments(8, 10)
        journal.fill(own)
        server.call("demo/x")
        processes.await_until(lambda: len(journal.segments) == 1, "another import takes over")
        until.touch()
        assert server.stop() == 0
    ids = listed(program.run("runs", "--json", "--limit", "100000", status=0))
    assert len(ids) == len(set(ids)) == len(journal.ids) + 2 and set(journal.ids) < set(ids)
    assert stored(home)[1] == len(ids)
