# SPDX-License-Identifier: Apache-2.0
"""`compare` judges whether two sides differ: verdicts, gates and the exit status (docs/compare.md)."""

import json
import random
from pathlib import Path

import pytest

from harness import samples, schemas
from harness.program import PYTHON


@pytest.fixture
def compare(program):
    """Compares two lists of lines; gives the object of --json, with the outcome in `.outcome` of the returned pair."""

    def run(a, b, *options, status=None):
        files = [samples.write(program.directory / name, lines) for name, lines in (("a", a), ("b", b))]
        outcome = program.run("compare", "--from", files[0], "--from", files[1], "--json", *options, status=status)
        found = json.loads(outcome.stdout)
        schemas.validate("comparison", found)
        assert found["exit_status"] == outcome.status
        return outcome, found

    return run


def normal(seed, count, mean=0.0, name="score", **rest):
    chance = random.Random(seed)
    return [samples.payload(i, **{name: chance.gauss(mean, 1)}, **rest) for i in range(count)]


def verdicts(found):
    return {metric["name"]: metric["verdict"] for metric in found["metrics"]}


def test_equal_distributions_are_the_same_and_exit_with_0(compare):
    _, found = compare(normal(1, 1000), normal(2, 1000), status=0)
    assert verdicts(found) == {"score": "same"}


def test_a_shift_is_drift_and_exits_with_1(compare):
    _, found = compare(normal(1, 300), normal(2, 300, mean=0.5), status=1)
    metric, = found["metrics"]
    assert metric["verdict"] == "drift" and metric["p_holm"] < 0.01 and metric["d"] >= 0.1
    assert metric["mean_difference_low"] < 0.5 < metric["mean_difference_high"]
    assert f"{metric['d']:.3g}"[:4] in metric["explanation"]


def test_too_few_executions_exit_with_3_or_as_requested(compare):
    for options, status in [([], 3), (["--if-unknown", "pass"], 0), (["--if-unknown", "fail"], 1)]:
        _, found = compare(normal(1, 29), normal(2, 300), *options, status=status)
        assert verdicts(found) == {"score": "insufficient"}
    compare(normal(1, 29), normal(1, 29), "--min-samples", "20", status=0)


def test_a_large_difference_of_few_executions_is_inconclusive_with_the_number_needed(compare):
    _, found = compare(normal(1, 40), normal(2, 40, mean=0.4), status=0)
    metric, = found["metrics"]
    assert metric["verdict"] == "inconclusive" and metric["needed"] > 40
    assert f"{metric['needed']:,}" in metric["explanation"]


def test_a_class_that_is_dropped_is_found(compare):
    a = [samples.payload(i, predicted_class=i % 3, classes=3) for i in range(150)]
    b = [samples.payload(i, predicted_class=min(i % 3, 1), classes=3) for i in range(150)]
    _, found = compare(a, b, status=1)
    assert verdicts(found) == {"predicted_class": "drift", "classes": "constant"}
    assert found["metrics"][0]["method"] == "chi_squared"
    assert found["metrics"][0]["total_variation"] == pytest.approx(1 / 3)


def test_metrics_of_one_side_warn_fail_or_are_ignored(compare):
    a, b = normal(1, 60, old=1), normal(1, 60, new=1)
    outcome, found = compare(a, b, status=0)
    assert verdicts(found) == {"score": "same", "old": "removed", "new": "added"}
    assert len(outcome.messages) == 2 and "--on-removed" in outcome.messages[0] and "--on-added" in outcome.messages[1]
    outcome, _ = compare(a, b, "--on-added", "ignore", "--on-removed", "ignore", status=0)
    assert outcome.messages == []
    compare(a, b, "--on-added", "fail", status=1)
    compare(a, b, "--on-removed", "fail", status=1)
    _, found = compare(a, b, "--ignore", "old", "--ignore", "new", status=0)
    assert verdicts(found) == {"score": "same"}


def test_another_share_of_reporting_executions_is_rate_changed(compare):
    a = normal(1, 300)
    b = normal(2, 200) + [samples.payload(i) for i in range(200, 300)]
    _, found = compare(a, b, status=1)
    metric, = found["metrics"]
    assert metric["verdict"] == "rate_changed" and metric["share_b"] == pytest.approx(2 / 3)


