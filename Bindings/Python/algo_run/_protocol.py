# SPDX-License-Identifier: Apache-2.0
"""Frames of worker protocol 1 (docs/worker-protocol.md): `VERB NUMBER BYTES key=value…\\n`, then BYTES bytes."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote_to_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, NamedTuple, Optional

    class Frame(NamedTuple):
        verb: str
        number: int
        length: int
        keys: Dict[str, str]

else:
    from collections import namedtuple

    Frame = namedtuple("Frame", "verb number length keys")

VERSION = 1
LONGEST_HEADER = 4096

# One space between fields, printable ASCII in values, and a percent sign only before two digits.
_HEADER = re.compile(rb"([a-z]+) ([0-9]{1,18}) ([0-9]{1,18})((?: [!-<>-~]+=(?:[!-$&-~]|%[0-9A-Fa-f]{2})*)*)\n")
_OFFER = re.compile(r"([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9})(?::.*)?")
_ENCODED = re.compile(rb"[^!-$&-~]")


class ProtocolError(Exception):
    """The supervisor sent bytes that are not protocol 1."""


class Offer:
    """ALGO_WORKER: the highest version offered, and the descriptors of requests, answers and the socket."""

    def __init__(self, text: str) -> None:
        fields = _OFFER.fullmatch(text)
        if fields is None:
            raise ProtocolError(f"ALGO_WORKER is {text!r}, which no algo-run sets; start the worker by algo-run")
        self.version, self.requests, self.answers, self.socket = (int(field) for field in fields.groups())
        if self.version < VERSION:
            raise ProtocolError(
                f"algo-run offers version {self.version} of the worker protocol and this package needs {VERSION}; "
                "update algo-run, or install an older algo-run package"
            )


def parse(header: bytes, verb: str) -> Frame:
    """The frame of a header, its line end included, if it has this verb."""
    fields = _HEADER.fullmatch(header) if len(header) <= LONGEST_HEADER else None
    if fields is None or fields[1] != verb.encode():
        raise ProtocolError(f"{header[:200]!r} is not a header of verb {verb!r}; update algo-run or this package")
    keys = {}
    for pair in fields[4].split():
        key, _, value = pair.partition(b"=")
        if b"%" in value:
            value = unquote_to_bytes(value)
        keys[key.decode("ascii")] = value.decode("utf-8", "replace")
    return Frame(verb, int(fields[2]), int(fields[3]), keys)


def header(verb: str, number: int, length: int, **keys: str) -> bytes:
    """A header, with its line end."""
    text = f"{verb} {number} {length}".encode("ascii")
    for key, value in keys.items():
        encoded = _ENCODED.sub(lambda byte: b"%%%02X" % byte[0][0], value.encode("utf-8", "replace"))
        text += b" " + key.encode("ascii") + b"=" + encoded
    return text + b"\n"


class Reader:
    """Frames from a descriptor, with a buffer of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = bytearray()

    def header(self, verb: str) -> Optional[Frame]:
        """The next frame's header; None at the end of the stream."""
        end = 0
        while not end:
            end = self._buffer.find(b"\n", 0, LONGEST_HEADER) + 1
            if end:
                break
            if len(self._buffer) >= LONGEST_HEADER:
                return parse(bytes(self._buffer), verb)  # Too long, which it raises.
            if not self._fill(65536):
                if self._buffer:
                    raise ProtocolError("the requests ended within a header")
                return None
        frame = parse(bytes(self._buffer[:end]), verb)
        del self._buffer[:end]
        return frame

    def body(self, length: int) -> bytes:
        while len(self._buffer) < length:
            if not self._fill(max(65536, min(length - len(self._buffer), 1 << 20))):
                raise ProtocolError("the requests ended within a body")
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _fill(self, size: int) -> bool:
        part = os.read(self._descriptor, size)
        self._buffer += part
        return bool(part)
