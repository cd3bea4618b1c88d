# SPDX-License-Identifier: Apache-2.0
"""The parts of tests."""

from harness.program import Program


def test_a_file_of_payloads_that_was_just_made_has_none(tmp_path):
    program = Program("/bin/true", tmp_path, tmp_path, "marker")
    assert program.insights() == []
    (tmp_path / "insights.ndjson").touch()
    assert program.insights() == []
    (tmp_path / "insights.ndjson").write_bytes(b"{}\n{}\n")
    assert program.insights() == [b"{}", b"{}"]
