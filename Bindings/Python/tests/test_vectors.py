# SPDX-License-Identifier: Apache-2.0
"""The calls that all bindings share, and the exact bytes of each."""

import json
import os
from decimal import Decimal
from pathlib import Path

import numpy
import pytest

import algo_run

PLACES = ["ALGO_RUN_VECTORS", "../../../Tests/Vectors/binding-calls.json"]
FILE = Path(os.environ.get(PLACES[0]) or Path(__file__).parent / PLACES[1])
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]

VALUES = {
    "int": int,
    "double": float,
    "float": numpy.float32,
    "decimal": Decimal,
    "nan": lambda _: float("nan"),
    "inf": lambda _: float("inf"),
    "-inf": lambda _: float("-inf"),
    "bool": lambda text: text == "true",
    "string": str,
    "null": lambda _: None,
    "list": lambda _: [1, 2],
}
ERRORS = {"not_a_number": TypeError, "reserved_name": ValueError, "empty_name": ValueError, "invalid_name": ValueError}


def call(vector):
    """A dict holds a name once, so a name that comes again comes as a keyword argument."""
    first, again = {}, {}
    for metric in vector["call"]:
        place = again if metric["name"] in first else first
        place[metric["name"]] = VALUES[metric["type"]](metric["text"])
    algo_run.report(first, **again)


def test_the_vectors_are_all_there():
    assert len(VECTORS) >= 120
    assert not [vector for vector in VECTORS if "python" in vector.get("except", {})]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["promise"])
def test_the_same_call_writes_the_same_bytes(vector, channel):
    if "error" not in vector:
        call(vector)
        assert channel.written() == vector["bytes"].encode()
        return
    with pytest.raises(ERRORS[vector["error"]]) as raised:
        call(vector)
    assert f"metric {json.dumps(vector['metric'])} " in str(raised.value)
    assert str(raised.value).isascii()
    assert channel.written() == b""
