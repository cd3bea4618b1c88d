# SPDX-License-Identifier: Apache-2.0
"""The frames that all bindings and the supervisor share."""

import json
import os
from pathlib import Path

import pytest

from algo_run._protocol import Offer, ProtocolError, Reader, header, parse

PLACE = os.environ.get("ALGO_RUN_VECTORS") or Path(__file__).parent / "../../../Tests/Vectors/binding-calls.json"
VECTORS = json.loads((Path(PLACE).parent / "worker-frames.json").read_text())["vectors"]
OFFERS = [vector for vector in VECTORS if "offer" in vector]
REQUESTS = [vector for vector in VECTORS if vector.get("direction") == "to_worker"]
CANONICAL = [vector for vector in VECTORS if "canonical" in vector]


def test_the_vectors_are_all_there():
    assert (len(OFFERS) >= 11, len(REQUESTS) >= 40, len(CANONICAL) >= 25) == (True, True, True)


@pytest.mark.parametrize("vector", OFFERS, ids=lambda v: v["promise"])
def test_an_offer_is_read(vector):
    if "error" in vector:
        with pytest.raises(ProtocolError):
            Offer(vector["offer"])
    else:
        offer = Offer(vector["offer"])
        assert [str(each) for each in (offer.requests, offer.answers, offer.socket)] == [
            vector[name] for name in ("requests", "answers", "socket")
        ]


def frames(stream, tmp_path):
    """Each frame, and then None at the end or the error."""
    (tmp_path / "stream").write_bytes(stream)
    descriptor = os.open(tmp_path / "stream", os.O_RDONLY)
    try:
        reader = Reader(descriptor)
        while frame := reader.header("run"):
            yield {
                "verb": frame.verb,
                "number": str(frame.number),
                "body": reader.body(frame.length).hex(),
                "keys": frame.keys,
            }
        yield None
    except ProtocolError as error:
        yield error
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda v: v["promise"])
def test_a_stream_of_requests_is_read(vector, tmp_path):
    *read, end = frames(bytes.fromhex(vector["stream"]), tmp_path)
    assert read == vector["reading"]
    assert (end is not None) == ("error" in vector)


@pytest.mark.parametrize("vector", CANONICAL, ids=lambda v: v["promise"])
def test_a_frame_is_written(vector):
    written = b""
    for frame in vector["reading"]:
        body = bytes.fromhex(frame["body"])
        written += header(frame["verb"], int(frame["number"]), len(body), **frame["keys"]) + body
    assert written.hex() == vector["stream"]


def test_an_error_shows_the_bytes():
    with pytest.raises(ProtocolError, match="b'HELLO"):
        parse(b"HELLO\n", "run")
