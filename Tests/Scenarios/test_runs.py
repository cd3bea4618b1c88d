# SPDX-License-Identifier: Apache-2.0
"""The history as `runs` shows it."""

import json
import statistics

import pytest

from harness import schemas, terminal


@pytest.fixture
def history(program):
    """Two versions: ten executions of 1.0.0 with metrics, one of them failed, and one of 1.1.0 without any."""
    program.run("publish", "demo/iris", "--", "true", status=0)
    program.run("publish", "demo/iris", "--bump", "minor", "--", "true", status=0)
    for number in range(1, 11):
        code = 1 if number == 4 else 0
        program.run("exec", "demo/iris/1.0.0", "--request-id", f"req-{number}", "--", "sh", "-c",
                    f'echo \'{{"score":{number}.50,"only \\"odd\\"":1}}\' >&3; exit {code}' if number % 2 else
                    f'echo \'{{"score":{number}.50}}\' >&3; exit {code}', status=code)
    program.run("exec", "demo/iris", "--request-id", "req-new", status=0)
    return program


def listed(program, *arguments):
    outcome = program.run("runs", "--json", *arguments, status=0)
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_executions_are_listed_newest_first_and_numbers_stay_as_written(history):
    outcome = history.run("runs", "--json", status=0)
    lines = outcome.stdout.decode().splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["req-new"] + [f"req-{n}" for n in range(10, 0, -1)]
    assert '"score":9.50' in lines[2]
    for line in lines:
        schemas.validate("run", json.loads(line))


def test_options_select_executions(history):
    assert [run["request_id"] for run in listed(history, "demo/iris/1.1")] == ["req-new"]
    assert [run["request_id"] for run in listed(history, "--outcome", "failed,timed_out")] == ["req-4"]
    assert len(listed(history, "--metric", 'only "odd"')) == 5
    assert len(listed(history, "--limit", "3")) == 3
    assert len(listed(history, "--since", "1h")) == 11
    assert listed(history, "--until", "1h") == []
    moment = listed(history, "--limit", "20")[4]["timestamp"]
    assert len(listed(history, "--since", moment)) == 5
    assert len(listed(history, "--until", moment)) == 6
    assert listed(history, "demo/other") == []


def test_a_value_that_cannot_be_meant_is_refused(history):
    for arguments in [["--since", "yesterday"], ["--outcome", "lost"], ["--limit", "-1"], ["no-reference"]]:
        assert history.run("runs", *arguments).status == 64


def test_the_table_names_outcomes_and_shows_a_metric_of_choice(history):
    table = history.run("runs", "--metric", "score", "--outcome", "failed", status=0).stdout.decode().splitlines()
    assert table[0].split() == ["STARTED", "REQUEST", "VERSION", "OUTCOME", "DURATION", "DELIVERY", "score"]
    assert table[1].split()[1:5] == ["req-4", "demo/iris/1.0.0", "failed", "1"]
    assert table[1].endswith("4.50")


def test_show_prints_all_of_one_execution_or_fails(history):
    shown = history.run("runs", "show", "req-3", status=0).stdout.decode()
    rows = dict(line.split("  ", 1) for line in shown.splitlines())
    assert rows["outcome"].strip() == "succeeded"
    assert rows["metric score"].strip() == "3.50"
    outcome = history.run("runs", "show", "req-none", status=1)
    assert outcome.stdout == b"" and "req-none" in outcome.messages[0]


def test_show_takes_the_beginning_of_an_id_as_a_narrow_table_prints_it(history):
    history.run("exec", "demo/iris/1.0.0", "--request-id", "ticket-16-a", "--", "true", status=0)
    history.run("exec", "demo/iris/1.0.0", "--request-id", "ticket-17-b", "--", "true", status=0)
    shown = history.run("runs", "show", "ticket-17", "--json", status=0).stdout
    assert json.loads(shown)["request_id"] == "ticket-17-b"
    outcome = history.run("runs", "show", "ticket", status=1)
    assert outcome.messages == ['more than one request ID begins with "ticket"; give more of it.']


def test_show_lists_every_execution_of_an_id_that_was_used_again(history):
    history.run("exec", "demo/iris/1.0.0", "--request-id", "req-3", "--", "sh", "-c", "exit 9", status=9)
    lines = history.run("runs", "show", "req-3", "--json", status=0).stdout.splitlines()
    assert [json.loads(line)["exit_code"] for line in lines] == [9, 0]


def test_stats_equal_those_of_the_values(history):
    lines = history.run("runs", "stats", "demo/iris", "--json", status=0).stdout.splitlines()
    blocks = {block["algorithm"]: block for block in map(json.loads, lines)}
    assert list(blocks) == ["demo/iris/1.0.0", "demo/iris/1.1.0"]
    block = blocks["demo/iris/1.0.0"]
    assert block["executions"] == 10 and block["outcomes"] == {"succeeded": 9, "failed": 1}
    metrics = {metric["name"]: metric for metric in block["metrics"]}
    values = [number + 0.5 for number in range(1, 11)]
    score = metrics["score"]
    assert (score["n"], score["reported"], score["min"], score["max"]) == (10, 1.0, 1.5, 10.5)
    assert score["mean"] == pytest.approx(statistics.mean(values), rel=1e-12)
    assert score["sd"] == pytest.approx(statistics.stdev(values), rel=1e-12)
    assert (score["p5"], score["p50"], score["p95"]) == pytest.approx((1.95, 6.0, 10.05), rel=1e-12)
    assert metrics['only "odd"']["reported"] == 0.5 and "sd" in metrics['only "odd"']
    assert metrics["@duration"]["n"] == 10


