# SPDX-License-Identifier: Apache-2.0
"""Inputs as Python values, and results as bytes with their type: JSON, text or bytes."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, NoReturn, Optional, Tuple


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder()
_strict_decoder = json.JSONDecoder(parse_constant=_refuse)


def parsed(data: bytes, kind: Optional[str]) -> Any:
    """JSON is parsed, text is a str, anything else bytes. Without a type, by what the bytes can be, in that order."""
    if kind is not None:
        if kind != "application/json":
            kind = kind.partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            return _value_of(data.decode("utf-8"), _decoder)
        return data.decode("utf-8") if kind.startswith("text/") else data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    try:
        return _value_of(text, _strict_decoder)
    except (ValueError, RecursionError):
        return text


def _value_of(text: str, decoder: json.JSONDecoder) -> Any:
    """As decoder.decode, which takes twice as long because it looks for spaces around the value."""
    try:
        value, end = decoder.raw_decode(text)
    except ValueError:
        return decoder.decode(text)
    return value if end == len(text) else decoder.decode(text)


def _plain(value: Any) -> Any:
    """Arrays and scalars of NumPy and its like, without importing one."""
    if hasattr(value, "tolist"):
        return value.tolist()
    kind = type(value).__name__
    raise TypeError(f"the result holds a value of type {kind}, which is not JSON; return dicts, lists, str and numbers, or bytes")


_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain)


def _pieces_of() -> Optional[Callable[[Any, int], Iterable[str]]]:
    """The part of _encoder that it makes anew for each value, which takes twice as long as a small value.

    It is not documented: nothing is returned if Python has none, or one that does something else.
    """
    try:
        from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]

        pieces = c_make_encoder(None, _plain, encode_basestring_ascii, None, ":", ",", False, False, False)
        sample = {"é": [1, 2.5, None, True, "\n"]}
        return pieces if "".join(pieces(sample, 0)) == _encoder.encode(sample) else None
    except Exception:
        return None


_pieces = _pieces_of()


def _json(value: Any) -> str:
    if _pieces is not None:
        try:
            return "".join(_pieces(value, 0))
        except RecursionError:
            pass  # _encoder knows whether a value holds itself or is only deep.
    return _encoder.encode(value)


def encoded(result: Any) -> Tuple[bytes, str]:
    """The bytes of a result and their type."""
    if isinstance(result, str):
        return result.encode("utf-8"), "text/plain"
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result), "application/octet-stream"
    try:
        return _json(result).encode("ascii"), "application/json"
    except ValueError as error:
        if "JSON compliant" in str(error):
            raise ValueError("the result holds NaN or an infinity, which are not JSON; return None or a str") from None
        raise
