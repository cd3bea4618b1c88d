# SPDX-License-Identifier: Apache-2.0
"""Memory and descriptors do not grow with the number of requests (docs/contract.md 9 and 11)."""

import subprocess

import pytest

from harness import processes
from harness.batches import Batches, peak_memory, sha256

pytestmark = [pytest.mark.slow, pytest.mark.soak]

# With this number all threads, buffers and arenas of a batch exist; of 300, some runs lacked 1.2 MiB.
FEW = 3_000
# Data kept for each request would be more than this: its digest alone has 32 bytes.
BYTES_A_REQUEST = 48


@pytest.fixture
def batches(program):
    return Batches(program, insights=True)


def memory_of(batches, files, count, *options, command=("true",)):
    """The peak memory in KiB once all of `files` is done; standard input holds the batch open until then."""
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


def assert_no_growth(peaks):
    """Peaks in KiB by number of requests."""
    (few, before), (many, after) = sorted(peaks.items())
    assert (after - before) * 1024 <= (many - few) * BYTES_A_REQUEST, peaks


@pytest.fixture
def many(request):
    return request.config.getoption("requests")


@pytest.mark.parametrize("options", [[], ["--keep-order"]])
def test_the_memory_of_a_batch_does_not_grow_with_its_requests(batches, many, options):
    peaks = {}
    for count in (FEW, many):
        batches.write("r.ndjson", [f"{number}" for number in range(count)])
        peaks[count] = memory_of(batches, ["r.ndjson"], count, *options)
    assert_no_growth(peaks)


def test_the_memory_of_a_batch_does_not_grow_with_requests_that_cannot_run(batches, many):
    peaks = {}
    for count in (FEW, many):
        batches.write("r.ndjson", ["no envelope"] * count)
        peaks[count] = memory_of(batches, ["r.ndjson"], count, "--envelope")
    assert_no_growth(peaks)


def test_the_memory_of_a_resume_does_not_grow_with_what_is_done(batches, many):
    def result(number):
        return (f'{{"index":{number},"source":"r.ndjson:{number + 1}","input_sha256":"{sha256(str(number))}",'
                f'"request_id":"req-{number}","algorithm":"demo/echo/1.0.0","outcome":"succeeded","exit_code":0,'
                f'"result":"ok"}}')
    peaks = {}
    for count in (FEW, many):
        batches.write("r.ndjson", [f"{number}" for number in range(count)])
        batches.write("out.ndjson", [result(number) for number in range(count)])
        peaks[count] = memory_of(batches, ["r.ndjson"], count, "--resume")
        assert len(batches.payloads()) == len(peaks), "only the extra request has run"
    assert_no_growth(peaks)
