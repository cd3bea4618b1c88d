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

_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_OFFER = re.compile(r"([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9})(?::.*)?")
_PLAIN = re.compile(r"[!-$&-~]*")
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
    text = header[:-1].decode("latin-1")
    # No regular expression: its machine, which a request needs for nothing else, would come into the processor's caches.
    if len(header) <= LONGEST_HEADER and header[-1:] == b"\n" and text.isascii() and text.isprintable():
        found, _, rest = text.partition(" ")
        number, _, rest = rest.partition(" ")
        length, more, rest = rest.partition(" ")
        keys = {}
        for pair in rest.split(" ") if more else ():
            key, equals, value = pair.partition("=")
            if not key or not equals or "%" in value and _STRAY_PERCENT.search(value):
                break
            keys[key] = unquote_to_bytes(value).decode("utf-8", "replace") if "%" in value else value
        else:
            if found == verb and _is_count(number) and _is_count(length):
                return Frame(verb, int(number), int(length), keys)
    raise _malformed(header, verb)


def _is_count(text: str) -> bool:
    return len(text) <= 18 and text.isdigit()


def _malformed(header: bytes, verb: str) -> ProtocolError:
    return ProtocolError(f"{header[:200]!r} is not a header of verb {verb!r}; update algo-run or this package")


def header(verb: str, number: int, length: int, **keys: str) -> bytes:
    """A header, with its line end."""
    text = f"{verb} {number} {length}"
    for key, value in keys.items():
        text += f" {key}={value if _PLAIN.fullmatch(value) else _encoded(value)}"
    return f"{text}\n".encode("ascii")


def _encoded(value: str) -> str:
    return _ENCODED.sub(lambda byte: b"%%%02X" % byte[0][0], value.encode("utf-8", "replace")).decode("ascii")


class Reader:
    """Frames from a descriptor. A frame mostly comes as one read, and its body is then cut out of that."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = b""

    def header(self, verb: str) -> Optional[Frame]:
        """The next frame's header; None at the end of the stream."""
        unread = self._unread
        while True:
            end = unread.find(b"\n", 0, LONGEST_HEADER) + 1
            if end or len(unread) >= LONGEST_HEADER:
                break
            part = os.read(self._descriptor, 65536)
            if not part:
                if unread:
                    raise ProtocolError("the requests ended within a header")
                return None
            unread += part
        self._unread = unread[end:]
        return parse(unread[: end or None], verb)  # Without an end it is too long, which parse raises.

    def body(self, length: int) -> bytes:
        if len(self._unread) < length:
            buffer = bytearray(self._unread)
            while len(buffer) < length:
                part = os.read(self._descriptor, max(65536, min(length - len(buffer), 1 << 20)))
                if not part:
                    raise ProtocolError("the requests ended within a body")
                buffer += part
            self._unread = bytes(buffer)
        body, self._unread = self._unread[:length], self._unread[length:]
        return body
