# SPDX-License-Identifier: Apache-2.0
"""A worker: answers the requests that algo-run writes into a pipe, one after the other (docs/worker-protocol.md)."""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
from contextvars import copy_context

from . import __version__
from ._protocol import ProtocolError, Reader, header
from ._request import WorkerRequest, enter, hand_on_contexts, leave, route
from ._value import encoded, parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict

    from ._protocol import Frame, Offer

_DESCRIPTOR_BYTES = 4  # A C int.


class Worker:
    """Reads requests from one pipe, answers them on another, and takes each one's metrics descriptor from a socket."""

    isolation: Dict[str, str] = {}

    def __init__(self, offer: Offer, apply: Callable[[Any], Any]) -> None:
        for descriptor in (offer.requests, offer.answers, offer.socket):
            os.set_inheritable(descriptor, False)
        self.apply = apply
        self.requests = offer.requests
        self.reader = Reader(offer.requests)
        self.answers = offer.answers
        self.socket = socket.socket(fileno=offer.socket)
        self.space = socket.CMSG_SPACE(_DESCRIPTOR_BYTES)
        self.flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        # Descriptor 3 is a pipe of the worker's whole life; a request's own stands there while apply runs.
        self.channel = int(os.environ.get("ALGO_METRICS_FD") or 3)
        self.permanent = os.dup(self.channel)  # Close-on-exec, as all that Python opens.

    def run(self) -> None:
        """Answers requests until there are no more."""
        route(self.permanent)
        hand_on_contexts()
        self.get_ready()
        python = f"python/{sys.version_info[0]}.{sys.version_info[1]}"
        flush()
        ready = header("ready", 1, 0, language=python, binding=__version__, descriptors="socket", **self.isolation)
        self._write(ready)
        while True:
            frame = self.reader.header("run")
            if frame is None:
                return
            self.answer(self.reader.body(frame.length), frame, self._receive_descriptor(frame))

    def get_ready(self) -> None:
        pass

    def answer(self, body: bytes, frame: Frame, metrics: int) -> None:
        milliseconds = int(frame.keys.get("timeout") or 0)
        deadline = time.monotonic() + milliseconds / 1000 if milliseconds else None
        request = WorkerRequest(
            frame.number, frame.keys.get("id", ""), deadline, frame.keys.get("traceparent"), metrics, self.permanent
        )
        os.dup2(metrics, self.channel)
        # In a context of its own, so that what apply sets there is not seen by the next request.
        answer = copy_context().run(self._outcome, request, body, frame)
        request.close()
        os.dup2(self.permanent, self.channel)
        # Output belongs to this request if it is in the pipe before the answer.
        flush()
        self._write(answer)

    def _outcome(self, request: WorkerRequest, body: bytes, frame: Frame) -> bytes:
        enter(request)
        try:
            result, kind = encoded(self.apply(parsed(body, frame.keys.get("type"))))
            return b"done %d %d type=%s\n%s" % (frame.number, len(result), kind.encode(), result)
        except (SystemExit, KeyboardInterrupt):
            raise  # They end the process, as they would without algo-run, and the supervisor reports its status.
        except BaseException as error:  # asyncio.CancelledError is not an Exception.
            return failure(frame.number, error)
        finally:
            leave()

    def _receive_descriptor(self, frame: Frame) -> int:
        """The descriptor was sent before the header, so it is there."""
        if frame.keys.get("metrics", "-") != "-":
            return os.open(frame.keys["metrics"], os.O_WRONLY)
        for level, kind, data in self.socket.recvmsg(1, self.space, self.flags)[1]:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                return int.from_bytes(data[:_DESCRIPTOR_BYTES], sys.byteorder)
        raise ProtocolError(f"request {frame.number} came without its metrics descriptor; update algo-run")

    def _write(self, data: bytes) -> None:
        written = os.write(self.answers, data)
        while written < len(data):
            written += os.write(self.answers, memoryview(data)[written:])


def failure(number: int, error: BaseException) -> bytes:
    """The answer to a request whose apply raised: one line of message, and the traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        message = " ".join(str(error).splitlines())
        text = "".join(traceback.format_exception(type(error), error, trace))
        kind = getattr(error, "error_type", None)
    except Exception as second:
        message, text, kind = f"(its message cannot be read: {type(second).__name__})", "", None
    body = f"{message}\n{text}".encode("utf-8", "replace")
    name = kind if isinstance(kind, str) and 0 < len(kind) <= 200 else type(error).__name__
    return header("fail", number, len(body), type=name[:200]) + body


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # Closed or replaced by the program.
