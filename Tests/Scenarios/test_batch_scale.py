"""Memory and descriptors do not grow with the number of requests (docs/contract.md 9 and 11)."""

import os
import subprocess

import pytest

from harness import processes
from harness.batches import Batches, peak_memory, sha256

# The million of the contract is run by `make bench`; this many show growth as well and take a minute or two.
MANY = int(os.environ.get("SCENARIO_REQUESTS", "30000"))


@pytest.fixture
def batches(program):
    return Batches(program, insights=True)


def memory_of(batches, files, count, *options, command=("true",)):
    """The peak memory in KiB once all of `files` is done; standard input holds the batch open meanwhile."""
    out = batches.directory / "out.ndjson"
    if "--resume" not in options:
        out.unlink(missing_ok=True)
    process = batches.start(
        *files, "-", "--output", out, "--quiet", *options, command=command, stdin=subprocess.PIPE)
    # An extra request: its result comes after all others have been taken.
    process.stdin.write(b"last\n")
    process.stdin.flush()
    lines = LineCount(out)
    processes.await_until(lambda: lines.now() >= count + 1, f"{count} results", 1800)
    memory = peak_memory(process.pid)
    batches.program.finish(process)
    return memory


class LineCount:
    """Counts the lines of a file that grows, each byte once."""

    def __init__(self, path):
        self.path, self.offset, self.count = path, 0, 0

    def now(self):
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                for piece in iter(lambda: file.read(1 << 20), b""):
                    self.count += piece.count(b"\n")
                    self.offset += len(piece)
        return self.count


@pytest.mark.parametrize("options", [[], ["--keep-order"]])
def test_many_requests_take_the_memory_of_ten(batches, options):
    batches.write("few.ndjson", [f"{number}" for number in range(10)])
    batches.write("many.ndjson", [f"{number}" for number in range(MANY)])
    few = memory_of(batches, ["few.ndjson"], 10, *options)
    many = memory_of(batches, ["many.ndjson"], MANY, *options)
    assert many <= few * 1.1, f"{few} KiB for 10, {many} KiB for {MANY}"


def test_a_million_requests_that_cannot_run_take_the_memory_of_ten(batches):
    batches.write("few.ndjson", [""] * 10)
    batches.write("many.ndjson", [""] * 1_000_000)
    few = memory_of(batches, ["few.ndjson"], 10)
    many = memory_of(batches, ["many.ndjson"], 1_000_000)
    assert many <= few * 1.1, f"{few} KiB for 10, {many} KiB for a million"


def test_resuming_hundreds_of_thousands_takes_the_memory_of_resuming_ten(batches):
    def result(number):
        return (f'{{"index":{number},"source":"r.ndjson:{number + 1}","input_sha256":"{sha256(str(number))}",'
                f'"request_id":"req-{number}","algorithm":"demo/echo/1.0.0","outcome":"succeeded","exit_code":0,'
                f'"result":"ok"}}')
    peaks = {}
    for count in (10, 300_000):
        batches.write("r.ndjson", [f"{number}" for number in range(count)])
        batches.write("out.ndjson", [result(number) for number in range(count)])
        peaks[count] = memory_of(batches, ["r.ndjson"], count, "--resume")
        assert len(batches.payloads()) == len(peaks), "only the extra request has run"
    assert peaks[300_000] <= peaks[10] * 1.1, peaks
