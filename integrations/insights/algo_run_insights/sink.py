# SPDX-License-Identifier: Apache-2.0
"""A monitoring tool as the loop sees it: an object that takes executions."""

from __future__ import annotations

from typing import Optional, Protocol, Sequence

from .record import Insight


class Refused(Exception):
    """The tool will never take this as it is. The loop then tries each execution by itself."""


class Unavailable(Exception):
    """The tool takes nothing at the moment; the loop tries again. The text is the cause."""


class Sink(Protocol):
    """Takes executions; writing the same one twice must do no harm, as far as the tool allows it."""

    def objection(self, insight: Insight) -> Optional[str]:
        """Why the tool would silently drop this execution, in one word; None if it would not."""

    def write(self, insights: Sequence[Insight]) -> None:
        """Returns when all are written. Raises Refused or Unavailable."""

    def close(self) -> None:
        """Releases what is open."""


def judge_status(status: int, detail: str) -> None:
    """Raises what an HTTP status means for a write: a request that is wrong itself, or trouble that can pass."""
    if 200 <= status < 300:
        return
    text = f"HTTP status {status}: {detail.strip()[:300]}"
    # A missing database, a wrong key or a limit is mended by people or time; what waits then is not lost.
    if status in (400, 405, 411, 413, 415, 422):
        raise Refused(text)
    raise Unavailable(text)
