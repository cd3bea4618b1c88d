# SPDX-License-Identifier: Apache-2.0
"""Results are where the user asked for them, or the batch reports it and ends with 125 (docs/contract.md 9)."""

import os
import resource
import stat
import tempfile

import pytest

from harness import processes
from harness.batches import Batches, await_lines, parse


@pytest.fixture
def batches(program):
    return Batches(program)


def delete(path):
    path.unlink()


def replace(path):
    other = path.with_name("other")
    other.write_text("of another program\n")
    other.rename(path)


def move(path):
    path.rename(path.with_name("moved"))


def truncate(path):
    os.truncate(path, 0)


HARM = {
    delete: "was deleted or replaced while the batch ran, and the results in it are lost",
    replace: "was deleted or replaced while the batch ran, and the results in it are lost",
    move: "was moved or replaced while the batch ran, so it does not hold the results",
    truncate: "was truncated while the batch ran, and results in it are lost",
}

# The second request ends once the test allows it.
WAIT = ["sh", "-c", 'read -r n; [ "$n" != 2 ] || until [ -e go ]; do sleep 0.01; done']


@pytest.mark.parametrize("harm", HARM)
def test_results_that_are_gone_while_the_batch_runs_end_it(batches, harm):
    batches.write("r.ndjson", ["1", "2", *["3"] * 50])
    out = batches.directory / "out.ndjson"
    process = batches.start("r.ndjson", "-o", out, "-j", "1", command=WAIT)
    await_lines(out, 1)
    harm(out)
    (batches.directory / "go").touch()
    outcome = batches.program.finish(process)
    assert outcome.status == 125
    assert f"{out} {HARM[harm]}" in outcome.messages[-1], outcome
    if harm is replace:
        assert out.read_text() == "of another program\n"


@pytest.mark.parametrize("harm", HARM)
def test_results_that_are_gone_after_the_last_one_was_written_are_noticed(program, harm):
    batches = Batches(program, insights=True)
    program.run("connection", "set", "--type", "file", "--path", program.directory / "no" / "sink",
                "--delivery-window", "2s", status=0)
    batches.write("r.ndjson", ["1", "2"])
    out = batches.directory / "out.ndjson"
    process = batches.start("r.ndjson", "-o", out)
    # All results are written; what is left is the delivery of the payloads.
    while "no request runs any more" not in processes.read_line(process.stderr.fileno()):
        pass
    harm(out)
    outcome = program.finish(process)
    assert outcome.status == 125 and HARM[harm] in outcome.messages[-1], outcome


def test_an_output_that_never_had_a_name_loses_none(batches):
    batches.write("r.ndjson", ["1", "2"])
    with tempfile.TemporaryFile(dir=batches.directory) as file:
        batches.run("r.ndjson", "-o", f"/dev/fd/{file.fileno()}", pass_fds=[file.fileno()], status=0)
        file.seek(0)
        assert len(parse(file.read())) == 2
        batches.run("r.ndjson", stdout=file, status=0)


def test_results_that_the_disk_refuses_end_the_batch_and_resume_completes_them(batches):
    batches.write("r.ndjson", [f"{number}" for number in range(400)])
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))}
    outcome = batches.run("r.ndjson", "-o", "out.ndjson", status=125, **limit)
    told = "cannot write results to out.ndjson: File too large; make room and run again with --resume"
    assert told in outcome.messages[-1]
    assert 0 < len(batches.results("out.ndjson")) < 400, "only whole lines are left"
    batches.run("r.ndjson", "-o", "out.ndjson", "--resume", status=0)
    assert sorted(result["index"] for result in batches.results("out.ndjson")) == list(range(400))


def test_a_full_device_is_a_failure(batches):
    batches.write("r.ndjson", ["1"])
    outcome = batches.run("r.ndjson", "-o", "/dev/full", status=125)
    assert "cannot write results to /dev/full: No space left on device" in outcome.messages[-1]
    with open("/dev/full", "wb") as full:
        outcome = batches.start("r.ndjson", "-q", stdout=full)
        message = outcome.communicate()[1].decode()
    assert outcome.returncode == 125 and "results to standard output: No space left" in message and "--output FILE" in message


def fail_one(batches):
    """An output with a failed result, so that a resume replaces the file."""
    batches.write("r.ndjson", ["1", "2"])
    batches.run("r.ndjson", "-o", "out.ndjson", command=["sh", "-c", "read n; [ $n = 1 ]"], status=1)
    return batches.directory / "out.ndjson"


def test_a_resume_keeps_owner_group_and_permissions_of_the_results(batches):
    out = fail_one(batches)
    # Another user's, where the tests may choose it.
    owner = (12345, 54321) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(out, *owner)
    out.chmod(0o640)
    before = out.stat()
    batches.run("r.ndjson", "-o", "out.ndjson", "--resume", status=0)
    after = out.stat()
    assert after.st_ino != before.st_ino, "the file was not replaced"
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (*owner, 0o640)


def test_a_resume_that_is_killed_leaves_no_file_beside_the_results(batches):
    out = fail_one(batches)
    # Results of another version are copied: long enough for a moment to be hit in.
    line = out.read_bytes().splitlines()[0].replace(b"demo/echo/1.0.0", b"demo/echo/0.0.1")
    with open(out, "ab") as file:
        file.write((line + b"\n") * 30_000)
    before = out.read_bytes()
    process = batches.start("r.ndjson", "-o", "out.ndjson", "--resume")
    draft = batches.directory / ".out.ndjson.algo-run-resuming"

    def is_copying():
        links = processes.open_files(process.pid)
        return draft.exists() or any(link.startswith(f"{batches.directory}/") and "(deleted)" in link
                                     for link in links) or process.poll() is not None
    processes.await_until(is_copying, "the results are copied")
    process.kill()
    batches.program.finish(process)
    assert out.read_bytes() == before
    assert not draft.exists() or not has_unnamed_files(batches.directory)
    batches.run("r.ndjson", "-o", "out.ndjson", "--resume", status=0)
    assert not draft.exists()


def has_unnamed_files(directory):
    try:
        os.close(os.open(directory, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        return False
    return True