def on_terminal(history, columns, *arguments):
    command = ["sh", "-c", 'stty cols "$1"; shift; exec "$0" "$@"', str(history.binary), str(columns), *arguments]
    with terminal.Terminal(command, history.environment(), history.directory) as session:
        assert session.end() == 0
    return session.shown.decode().splitlines()


@pytest.mark.parametrize("columns", [50, 64, 80, 120, 250])
def test_the_table_is_not_wider_than_the_terminal(history, columns):
    history.run("exec", "demo/iris/1.0.0", "--request-id", "r" * 200, "--", "no-such-program", status=127)
    lines = on_terminal(history, columns, "runs")
    assert max(map(len, lines)) <= columns and len(lines) == 13
    assert any(" score=9" in line for line in lines)
    assert {"REQUEST", "OUTCOME", "METRICS"} <= set(lines[0].split())


@pytest.mark.parametrize("columns", [40, 64, 80, 200])
def test_stats_are_not_wider_than_the_terminal(history, columns):
    name = "share of the customers that were approved at the first attempt"
    history.run("exec", "demo/iris/1.0.0", "--", "sh", "-c", f"echo '{{\"{name}\":0.123456}}' >&3", status=0)
    (_, headline, *rows) = on_terminal(history, columns, "runs", "stats", "demo/iris/1.0.0")
    assert max(map(len, [headline, *rows])) <= columns
    assert {"METRIC", "MEAN", "P50"} <= set(headline.split())
    assert any(row.startswith(name[:14]) for row in rows) and any(row.startswith("score ") for row in rows)
    assert ("OVER TIME" in headline and any(name[:39] in row for row in rows)) == (columns == 200)


def test_names_of_metrics_with_u_0000_are_whole(history):
    history.run("exec", "demo/iris", "--", "sh", "-c", "echo '{\"a\\u0000b\":1,\"a\":2}' >&3", status=0)
    stats = json.loads(history.run("runs", "stats", "demo/iris/1.1.0", "--json", status=0).stdout)
    assert [metric["name"] for metric in stats["metrics"]][:2] == ["a\0b", "a"]

    def schema(store):
        return history.run("runs", "schema", "demo/iris/1.1.0", "--for", store, status=0).stdout.decode()

    fields = [field["field"] for field in json.loads(schema("connect"))["fields"]]
    assert fields[-2:] == ["a\0b", "a"]
    assert "`a\\x00b` Nullable(Float64)" in schema("clickhouse")
    assert '"a\\u0000b", "a"' in schema("telegraf")
    assert "\0" not in schema("postgresql") and '"a" float8' in schema("postgresql")
    assert "-- 1 metric(s) are left out: " in schema("postgresql")


def test_schemas_hold_characters_beyond_the_first_plane_and_long_names(history):
    (history.directory / "line").write_text(json.dumps({"\U0001f600": 1, "x" * 63: 2, "x" * 64: 3, "\u00e9" * 32: 4}))
    history.run("exec", "demo/iris", "--", "sh", "-c", "cat line >&3", status=0)

    def schema(store):
        return history.run("runs", "schema", "demo/iris/1.1.0", "--for", store, status=0).stdout.decode()

    # TOML has no surrogates.
    assert '"\U0001f600", "' in schema("telegraf") and "\\u" not in schema("telegraf")
    # PostgreSQL would cut the long ones, and the first of them to the name before.
    assert f'"{"x" * 63}" float8' in schema("postgresql") and "x" * 64 not in schema("postgresql")
    assert "-- 2 metric(s) are left out: " in schema("postgresql") and "\u00e9" * 32 not in schema("postgresql")


def test_schemas_name_the_metrics_that_were_reported(history):
    def schema(store):
        return history.run("runs", "schema", "demo/iris", "--for", store, status=0).stdout.decode()

    fields = {field["field"]: field for field in json.loads(schema("connect"))["fields"]}
    assert fields['only "odd"'] == {"field": 'only "odd"', "type": "double", "optional": True}
    assert not fields["request_id"]["optional"]
    assert '"only ""odd""" float8' in schema("postgresql")
    assert '`only "odd"` Nullable(Float64)' in schema("clickhouse")
    assert '"only \\"odd\\""' in schema("telegraf")
    assert history.run("runs", "schema", "demo/iris").status == 64
    assert history.run("runs", "schema", "demo/none", "--for", "connect").status == 1


def test_a_home_without_a_history_prints_nothing_and_is_not_made(program, home):
    outcome = program.run("runs", status=0)
    assert outcome.stdout == b"" and str(home) in outcome.messages[0]
    assert not home.exists()