def test_gates_are_judged_beside_the_verdicts(compare):
    a, b = normal(1, 100), normal(2, 100)
    gates = {"score:ks<0.5": "kept", "score:mean+-0.0001": "broken", "@duration:p95<+20%": "kept", "none:ks<1": "unknown"}
    options = [word for gate in gates for word in ("--gate", gate)]
    outcome, found = compare(a, b, *options, status=1)
    assert {gate["gate"]: gate["outcome"] for gate in found["gates"]} == gates
    assert any("none:ks<1" in message and "check the metric's name" in message for message in outcome.messages)
    compare(a, b, "--gate", "score:ks<0.5", status=0)
    # A gate that can be judged is a judgement, even if no metric has one.
    compare(normal(1, 5), normal(2, 5), "--gate", "@duration:mean<1000", status=0)


def test_a_gate_on_a_metric_that_is_ignored_names_the_option(compare):
    a, b = normal(1, 100, other=1), normal(2, 100, other=2)
    outcome, found = compare(a, b, "--ignore", "other", "--gate", "other:mean<5", status=0)
    assert found["gates"][0]["outcome"] == "unknown"
    assert outcome.messages == [
        'gate "other:mean<5" could not be judged: --ignore leaves that metric out; leave out one of the two.']


def test_figures_of_the_supervisor_are_shown_and_not_judged(compare):
    a = [samples.result(i, i) for i in range(100)]
    b = [{**samples.result(i, i + 1000), "duration_milliseconds": 500, "max_rss_bytes": None} for i in range(100)]
    _, found = compare(a, b, status=3)
    assert [figure["name"] for figure in found["shown_only"]] == ["@duration", "@cpu", "@failed"]
    assert all("verdict" not in figure for figure in found["shown_only"])
    compare(a, b, "--gate", "@duration:p95<+20%", status=1)


def test_versions_and_periods_are_found_in_all_files(program):
    lines = [*normal(1, 60, version="1.0.6"), *normal(2, 60, mean=3, version="1.2.0"), *normal(3, 60, version="1.10.0"),
             *normal(4, 60, mean=3, version="1.10.0", timestamp="2026-02-01T00:00:00.000000Z")]
    random.Random(5).shuffle(lines)
    first = samples.write(program.directory / "first", lines[:100])
    second = samples.write(program.directory / "second", lines[100:])

    def found(a, b, status):
        outcome = program.run("compare", a, b, "--from", first, "--from", second, "--json", status=status)
        return json.loads(outcome.stdout)

    assert found("demo/credit/1.0", "demo/credit/1.2.0", 1)["a"] == {
        "source": "demo/credit/1.0", "version": "1.0.6", "executions": 60}
    latest = found("demo/credit/1.0.6", "demo/credit@..2026-01-31", 0)["b"]
    assert latest == {"source": "demo/credit@..2026-01-31", "version": "1.10.0", "executions": 60}
    found("demo/credit@..2026-01-31", "demo/credit@2026-01-31T12:00:00Z..", 1)
    assert found("demo/credit", "demo/other", 3)["b"]["executions"] == 0


@pytest.mark.parametrize("by_version", [True, False])
def test_a_payload_that_is_there_twice_counts_once(program, by_version):
    lines = [normal(1, 40), normal(2, 40, version="1.0.1")]
    a, b = (samples.write(program.directory / name, side + side[:7]) for name, side in zip("ab", lines))
    sides = ["demo/credit/1.0.0", "demo/credit/1.0.1", "--from", a, "--from", a, "--from", b] if by_version else [
        "--from", a, "--from", b]
    found = json.loads(program.run("compare", *sides, "--json").stdout)
    assert (found["a"]["executions"], found["b"]["executions"], found["metrics"][0]["n_a"]) == (40, 40, 40)


def test_records_without_a_request_id_count_each(compare):
    records = [samples.result(i, i, score=i) for i in range(40)]
    for record in records:
        del record["request_id"], record["timestamp"]
    _, found = compare(records, records, status=0)
    assert (found["a"]["executions"], found["b"]["executions"]) == (40, 40)


