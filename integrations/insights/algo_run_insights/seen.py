# SPDX-License-Identifier: Apache-2.0
"""Which request ids have been written, as far back as memory is set aside for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Iterable


class Seen:
    """The last `limit` ids. One that comes again counts as the youngest."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, identifier: str) -> bool:
        if identifier not in self._ids:
            return False
        self._ids.move_to_end(identifier)
        return True

    def add(self, identifiers: Iterable[str]) -> None:
        for identifier in identifiers:
            self._ids[identifier] = None
        while len(self._ids) > self._limit:
            self._ids.popitem(last=False)
