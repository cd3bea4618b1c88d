# SPDX-License-Identifier: Apache-2.0
"""Calls that need the service that no longer exists: they are there, and fail with a sentence when they are used."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

REMEDIES = {
    "the Data API": "keep the file beside the algorithm and open it by its path",
    "model manifests": "keep the model beside the algorithm and load it by its path",
}


class ServiceGone(Exception):
    """A part of the Algorithmia service was used that nothing replaces."""

    error_type = "ServiceGone"


def gone(what: str, part: str) -> ServiceGone:
    remedy = REMEDIES.get(part, "remove it from the algorithm")
    return ServiceGone(f"{what} needs {part}, which no longer exists; {remedy}")


class Vanished:
    """Stands for a class, a function or an object of the original."""

    def __init__(self, what: str, part: str) -> None:
        self.__dict__["_gone"] = (what, part)

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise gone(*self._gone)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        what, part = self._gone
        raise gone(f"{what}.{name}", part)