def test_every_form_of_a_line_is_read(compare):
    payloads = normal(1, 40)
    extended = [{**line, "outcome": "failed", "attempts": 1, "cpu_user_milliseconds": 1, "cpu_system_milliseconds": 2}
                for line in payloads]
    legacy = [{**{k: v for k, v in line.items() if k != "timestamp"}, "time": "2026-01-01T00:00:00.000000",
               "session_id": "x"} for line in payloads]
    results = [samples.result(i, i, outcome="failed", score=line["score"]) for i, line in enumerate(payloads)]
    reports = [{**{k: v for k, v in line.items() if k not in ("index", "source", "input_sha256", "stderr_tail", "result")},
                "payload": payloads[0]} for line in results]
    for lines in (extended, legacy, results, reports):
        _, found = compare(payloads, lines, status=0)
        metric, = found["metrics"]
        assert metric["d"] == 0 and metric["n_b"] == 40
    # The standard payload has no outcome: a metric may have the name of a member that other formats add.
    _, found = compare(normal(1, 40, attempts=2), normal(1, 40, attempts=2), status=0)
    assert verdicts(found) == {"score": "same", "attempts": "constant"}
    _, found = compare(extended, results, status=0)
    assert [figure["name"] for figure in found["shown_only"]] == ["@duration", "@cpu", "@failed"]
    assert found["shown_only"][-1]["mean_a"] == 1


def test_lines_that_are_not_executions_are_counted_and_connection_tests_left_out(compare):
    test = '{"request_id":"connection-test-4c5b","connection_test":1}'
    a = [*normal(1, 40), "", "{", '{"a":1}', "[1]", test, b"\xff"]
    outcome, found = compare(a, normal(1, 40), status=0)
    assert found["a"]["executions"] == 40
    assert len(outcome.messages) == 1 and outcome.messages[0].startswith("4 of the lines")


def test_stdin_is_a_file(program):
    file = samples.write(program.directory / "a", normal(1, 40))
    program.run("compare", "--from", file, "--from", "-", input=file.read_bytes(), status=0)


def test_what_cannot_be_read_exits_with_125_and_what_cannot_be_meant_with_64(program):
    good = samples.write(program.directory / "good", normal(1, 40))
    bad = samples.write(program.directory / "bad", ["no", "json"])
    for path in ("missing", program.directory, bad):
        outcome = program.run("compare", "--from", good, "--from", path, status=125)
        assert len(outcome.messages) == 1 and outcome.messages[0].endswith(".")
    # 1 would be drift.
    outcome = program.run("compare", "a/b", "a/b", env={"ALGO_RUN_HOME": "home-\udcff"}, status=125)
    assert outcome.messages == [
        "$ALGO_RUN_HOME is not UTF-8 text, which algo-run needs in names of files; rename the directory, or choose another one."]
    both = ["--from", good, "--from", good]
    for options in (["--from", good], [*both, "--from", good], ["a/b", *both], ["a/b@7d", "a/b", *both], ["a", "b", *both],
                    [*both, "--gate", "x"], [*both, "--alpha", "2"], [*both, "--min-samples", "1"],
                    [*both, "--json", "--markdown"], [*both, "--on-added", "x"]):
        program.run("compare", *options, status=64)


EVIL = {"it's": 1, "back\\slash": 1, "café 😀": 1, "a|b`c": 1, "nul\0x": 1, "\x1b[31m": 1, "<b>": 1, "%s": 1, "@duration": 1}


def test_no_name_drives_the_terminal_or_breaks_the_table(program):
    a = samples.write(program.directory / "a", normal(1, 40, **EVIL))
    b = samples.write(program.directory / "b", normal(1, 40, **EVIL))
    text = program.run("compare", "--from", a, "--from", b, status=0).stdout.decode()
    assert all(character == "\n" or character.isprintable() for character in text)
    table = program.run("compare", "--from", a, "--from", b, "--markdown", status=0).stdout.decode()
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 1 + len(EVIL)
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)


def test_extreme_numbers_are_compared(compare):
    values = [1e308, -1e308, 1e-320, -0.0, 12345678901234567890, 0.1]
    lines = [samples.payload(i, x=values[i % 6], y=i * 1e300) for i in range(60)]
    _, found = compare(lines, lines, status=0)
    assert verdicts(found) == {"x": "same", "y": "same"}


