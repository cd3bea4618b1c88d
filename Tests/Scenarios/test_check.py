# SPDX-License-Identifier: Apache-2.0
"""`check` judges a stream as an execution would (docs/contract.md 3)."""

import json

import pytest

from harness.program import read_json

STREAMS = {
    "empty": b"", "one": b'{"a":1}', "mixed": b'{"a":0.10,"":1,"s":"x"}\n[]\n{"n":NaN,"timestamp":2,"b":-0}\n',
    "26": b"".join(b'{"m%d":%d}\n' % (i, i) for i in range(26)), "too large": b'{"%s":1}\n{"a":2}' % (b"x" * 25_600),
    "long line": b"x" * 65_537 + b'\n{"a":1}', "too long": b'{"a":1}\n' + b"\n" * 1_048_576,
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_it_reports_for_a_stream_what_an_execution_reports(program, name):
    stream = STREAMS[name]
    _, report = program.stream(stream)
    checked = program.run("check", "--json", input=stream)
    result = read_json(checked.stdout)
    assert result["metrics"] == report["metrics"] and list(result["metrics"]) == list(report["metrics"])
    assert result["rejected_metrics"] == report["rejected_metrics"]
    assert checked.status == (1 if report["rejected_metrics"] else 0)


def test_it_counts_bytes_used_and_left(program):
    result = json.loads(program.run("check", "--json", input='{"\u00e9":0.10,"ab":1}'.encode(), status=0).stdout)
    assert (result["bytes_used"], result["bytes_left"]) == (2 + 4 + 2 + 1, 25_600 - 9)
    table = program.run("check", input='{"\u00e9":0.10,"ab":1}'.encode(), status=0).stdout.decode()
    assert "9 bytes used, 25591 left" in table and "2 accepted, 0 rejected" in table


def test_it_reads_a_file_or_stdin(program):
    (program.directory / "metrics.ndjson").write_bytes(b'{"a":1}\n')
    for arguments, given in [(["metrics.ndjson"], b""), ([], b'{"a":1}\n'), (["-"], b'{"a":1}\n')]:
        result = json.loads(program.run("check", "--json", *arguments, input=given, status=0).stdout)
        assert result["metrics"] == {"a": 1}
    outcome = program.run("check", "no-such-file")
    assert outcome.status not in (0, 64) and len(outcome.messages) == 1 and "no-such-file" in outcome.messages[0]


def test_the_table_shows_each_rejection_with_its_reason(program):
    outcome = program.run("check", input=STREAMS["mixed"], status=1)
    shown = outcome.stdout.decode()
    for reason in ("empty_name", "not_a_number", "malformed_line", "not_finite", "reserved_name"):
        assert reason in shown
    assert "0.10" in shown and "-0" in shown


def test_it_shows_nothing_that_drives_the_terminal(program):
    outcome = program.run("check", input=b'{"\\u001b[31m":1,"\\u009b":"x"}\n\x1b]0;x\x07\n', status=1)
    assert all(character == "\n" or character.isprintable() for character in outcome.stdout.decode())


FURTHER = {
    "legacy": ["time", "session_id"],
    "extended": ["outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds",
                 "max_rss_bytes", "queue_milliseconds"],
}


@pytest.mark.parametrize("reserving", FURTHER)
@pytest.mark.parametrize("chosen", ["standard", "legacy", "extended"])
def test_a_format_rejects_its_own_operational_names_and_the_others_warn_of_them(program, chosen, reserving):
    names = FURTHER[reserving]
    stream = json.dumps({name: 1 for name in [*names, "good"]}).encode()
    options = ["--payload-format", chosen]
    result = json.loads(program.run("check", "--json", *options, input=stream).stdout)
    shown = program.run("check", *options, input=stream).stdout.decode()
    if chosen == reserving:
        assert [(r["name"], r["reason"]) for r in result["rejected_metrics"]] == [(n, "reserved_name") for n in names]
        assert all(chosen in rejection["detail"] for rejection in result["rejected_metrics"])
        assert result["warnings"] == [] and list(result["metrics"]) == ["good"]
    else:
        assert result["rejected_metrics"] == [] and list(result["metrics"]) == [*names, "good"]
        assert [warning["name"] for warning in result["warnings"]] == names
        assert all(f"--payload-format {reserving}" in warning["detail"] for warning in result["warnings"])
        assert shown.count(f"is rejected with --payload-format {reserving}") == len(names)


def test_it_warns_of_names_that_some_stores_cannot_hold(program):
    stream = json.dumps({name: 1 for name in ["a.b:c-d_9", "9lives", "two words", "caf\u00e9"]}).encode()
    result = json.loads(program.run("check", "--json", input=stream, status=0).stdout)
    assert [warning["name"] for warning in result["warnings"]] == ["9lives", "two words", "caf\u00e9"]
    shown = program.run("check", input=stream, status=0).stdout.decode()
    assert 'warning: metric "two words" cannot be stored everywhere' in shown


def test_it_touches_no_home(program):
    program.run("check", input=b"{}", status=0)
    assert not program.home.exists()
