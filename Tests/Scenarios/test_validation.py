# SPDX-License-Identifier: Apache-2.0
"""Accepted metrics, and the reasons against others (docs/contract.md 6). Limits are in test_limits.py."""

import pytest

RESERVED = [
    "request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name", "algorithm_version"]


def judged(program, stream, *options, **rest):
    """Accepted metrics as written, and rejections as (name or line, reason)."""
    outcome, report = program.stream(stream, *options, **rest)
    accepted = {name: number.text for name, number in report["metrics"].items()}
    rejected = [(r.get("name", r.get("line")), r["reason"]) for r in report["rejected_metrics"]]
    shapes = ({"name", "reason", "detail"}, {"line", "reason", "detail"})
    assert all(set(rejection) in shapes for rejection in report["rejected_metrics"])
    assert len(outcome.messages) == len(outcome.stderr.splitlines()), "every line on stderr has the prefix"
    return accepted, rejected, outcome.messages


@pytest.mark.parametrize("name", RESERVED)
def test_each_reserved_name_is_rejected_by_name_and_the_rest_is_not(program, name):
    accepted, rejected, messages = judged(program, b'{"a":1,"%s":2,"b":3}' % name.encode())
    assert (accepted, rejected) == ({"a": "1", "b": "3"}, [(name, "reserved_name")])
    assert messages == [m for m in messages if m.startswith(f'metric "{name}" rejected: reserved_name (')]


@pytest.mark.parametrize("name", [
    "Request_id", "request_id ", " timestamp", "time", "session_id", "algorithm", "attempts"])
def test_a_name_that_only_resembles_a_reserved_one_is_a_metric(program, name):
    accepted, rejected, _ = judged(program, b'{"%s":2}' % name.encode())
    assert (accepted, rejected) == ({name: "2"}, [])


def test_a_reserved_name_written_with_escapes_is_reserved(program):
    _, rejected, _ = judged(program, b'{"\\u0074imestamp":1}')
    assert rejected == [("timestamp", "reserved_name")]


@pytest.mark.parametrize("value", ['"1"', '""', "true", "false", "null", "{}", "[]", '{"b":1}', "[1,2]",
                                   '{"deep":[{"er":[null,"]}"]}]}', "[" * 5000 + "]" * 5000])
def test_a_value_that_is_not_a_number_is_rejected_alone(program, value):
    accepted, rejected, messages = judged(program, f'{{"first":1,"bad":{value},"last":2}}'.encode())
    assert (accepted, rejected) == ({"first": "1", "last": "2"}, [("bad", "not_a_number")])
    assert messages[0].startswith('metric "bad" rejected: not_a_number (')


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e309", "-1e309", "1e99999999999", "9" * 400,
                                   "1.8e308", "0.1e310", "9" * 309 + ".5"])
def test_what_is_not_finite_is_rejected_by_name(program, value):
    accepted, rejected, messages = judged(program, f'{{"first":1,"bad":{value},"last":2}}'.encode())
    assert (accepted, rejected) == ({"first": "1", "last": "2"}, [("bad", "not_finite")])
    assert messages[0].startswith('metric "bad" rejected: not_finite (')


@pytest.mark.parametrize("value", [
    "1e308", "0.9e308", "1" + "0" * 308, "0." + "0" * 400 + "1", "1e-400", "-0", "0e999999999"])
def test_what_only_looks_like_an_overflow_is_accepted(program, value):
    accepted, rejected, _ = judged(program, f'{{"a":{value}}}'.encode())
    assert (accepted, rejected) == ({"a": value}, [])


def test_an_empty_name_is_rejected_alone(program):
    accepted, rejected, messages = judged(program, b'{"a":1,"":2,"b":3}')
    assert (accepted, rejected) == ({"a": "1", "b": "3"}, [("", "empty_name")])
    assert messages[0].startswith('metric "" rejected: empty_name (')


MALFORMED = [
    b"[]", b"1",
    b'"a"', b"null", b"true", b"hello", b"{", b"}", b'{"a"}', b'{"a":}', b'{"a":1', b'{"a":1,}', b'{,"a":1}',
    b'{"a":1 "b":2}', b'{"a":1}{"b":2}', b'{"a":1} x', b"{'a':1}", b"{a:1}", b'{"a":01}', b'{"a":+1}', b'{"a":.5}',
    b'{"a":1.}', b'{"a":1e}', b'{"a":0x10}', b'{"a":1_000}', b'{"a":--1}', b'{"a":-}', b'{"a":nan}', b'{"a":inf}',
    b'{"a":+Infinity}', b'{"a":-NaN}', b'{"a":tru}', b'{"a":"b}', b'{"a":"\\x"}', b'{"a\t":1}', b'{"a\x00":1}',
    b'{"a":[1,]}', b'{"a":[1}', b'{"a":{"b"}}', b'{"a":1;"b":2}', b'{"a":"\\u12"}', b'{"\\ud800":1}', b'{"\\udc00":1}',
    b'{"\xff":1}', b'{"\xc3":1}', b'{"\xc0\xaf":1}', b'{"\xed\xa0\x80":1}', b'{"\xf4\x90\x80\x80":1}', b'{"a":"\xff"}',
    b'\xef\xbb\xbf{"a":1}', b'{"a":1}\x00', b'{"a":1,\xc2\xa0"b":2}', b'\xc2\xa0', b"\x0b", b'{"a":1}// no',
]


