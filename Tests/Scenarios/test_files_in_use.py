# SPDX-License-Identifier: Apache-2.0
"""No command writes over a file that it or algo-run needs for something else (docs/contract.md 4, 8, 9)."""

import json
import os

import pytest

from harness.batches import Batches
from harness.program import PYTHON

OWN = ["state.db", "outbox.db", "outbox.db-wal", "outbox.lock", "insights-fallback.ndjson", "ca.pem"]


@pytest.fixture
def batches(program):
    batches = Batches(program, insights=True)
    batches.write("r.ndjson", ["1", "2"])
    return batches


def spellings(program, path):
    """The same file by name, by a path with a detour, and by a link."""
    link = program.directory / f"link-to-{path.name}"
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return [path, path.parent / "." / ".." / path.parent.name / path.name, link]


@pytest.mark.parametrize("name", OWN)
def test_the_homes_own_files_are_never_written_over(batches, name):
    path = batches.program.home / name
    before = path.read_bytes() if path.exists() else None
    for spelling in spellings(batches.program, path):
        for arguments in (["exec", "--report", spelling, "--", "touch", "ran"],
                          ["exec", batches.ref, "--report", spelling, "--", "touch", "ran"],
                          ["batch", batches.ref, "r.ndjson", "-o", spelling, "--overwrite", "--", "touch", "ran"],
                          ["batch", batches.ref, "r.ndjson", "--summary", spelling, "--", "touch", "ran"],
                          ["connection", "set", "--type", "file", "--path", spelling]):
            # A link to nowhere is another name until its file is there.
            if spelling.is_symlink() and not path.exists():
                continue
            outcome = batches.program.run(*arguments, status=64)
            assert "algo-run's own state; choose another file" in outcome.messages[0], outcome
    assert (path.read_bytes() if path.exists() else None) == before
    assert not (batches.directory / "ran").exists()
    batches.program.run("exec", batches.ref, "--report", batches.program.home / "report.json", status=0)


@pytest.mark.parametrize("is_set", [False, True])
def test_results_and_reports_never_go_to_the_file_of_the_payloads(batches, is_set):
    sink = batches.program.home / "insights.ndjson"
    if is_set:
        sink = batches.directory / "sink"
        batches.program.run("connection", "set", "--type", "file", "--path", sink, status=0)
    for exists in (False, True):
        if exists:
            sink.write_text("{}\n")
        for spelling in spellings(batches.program, sink) if exists else [sink]:
            for arguments in (["exec", batches.ref, "--report", spelling, "--", "touch", "ran"],
                              ["batch", batches.ref, "r.ndjson", "-o", spelling, "--", "touch", "ran"],
                              ["batch", batches.ref, "r.ndjson", "-o", spelling, "--overwrite", "--", "touch", "ran"],
                              ["batch", batches.ref, "r.ndjson", "--summary", spelling, "--", "touch", "ran"]):
                outcome = batches.program.run(*arguments, status=64)
                assert "the file that payloads are appended to; choose another" in outcome.messages[0], outcome
    with open(sink, "ab") as file:
        outcome = batches.program.run("batch", batches.ref, "r.ndjson", "--", "touch", "ran", stdout=file, status=64)
    assert "standard output goes into the file that payloads are appended to" in outcome.messages[0]
    assert sink.read_text() == "{}\n" and not (batches.directory / "ran").exists()


def test_an_execution_never_appends_its_payload_to_its_own_input(batches):
    sink = batches.directory / "sink"
    sink.write_text("{}\n")
    batches.program.run("connection", "set", "--type", "file", "--path", sink, status=0)
    for spelling in spellings(batches.program, sink):
        outcome = batches.program.run("exec", batches.ref, "--input", spelling, "--", "touch", "ran", status=64)
        assert "payloads of this version are appended to the input" in outcome.messages[0]
    assert sink.read_text() == "{}\n" and not (batches.directory / "ran").exists()
    # Without payloads it is a file like any other.
    batches.program.run("insights", "off", f"{batches.ref}/1.0.0", status=0)
    assert batches.program.run("exec", batches.ref, "--input", sink, "--", "cat", status=0).stdout == b"{}\n"


def test_a_report_never_replaces_the_program_that_it_reports_on(program):
    script = program.directory / "me.sh"
    script.write_text("#!/bin/sh\ntouch ran\n")
    script.chmod(0o755)
    os.link(script, program.directory / "hard")
    for report in ("me.sh", "./me.sh", script, "hard"):
        for command in ("./me.sh", script, "./hard"):
            outcome = program.run("exec", "--report", report, "--", command, status=64)
            assert "--report would write over the program" in outcome.messages[0]
    program.run("publish", "o/a", "--directory", program.directory, "--", "./me.sh", status=0)
    program.run("exec", "o/a", "--report", script, cwd="/", status=64)
    assert script.read_text().startswith("#!/bin/sh") and not (program.directory / "ran").exists()
    program.run("exec", "o/a", "--report", "report.json", status=0)


def test_a_program_that_is_open_for_writing_is_not_called_unexecutable(program):
    script = program.directory / "me.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with open(script, "ab"):
        outcome = program.run("exec", "--", "./me.sh", status=126)
    assert "a process has it open for writing" in outcome.messages[0] and "chmod" not in outcome.messages[0]


def test_reports_and_payloads_of_one_home_do_not_mix(program, published):
    """The refusals leave what is meant alone."""
    report = program.home / "report.json"
    program.run("exec", published, "--report", report, "--", PYTHON, "-c", "", status=0)
    assert json.loads(report.read_bytes())["delivery"] == {"state": "written"}
