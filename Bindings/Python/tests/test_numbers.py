# SPDX-License-Identifier: Apache-2.0
"""Which values are numbers, and how each is written."""

import random
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import numpy
import pytest

import algo_run


def line(value, channel):
    algo_run.report({"x": value})
    written = channel.written().decode()
    assert written.startswith('{"x":') and written.endswith("}\n")
    return written[5:-2]


class Level(IntEnum):
    HIGH = 3


class OwnFloat:
    def __float__(self):
        return 0.5


class OwnIndex:
    def __index__(self):
        return 7


@pytest.mark.parametrize(
    "value, text",
    [
        (Level.HIGH, "3"),
        (OwnFloat(), "0.5"),
        (OwnIndex(), "7"),
        (Fraction(1, 4), "0.25"),
        (Fraction(10**400, 3), "Infinity"),
        (Decimal("NaN"), "NaN"),
        (Decimal("sNaN123"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (numpy.int8(-5), "-5"),
        (numpy.uint64(2**64 - 1), "18446744073709551615"),
        (numpy.float64(0.1), "0.1"),
        (numpy.float32(0.1), "0.1"),
        (numpy.float32("nan"), "NaN"),
        (numpy.float32("-inf"), "-Infinity"),
        (numpy.float16(0.1), "0.1"),
        (numpy.float16(65504), "65500.0"),
        (numpy.longdouble(0.5), "0.5"),
        (numpy.array(0.25), "0.25"),
        (numpy.mean([1, 2]), "1.5"),
    ],
    ids=repr,
)
def test_numbers_of_many_kinds(value, text, channel):
    assert line(value, channel) == text


@pytest.mark.parametrize(
    "value",
    [
        True,
        numpy.bool_(True),
        "0.5",
        numpy.str_("0.5"),
        b"1",
        None,
        [1],
        (1,),
        {"a": 1},
        1j,
        numpy.complex128(1),
        numpy.array([1.0]),
        numpy.array([1.0, 2.0]),
        numpy.datetime64("2021-02-20"),
        numpy.timedelta64(5, "ns"),
        float,
        object(),
    ],
    ids=repr,
)
def test_what_is_not_a_number_is_a_type_error_that_names_the_metric(value, channel):
    with pytest.raises(TypeError, match='metric "x" is not a number'):
        algo_run.report({"good": 1, "x": value})
    assert channel.written() == b""


def test_an_int_that_python_will_not_write_is_a_value_error_that_names_the_metric(channel):
    with pytest.raises(ValueError, match='metric "x" cannot be written'):
        algo_run.report(x=10**5000)


def test_single_and_half_precision_have_the_fewest_digits_of_their_precision(channel):
    source = random.Random(24)
    singles = [numpy.frombuffer(source.getrandbits(32).to_bytes(4, "little"), numpy.float32)[0] for _ in range(2000)]
    powers = [numpy.float32(2.0**exponent) for exponent in range(-149, 128)]
    halves = [numpy.frombuffer(bits.to_bytes(2, "little"), numpy.float16)[0] for bits in range(0, 65536, 8)]
    for value in singles + powers + halves:
        if numpy.isfinite(value):
            assert line(value, channel) == repr(float(numpy.format_float_scientific(value, unique=True)))


def test_a_name_that_is_not_a_str_is_a_type_error(channel):
    with pytest.raises(TypeError, match="metric name 1 is not a str"):
        algo_run.report({1: 1})


@pytest.mark.parametrize("metrics", [24, "a", [("a", 1)], {"a"}], ids=repr)
def test_what_is_not_a_mapping_is_a_type_error(metrics, channel):
    with pytest.raises(TypeError, match="takes a dict"):
        algo_run.report(metrics)
