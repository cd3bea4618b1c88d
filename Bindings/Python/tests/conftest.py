# SPDX-License-Identifier: Apache-2.0
"""A metrics channel as a supervisor gives it: the writing end of a pipe, named in the environment."""

import os

import pytest


class Channel:
    def __init__(self):
        self.reader, self.writer = os.pipe()

    def written(self):
        """All that was written so far, without waiting for more."""
        os.set_blocking(self.reader, False)
        try:
            return os.read(self.reader, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def channel(monkeypatch):
    made = Channel()
    monkeypatch.setenv("ALGO_METRICS_FD", str(made.writer))
    monkeypatch.delenv("ALGO_METRICS_ECHO", raising=False)
    yield made
    for descriptor in (made.reader, made.writer):
        try:
            os.close(descriptor)
        except OSError:
            pass  # The test closed it.


@pytest.fixture
def alone(monkeypatch):
    """No supervisor."""
    monkeypatch.delenv("ALGO_METRICS_FD", raising=False)
    monkeypatch.delenv("ALGO_METRICS_ECHO", raising=False)
