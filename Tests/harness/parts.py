# SPDX-License-Identifier: Apache-2.0
"""Parts of the test suite: how each is run, and how its tests are counted.

A part that ends badly, or reports no number, counts as a failure of its own, so that a sum can never look better than
what ran.
"""

import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as XML
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(
    r"^(?P<name>\w+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?$")
NOT_RUN = re.compile(r"^not run: .*$", re.MULTILINE)
#: A line that names a failed test: of pytest's summary, or of Swift Testing.
FAILED = re.compile(r"^(?:FAILED|ERROR) .*$|^✘ Test .* recorded an issue .*$", re.MULTILINE)


class Part:
    """One part of the suite: its name, its command, and where its numbers are read."""

    printing = threading.Lock()

    def __init__(self, name, command, count, environment={}):
        self.name, self.command, self.count, self.environment = name, command, count, environment
        self.passed = self.failed = self.skipped = 0
        self.notes = []
        self.begun = self.seconds = None

    def run(self, live):
        """Runs it to its end. Its output is shown as it comes if it is `live`, else in one piece at its end."""
        self.begun = time.monotonic()
        heading = f"\n== {self.name}: {shlex.join(self.command)}\n"
        if live:
            print(heading, end="", flush=True)
        output = bytearray()
        try:
            process = subprocess.Popen(self.command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, env={**os.environ, **self.environment})
        except OSError as problem:
            self.seconds = 0
            return self.fail(f"it cannot be started: {problem}")
        while piece := process.stdout.read1(65536):
            if live:
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
            output += piece
        status = process.wait()
        text = output.decode(errors="replace")
        try:
            self.passed, self.failed, self.skipped = self.count(text.splitlines())
        except Exception as problem:
            self.fail(f"its numbers cannot be read: {problem}")
        if status != 0 and self.failed == 0:
            self.fail(f"it ended with status {status} though no test of it failed")
        self.notes += NOT_RUN.findall(text)
        if self.failed:
            # Without a name, its last words have to do.
            self.notes += [line[:300] for line in FAILED.findall(text)[:20] or text.splitlines()[-12:]]
        self.seconds = time.monotonic() - self.begun
        if not live:
            with self.printing:
                print(heading + text, flush=True)

    def fail(self, note):
        self.failed += 1
        self.notes.append(note)


def count_junit(path):
    """The numbers of a JUnit file."""

    def count(_):
        suites = list(XML.parse(path).getroot().iter("testsuite"))
        tests, failures, errors, skipped = (
            sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped"))
        if not tests:
            raise ValueError("it ran no test")
        return tests - failures - errors - skipped, failures + errors, skipped
    return count


def count_summary(lines):
    """The last line "N passed, N failed", or the sum of those with a name before them: "python: N passed, N failed"."""
    found = [match for match in map(SUMMARY.match, lines) if match]
    if not found:
        raise ValueError("it did not close with a line 'N passed, N failed'")
    if not found[-1]["name"]:
        found = found[-1:]
    return tuple(sum(int(match[key] or 0) for match in found) for key in ("passed", "failed", "skipped"))


#: Lanes at once. More would starve each other on a small machine, and a starved test may fail where nothing is wrong.
LANES = 4


def side_by_side(lanes, live):
    """Runs LANES lanes at the same time, the first ones first; the parts of a lane one after the other."""

    def run(lane):
        for part in lane:
            part.run(live)

    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        left = {pool.submit(run, lane) for lane in lanes}
        while left:
            done, left = concurrent.futures.wait(left, timeout=60, return_when=concurrent.futures.FIRST_COMPLETED)
            for lane in done:
                lane.result()
            if not done:
                # A silent hour looks like a hanging one.
                running = [part for lane in lanes for part in lane if part.begun and part.seconds is None]
                with Part.printing:
                    print("running: " + ", ".join(f"{part.name} ({time.monotonic() - part.begun:.0f} s)" for part in running),
                          flush=True)


def sum_up(parts):
    """Prints a line for each part; gives the sums of what passed, failed and was skipped."""
    print()
    for part in parts:
        print(f"{part.name:18} {part.passed:5} passed {part.failed:4} failed {part.skipped:4} skipped {part.seconds:6.0f} s")
        for note in part.notes:
            print(f"{'':18} {note}")
    return tuple(sum(getattr(part, key) for part in parts) for key in ("passed", "failed", "skipped"))
