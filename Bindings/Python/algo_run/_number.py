# SPDX-License-Identifier: Apache-2.0
"""The JSON text of a number of any library, without importing that library.

A float is written as repr writes it, a Decimal and an int digit for digit, and a scalar of single or half precision
with the fewest digits that read back in that precision: numpy.float32(0.1) is 0.1, not 0.10000000149011612.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

# struct's codes of the floating point types that are narrower than Python's own, and digits that always suffice.
_NARROW = {"float32": ("f", 9), "float16": ("e", 5)}


def number_text(value: Any) -> Optional[str]:
    """The text of a number; None for anything that is not one. Raises ValueError for an int Python will not write."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)):
        return None
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float_text(float(value))
    if hasattr(value, "dtype") and hasattr(value, "item"):
        return _scalar_text(value)
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return _decimal_text(value)
    if hasattr(value, "__len__") or isinstance(value, complex):
        return None
    return _converted_text(value)


def _float_text(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def _decimal_text(value: Any) -> str:
    if value.is_nan():
        return "NaN"
    return str(value)


def _scalar_text(value: Any) -> Optional[str]:
    """A scalar of NumPy, or an array or tensor of no dimensions of any library that names its dtype as NumPy does."""
    kind = str(value.dtype).rpartition(".")[2]
    if getattr(value, "shape", ()) != () or not kind.startswith(("int", "uint", "float", "bfloat")):
        return None
    if "int" in kind:
        return int.__repr__(int(value.item()))
    # float() because item() of a long double is a long double again.
    number = float(value.item())
    if kind in _NARROW and number == number and number not in (float("inf"), float("-inf")):
        return _narrow_text(number, *_NARROW[kind])
    return _float_text(number)


def _narrow_text(number: float, code: str, enough: int) -> str:
    import struct

    sign = "-" if str(number).startswith("-") else ""
    for digits in range(1, enough + 1):
        mantissa, exponent = f"{abs(number):.{digits - 1}e}".split("e")
        rounded = int(mantissa.replace(".", ""))
        # Below a power of two values lie twice as dense, so there the nearest text may fail where the next one holds.
        for units in (rounded, rounded + 1):
            candidate = float(f"{sign}{units}e{int(exponent) - digits + 1}")
            try:
                if struct.unpack(code, struct.pack(code, candidate))[0] == number:
                    return float.__repr__(candidate)
            except OverflowError:
                pass  # Beyond the largest value of the type; a digit more is not.
    return float.__repr__(number)


def _converted_text(value: Any) -> Optional[str]:
    kind = type(value)
    if hasattr(kind, "__index__"):
        return int.__repr__(value.__index__())
    if not hasattr(kind, "__float__"):
        return None
    try:
        return _float_text(float(value))
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"
    except TypeError:
        return None
