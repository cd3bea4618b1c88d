# SPDX-License-Identifier: Apache-2.0
"""`runs --from`: executions of payload files, reports and batch results, as the history shows its own."""

import json

from harness import schemas


def listed(program, *arguments, **options):
    outcome = program.run("runs", "--json", *arguments, status=0, **options)
    runs = [json.loads(line) for line in outcome.stdout.splitlines()]
    for run in runs:
        schemas.validate("run", run)
    return runs, outcome.messages


def test_the_results_of_a_batch_read_as_the_history_of_the_same_executions(program, published):
    results = program.directory / "results.ndjson"
    program.run("batch", published, "-", "-q", "-o", results, "--", "sh", "-c",
                'read line; echo "{\\"score\\":0.50,\\"q\\\\\\"x\\":1}" >&3; exit $line', input=b"0\n3\n", status=1)
    read, _ = listed(program, "--from", results)
    kept, _ = listed(program)
    assert [run["outcome"] for run in read] and {run["outcome"] for run in read} == {"succeeded", "failed"}
    assert read == kept
    assert 'q"x' in read[0]["metrics"]


def test_payloads_read_with_the_members_they_have(program, published, home):
    program.run("exec", published, "--request-id", "req-1", "--", "sh", "-c",
                'echo "{\\"score\\":0.50,\\"attempts\\":7}" >&3; exit 3', status=3)
    payloads = home / "insights.ndjson"
    (run,), _ = listed(program, published, "--from", payloads)
    assert (run["request_id"], run["algorithm"], run["outcome"]) == ("req-1", published, None)
    assert run["metrics"] == {"score": 0.5, "attempts": 7} and run["attempts"] is None
    assert listed(program, "--from", payloads, "--outcome", "failed")[0] == []
    stats = json.loads(program.run("runs", "stats", published, "--from", payloads, "--json", status=0).stdout)
    assert stats["outcomes"] == {"unknown": 1}
    # Sent twice, read once.
    payloads.write_bytes(payloads.read_bytes() * 2)
    assert len(listed(program, "--from", payloads)[0]) == 1


def test_a_report_several_sources_and_stdin_are_read_together(program, published):
    _, report = program.report(published, "--request-id", "req-1", "--", "true", status=0)
    report_file = program.directory / "report.json"
    program.run("exec", published, "--request-id", "req-2", "--report", program.directory / "second.json", "--", "true",
                status=0)
    runs, _ = listed(program, "--from", report_file, "--from", "-", input=(program.directory / "second.json").read_bytes())
    assert [run["request_id"] for run in runs] == ["req-2", "req-1"]


def test_lines_that_are_not_executions_are_counted_and_a_file_that_cannot_be_read_is_an_error(program):
    broken = program.directory / "broken.ndjson"
    broken.write_text('{"request_id":"req-1"\nnonsense\n\n{"no":"execution"}\n')
    runs, messages = listed(program, "--from", broken)
    assert runs == [] and any(message.startswith("3 line(s)") for message in messages)
    outcome = program.run("runs", "--from", program.directory / "none", status=1)
    assert len(outcome.messages) == 1 and "none" in outcome.messages[0]
    assert "topic" in program.run("runs", "--from", "topic", status=1).messages[0]


def test_a_file_of_many_executions_is_read_whole(program):
    many = program.directory / "many.ndjson"
    line = ('{"request_id":"req-%d","timestamp":"2026-01-01T00:00:00.%06dZ","duration_milliseconds":1,"algorithm_owner":'
            '"o","algorithm_name":"a","algorithm_version":"1.0.0","score":%d}\n')
    many.write_text("".join(line % (number, number, number) for number in range(20_000)))
    stats = json.loads(program.run("runs", "stats", "o/a", "--from", many, "--json", status=0).stdout)
    (score, _) = stats["metrics"]
    assert (stats["executions"], score["n"], score["min"], score["max"]) == (20_000, 20_000, 0, 19_999)
    assert score["p50"] == 9_999.5