@pytest.mark.parametrize("line", MALFORMED, ids=[repr(line)[2:-1] for line in MALFORMED])
def test_a_malformed_line_is_rejected_whole_by_its_number_and_the_others_are_not(program, line):
    accepted, rejected, messages = judged(program, b'{"before":1}\n\n' + line + b'\n{"after":2}\n')
    assert (accepted, rejected) == ({"before": "1", "after": "2"}, [(3, "malformed_line")])
    assert len(messages) == 1 and messages[0].startswith("metric line 3 rejected: malformed_line (")


def test_a_malformed_last_line_without_a_newline_is_rejected_as_well(program):
    accepted, rejected, _ = judged(program, b'{"a":1}\n{"b":2')
    assert (accepted, rejected) == ({"a": "1"}, [(2, "malformed_line")])


def test_of_a_name_that_occurs_twice_in_one_object_the_last_wins_at_the_place_of_the_first(program):
    accepted, rejected, _ = judged(program, b'{"a":1,"b":2,"a":3}')
    assert (list(accepted.items()), rejected) == ([("a", "3"), ("b", "2")], [])
    accepted, rejected, _ = judged(program, b'{"a":"no","a":3}')
    assert (accepted, rejected) == ({"a": "3"}, [])


def test_a_rejected_value_leaves_an_earlier_one_of_the_same_name_in_place(program):
    accepted, rejected, _ = judged(program, b'{"a":1}\n{"a":NaN}\n{"a":"x"}\n')
    assert accepted == {"a": "1"}
    assert rejected == [("a", "not_finite"), ("a", "not_a_number")]


def test_a_metric_first_reported_wrongly_is_accepted_when_it_is_reported_rightly(program):
    accepted, _, _ = judged(program, b'{"a":"x"}\n{"b":1}\n{"a":2}\n')
    assert accepted == {"a": "2", "b": "1"}


@pytest.mark.parametrize("name, shown", [
    ("\\u001b[31mred", r"\u{1b}[31mred"), ("a\\nb", r"a\u{a}b"), ("a\\rb", r"a\u{d}b"), ("\\u0007", r"\u{7}"),
    ("\\u009b2J", r"\u{9b}2J"), ("\\u202egnp", r"\u{202e}gnp"), ("tab\\t", r"tab\u{9}"), ("\\u2028", r"\u{2028}"),
])
def test_a_name_cannot_drive_the_terminal(program, name, shown):
    outcome, report = program.stream(f'{{"{name}":"x"}}'.encode())
    [message] = outcome.messages
    assert message.startswith(f'metric "{shown}" rejected: not_a_number (')
    assert len(outcome.stderr.splitlines()) == 1
    assert all(character == "\n" or character.isprintable() for character in outcome.stderr.decode())


def test_an_excerpt_cannot_drive_the_terminal_either(program):
    outcome, report = program.stream(b"\x1b]0;owned\x07\x9b2J\x00\r" + bytes(range(1, 10)) + b"\x7f\xc2\x9b\n")
    assert len(outcome.stderr.splitlines()) == 1
    assert all(character == "\n" or character.isprintable() for character in outcome.stderr.decode())
    assert all(character.isprintable() for character in report["rejected_metrics"][0]["detail"])
    assert "owned" in outcome.messages[0]


def test_an_excerpt_shows_quotes_and_backslashes_as_they_are(program):
    line = r'{"x\u0031":00}'
    outcome, report = program.stream(line.encode())
    assert outcome.messages[0].endswith(": " + line)
    assert report["rejected_metrics"][0]["detail"].endswith(": " + line)


def test_an_excerpt_of_a_long_line_is_short(program):
    outcome, report = program.stream(b"z" * 60_000)
    assert len(outcome.stderr) < 200 and "zzz" in outcome.messages[0]
    outcome, report = program.stream(b'{"' + b"n" * 60_000 + b'":"x"}')
    assert len(outcome.stderr) < 200
    assert report["rejected_metrics"][0]["name"] == "n" * 60_000, "the report has it whole"


def test_every_rejection_is_printed_up_to_twenty_and_then_they_are_counted(program):
    for count in (20, 21, 500):
        outcome, report = program.stream(b"".join(b'{"m%d":"x"}\n' % i for i in range(count)))
        assert len(report["rejected_metrics"]) == count, "the report has all"
        told = [message for message in outcome.messages if message.startswith("metric ")]
        assert told == [m for m in outcome.messages[:20]] and len(told) == 20
        if count == 20:
            assert len(outcome.messages) == 20
        else:
            assert len(outcome.messages) == 21 and str(count - 20) in outcome.messages[20]


def test_all_reasons_of_one_stream_are_printed_in_its_order(program):
    _, rejected, _ = judged(
        program, b'{"":1}\n[]\n{"s":"x"}\n{"n":NaN}\n{"timestamp":1}\n')
    assert rejected == [("", "empty_name"), (2, "malformed_line"), ("s", "not_a_number"), ("n", "not_finite"),
                        ("timestamp", "reserved_name")]


def test_a_rejection_never_fails_an_execution_and_never_holds_back_a_payload(program, published):
    outcome, report = program.stream(b'{"bad":"x"}\ngarbage\n{"good":1}\n', ref=published, status=0)
    assert report["outcome"] == "succeeded" and report["delivery"] == {"state": "written"}
    assert program.insights()[0].endswith(b',"good":1}')