def test_both_distributions_are_drawn_in_unicode_or_ascii(program):
    a = samples.write(program.directory / "a", normal(1, 200, approved=1))
    b = samples.write(program.directory / "b", normal(2, 200, mean=2, approved=0))
    arguments = ["compare", "--from", a, "--from", b]
    drawn = program.run(*arguments, status=1).stdout.decode()
    assert "█" in drawn and "100 %" in drawn
    for options, env in [(["--ascii"], {}), ([], {"LANG": "C"})]:
        drawn = program.run(*arguments, *options, env=env, status=1).stdout.decode()
        assert "#" in drawn and "█" not in drawn
    plain = program.run(*arguments, "--plot", "none", status=1).stdout.decode()
    assert "█" not in plain and "D = " in plain


# Pairs.


def paired_lines(seed, count, change, version):
    chance = random.Random(seed)
    lines = [samples.result(i, i // 2, 1 + i % 2, version, score=chance.gauss(0, 1) + change) for i in range(count)]
    return lines


def test_batches_of_the_same_inputs_are_compared_input_by_input(compare):
    a, b = paired_lines(1, 100, 0, "1.0.0"), paired_lines(1, 100, 0.2, "1.0.1")
    random.Random(2).shuffle(b)
    _, found = compare(a, b, status=1)
    metric, = found["metrics"]
    assert found["pairs"] == {"count": 100, "unmatched_a": 0, "unmatched_b": 0}
    assert metric["verdict"] == "drift" and metric["effect_measure"] == "mean_shift" and metric["pairs"] == 100
    assert metric["pair_median_difference"] == pytest.approx(0.2) and metric["changed_share"] == 1
    # The same values do not differ surely if they are not paired.
    _, found = compare(a, b, "--no-paired", status=0)
    assert "pairs" not in found and found["metrics"][0]["verdict"] == "inconclusive"


def test_other_inputs_are_paired_only_if_asked(compare):
    a, b = paired_lines(1, 100, 0, "1.0.0"), paired_lines(1, 90, 0, "1.0.1")
    _, found = compare(a, b)
    assert "pairs" not in found
    _, found = compare(a, [*b, samples.payload(0, score=1)], "--paired", status=0)
    assert found["pairs"] == {"count": 90, "unmatched_a": 10, "unmatched_b": 1}
    assert found["metrics"][0]["d"] == 0


def test_sides_that_cannot_be_paired_are_reported_with_the_reason(compare):
    lines = normal(1, 40)
    outcome, found = compare(lines, paired_lines(1, 40, 0, "1.0.1"), "--paired", status=3)
    assert found["a"]["executions"] == 40 and found["pairs"] == {"count": 0, "unmatched_a": 40, "unmatched_b": 40}
    [message] = outcome.messages
    assert message.endswith(
        "/a, has no executions that show their input; leave --paired out, or compare results of batch.")
    others = [samples.result(1000 + i, 1000 + i, score=1) for i in range(40)]
    _, found = compare(paired_lines(1, 40, 0, "1.0.0"), others, "--paired", status=3)
    assert found["pairs"] == {"count": 0, "unmatched_a": 40, "unmatched_b": 40}


def test_the_sentence_of_sides_without_common_inputs_names_that(program):
    files = [samples.write(program.directory / name, [samples.result(i, i, score=1) for i in range(first, first + 40)])
             for name, first in (("a", 0), ("b", 100))]
    shown = program.run("compare", "--paired", "--from", files[0], "--from", files[1], status=3).stdout.decode()
    assert shown.endswith("\nNothing could be judged: the two sides have no input in common.\n")


def test_pairs_without_any_difference_claim_no_smallest_one(compare):
    a, b = ([samples.result(i, i, score=i, ok=i % 2) for i in range(40)] for _ in range(2))
    _, found = compare(a, b, status=0)
    assert verdicts(found) == {"score": "same", "ok": "same"}
    for metric in found["metrics"]:
        assert "detectable_effect" not in metric and metric["explanation"].endswith(" 40 pairs).")


def test_zero_or_one_is_judged_by_the_net_change_of_pairs(compare):
    a = [samples.result(i, i, ok=i % 2) for i in range(100)]
    b = [samples.result(i, i, ok=1 if i < 30 else i % 2) for i in range(100)]
    _, found = compare(a, b, status=1)
    metric, = found["metrics"]
    assert metric["method"] == "mcnemar" and metric["effect"] == pytest.approx(0.15)
    assert metric["p"] == pytest.approx(2 * 0.5**15)


# History.

SCORE = """
import json, os, sys
os.write(3, json.dumps({"score": int(sys.stdin.read()) * float(sys.argv[1])}).encode())
"""


def run_version(program, factor, inputs):
    program.run("publish", "demo/score", "--", PYTHON, "-c", SCORE, factor, status=0)
    file = samples.write(program.directory / "inputs.ndjson", map(str, inputs))
    program.run("batch", "demo/score", file, "--output", program.directory / f"{factor}.ndjson", status=0)


def test_versions_that_ran_in_this_home_are_compared_by_their_history(program):
    run_version(program, "1.0", range(40))
    run_version(program, "1.5", range(40))
    outcome = program.run("compare", "demo/score/1.0.0", "demo/score", "--json", status=1)
    found = json.loads(outcome.stdout)
    assert found["b"] == {"source": "demo/score", "version": "1.0.1", "executions": 40}
    assert found["pairs"]["count"] == 40 and verdicts(found) == {"score": "drift"}
    # The results of the batches are the same executions.
    files = [word for name in ("1.0", "1.5") for word in ("--from", program.directory / f"{name}.ndjson")]
    from_files = json.loads(program.run("compare", *files, "--json", status=1).stdout)
    assert from_files["metrics"] == found["metrics"] and from_files["shown_only"] == found["shown_only"]
    same = json.loads(program.run("compare", "demo/score@-1h..", "demo/score@-1h..", "--json", status=0).stdout)
    assert verdicts(same) == {"score": "same"}
    program.run("compare", "demo/score@..-1h", "demo/score@-1h..", "--if-unknown", "pass", status=0)


@pytest.mark.parametrize("form", ["--plot=all", "--json", "--markdown"])
def test_a_side_without_executions_is_reported_once_and_shows_nothing_of_its_metrics(program, form):
    file = samples.write(program.directory / "a", normal(1, 40, other=1))
    outcome = program.run("compare", "demo/credit", "demo/credit/2.0.0", "--from", file, form, "--on-removed", "fail", status=3)
    assert outcome.messages == ["B, demo/credit/2.0.0, has no executions; check its spelling and its period."]
    if form == "--json":
        assert verdicts(json.loads(outcome.stdout)) == {"score": "insufficient", "other": "insufficient"}
    else:
        text = outcome.stdout.decode()
        assert "Nothing could be judged: B has no executions." in text and "score" not in text


def test_a_home_without_history_is_reported(program):
    outcome = program.run("compare", "demo/score/1.0.0", "demo/score/1.0.1", status=3)
    assert "there is no history" in outcome.messages[0]


def test_the_example_that_corrects_a_feature_twice_is_found(program):
    """Examples/python-iris-classifier: nearly all answers are the same, and only their metrics show the mistake."""
    repository = Path(__file__).resolve().parents[2]
    example = repository / "Examples" / "python-iris-classifier"
    answers = []
    for script in ("iris.py", "iris_corrected_twice.py"):
        program.run("publish", "demo/iris", "--directory", example, "--env",
                    f"PYTHONPATH={repository / 'Bindings' / 'Python'}", "--", PYTHON, script, status=0)
        output = program.directory / f"{script}.ndjson"
        program.run("batch", "demo/iris", example / "requests.ndjson", "--output", output, "--keep-order", status=0)
        answers.append([json.loads(line)["result"]["species"] for line in output.read_text().splitlines()])
    assert sum(a != b for a, b in zip(*answers)) <= len(answers[0]) / 10
    outcome = program.run("compare", "demo/iris/1.0.0", "demo/iris/1.0.1", "--json", status=1)
    found = json.loads(outcome.stdout)
    assert found["pairs"]["count"] == len(answers[0])
    assert verdicts(found)["drift_mean_sd"] == "drift" and verdicts(found)["class_count"] == "constant"
