# SPDX-License-Identifier: Apache-2.0
"""The limits of docs/contract.md 5 and 6, to the byte: on them and one beyond them."""

import pytest

from harness.program import PYTHON

KB = 1024


def reasons(report):
    return [(r.get("name", r.get("line")), r["reason"]) for r in report["rejected_metrics"]]


def test_the_25th_metric_is_accepted_and_the_26th_is_not(program):
    stream = b"".join(b'{"m%d":%d}\n' % (i, i) for i in range(25))
    _, report = program.stream(stream)
    assert len(report["metrics"]) == 25 and reasons(report) == []
    outcome, report = program.stream(stream + b'{"f":1}\n')
    assert len(report["metrics"]) == 25 and reasons(report) == [("f", "too_many_metrics")]
    assert outcome.stderr == b'algo-run: metric "f" rejected: too_many_metrics (26 reported, 25 allowed)\n'


def test_all_beyond_25_are_rejected_in_the_order_of_first_report(program):
    _, report = program.stream(b"{" + b",".join(b'"m%d":1' % i for i in range(30)) + b"}")
    assert list(report["metrics"]) == [f"m{i}" for i in range(25)]
    assert reasons(report) == [(f"m{i}", "too_many_metrics") for i in range(25, 30)]


def test_a_value_replaced_after_the_25th_name_still_counts_once(program):
    stream = b"".join(b'{"m%d":%d}\n' % (i, i) for i in range(25)) + b'{"m0":99}\n'
    _, report = program.stream(stream)
    assert report["metrics"]["m0"] == 99 and reasons(report) == []


def test_only_accepted_names_count_towards_the_25(program):
    bad = b'{"timestamp":1,"":2,"s":"x","n":NaN,"o":{}}\n'
    stream = bad + b"".join(b'{"m%d":%d}\n' % (i, i) for i in range(25))
    _, report = program.stream(stream)
    assert len(report["metrics"]) == 25
    assert "too_many_metrics" not in [reason for _, reason in reasons(report)]
    # Nor does one that is too large.
    huge = b'{"%s":1}\n' % (b"h" * 30_000)
    _, report = program.stream(huge + b"".join(b'{"m%d":%d}\n' % (i, i) for i in range(25)))
    assert len(report["metrics"]) == 25 and reasons(report) == [("h" * 30_000, "payload_too_large")]


def filled_to(total):
    """A stream whose names and numbers sum to exactly `size` bytes, in 25 metrics."""
    lines, left = [], total
    for i in range(24):
        name = b"%02d" % i + b"x" * 996
        lines.append(b'{"%s":10}\n' % name)
        left -= len(name) + 2
    lines.append(b'{"%s":5}\n' % (b"l" * (left - 1)))
    return b"".join(lines)


def test_exactly_25_kb_are_accepted_and_one_byte_more_is_not(program):
    outcome, report = program.stream(filled_to(25 * KB))
    assert len(report["metrics"]) == 25 and outcome.stderr == b""
    outcome, report = program.stream(filled_to(25 * KB + 1))
    assert len(report["metrics"]) == 24
    [(name, reason)] = reasons(report)
    assert reason == "payload_too_large" and set(name) == {"l"}
    assert "(25601 bytes with it, 25600 allowed)" in outcome.messages[0]


def test_bytes_are_those_of_utf8_and_of_the_number_as_written(program):
    # é is two bytes in UTF-8, one of UTF-16, six as an escape.
    name = "\u00e9" * 12_000
    number = "1." + "0" * 1598
    exactly = f'{{"{name}":{number}}}'.encode()
    _, report = program.stream(exactly)
    assert reasons(report) == [] and list(report["metrics"]) == [name]
    _, report = program.stream(exactly.replace(b"1.", b"1.0"))
    assert [reason for _, reason in reasons(report)] == ["payload_too_large"]
    short = "\\u00e9" * 10_000
    _, report = program.stream(f'{{"{short}":1}}'.encode())
    assert reasons(report) == [], "escapes count as the characters they mean"


def test_the_sum_is_that_of_final_values_in_the_order_of_first_report(program):
    big, small = b"1." + b"0" * 20_000, b"1"
    _, report = program.stream(b'{"a":%s}\n{"b":%s}\n{"a":%s}\n' % (big, big, small))
    assert (list(report["metrics"]), reasons(report)) == (["a", "b"], [])
    _, report = program.stream(b'{"a":%s}\n{"b":%s}\n{"a":%s}\n' % (small, big, big))
    assert (list(report["metrics"]), reasons(report)) == (["a"], [("b", "payload_too_large")])


def test_a_small_metric_behind_one_that_is_too_large_is_accepted(program):
    _, report = program.stream(b'{"%s":1}\n{"small":1}\n' % (b"h" * 25_600))
    assert (list(report["metrics"]), [reason for _, reason in reasons(report)]) == (["small"], ["payload_too_large"])


def line_of(length):
    """A line of exactly that many bytes, without its newline."""
    return b'{"a":1' + b" " * (length - 7) + b"}"


@pytest.mark.parametrize("ending", [b"", b"\n", b'\n{"b":2}\n'])
def test_a_line_of_exactly_64_kib_is_accepted_and_one_byte_more_is_not(program, ending):
    _, report = program.stream(line_of(64 * KB) + ending)
    assert report["metrics"]["a"] == 1 and reasons(report) == []
    outcome, report = program.stream(line_of(64 * KB + 1) + ending)
    assert "a" not in report["metrics"] and reasons(report) == [(1, "malformed_line")]
    assert ("b" in report["metrics"]) == (b"b" in ending)
    assert "65536" in outcome.messages[0]


def test_a_long_line_is_rejected_once_however_it_is_written(program):
    source = "import os\nfor _ in range(100): os.write(3, b'x' * 1000)\nos.write(3, b'\\n{\"b\":2}\\n')"
    _, report = program.report("--", PYTHON, "-c", source, status=0)
    assert (report["metrics"], reasons(report)) == ({"b": 2}, [(1, "malformed_line")])


MIB = 1024 * KB


def test_exactly_1_mib_is_kept_and_one_byte_more_is_reported(program):
    last = b'{"last":1}\n'
    stream = b"\n" * (MIB - len(last)) + last
    _, report = program.stream(stream)
    assert (report["metrics"], reasons(report)) == ({"last": 1}, [])
    outcome, report = program.stream(stream + b"\n")
    assert report["metrics"] == {"last": 1}
    assert [reason for _, reason in reasons(report)] == ["stream_too_long"]
    assert "1 bytes after the first 1048576" in outcome.messages[0]


def test_after_1_mib_nothing_more_is_kept_and_what_was_before_is(program):
    line = b'{"a":1}\n'
    _, report = program.stream(line + b"\n" * (MIB - len(line)) + b'{"b":2}\n{"a":3}\n')
    assert report["metrics"] == {"a": 1}
    assert [reason for _, reason in reasons(report)] == ["stream_too_long"]


def test_a_line_that_the_limit_cuts_in_two_is_not_a_metric(program):
    # The part before the cut would be a whole object of its own.
    stream = b"\n" * (MIB - 7) + b'{"a":1}' + b"23}\n"
    _, report = program.stream(stream)
    assert report["metrics"] == {}
    assert [reason for _, reason in reasons(report)] == ["stream_too_long"]


def test_half_a_million_broken_lines_do_not_hide_the_good_one(program):
    _, report = program.stream(b'{"good":1}\n' + b"x\n" * 500_000)
    assert report["metrics"] == {"good": 1}
    assert all(reason == "malformed_line" for _, reason in reasons(report))
