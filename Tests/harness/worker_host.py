# SPDX-License-Identifier: Apache-2.0
"""A supervisor of one worker in a few lines, so that bindings are tested without algo-run.

    with WorkerHost([PYTHON, "worker.py"]) as host:
        host.ready()                      # the keys of its `ready`
        answer = host.run(b"[1,2]", type="application/json")
        answer.verb, answer.body, answer.keys, answer.metrics, answer.stdout, answer.stderr
        host.end_of(answer)               # the late lines of the request, once its descriptor is closed by all
        host.late()                       # lines on the permanent pipe that belong to no running request
        host.close()                      # no more requests; its exit status

`descriptors="path"` gives each request its metrics pipe as a path, as for R and Java.
"""

import array
import ctypes
import fcntl
import os
import re
import select
import signal
import socket
import subprocess
import time
from urllib.parse import quote_from_bytes, unquote

LIMIT = 300
_PR_SET_CHILD_SUBREAPER = 36
FORKED = re.compile(rb"^forked [0-9]+ 0 pid=([0-9]+)$", re.MULTILINE)
HEADER = re.compile(rb"([a-z]+) (\d{1,18}) (\d{1,18})((?: [^ =\n]+=[^ \n]*)*)\n")


class Answer:
    """The result of one request."""

    def __init__(self, number):
        self.number, self.verb, self.keys, self.body = number, None, {}, b""
        self.metrics, self.stdout, self.stderr = b"", b"", b""
        self.pid = None
        """The process that answered, if the worker forked it."""

    def __repr__(self):
        return f"{self.verb} {self.number} {self.keys} {self.body!r} metrics {self.metrics!r} stderr {self.stderr!r}"


def header(verb, number, length, **keys):
    text = f"{verb} {number} {length}"
    for key, value in keys.items():
        text += f" {key}={quote_from_bytes(str(value).encode(), safe='!#$&()*+,-./:;<=>?@[]^_`{|}~')}"
    return text.encode() + b"\n"


class WorkerHost:
    def __init__(self, command, descriptors="socket", offer="1", env=None, cwd=None):
        self.descriptors, self.number, self.left = descriptors, 0, None
        self._buffer, self._printed, self._late = b"", {1: bytearray(), 2: bytearray()}, bytearray()
        # Pipes of requests that are still open somewhere, and what came on them after the answer.
        self._held, self._after = {}, {}
        # A forked request's process becomes a child of this one.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # Descriptors of subprocess itself must not get one of the worker's numbers.
        reserved = [os.open("/dev/null", os.O_RDONLY) for _ in range(12)]
        self._permanent, permanent = self._pipe()
        requests, self._requests = self._pipe()
        self._answers, answers = self._pipe()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        given = (permanent, requests, answers, fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, 20))
        environment = {**os.environ, "ALGO_METRICS_FD": "3", "ALGO_WORKER": f"{offer}:4:5:6", "ALGO_OWNER": "alice",
                       "ALGO_NAME": "cats", "ALGO_VERSION": "1.2.3", **(env or {})}
        self.process = subprocess.Popen(
            command, env={name: value for name, value in environment.items() if value is not None}, cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(3, 4, 5, 6),
            preexec_fn=lambda: [os.dup2(own, number) for number, own in enumerate(given, 3)], start_new_session=True)
        theirs.close()
        for descriptor in (*reserved, *given):
            os.close(descriptor)
        self._streams = {self.process.stdout.fileno(): 1, self.process.stderr.fileno(): 2}

    @staticmethod
    def _pipe():
        """Numbers that the worker's own cannot hit when they are put in place."""
        ends = os.pipe()
        high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
        for end in ends:
            os.close(end)
        return high

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for descriptor in (self._requests, self._answers, self._permanent, *self._held.values()):
            if descriptor is not None:
                os.close(descriptor)
        self._socket.close()
        self.process.stdout.close()
        self.process.stderr.close()

    def ready(self):
        """Waits for `ready`; gives its keys, with the version it names as "version"."""
        verb, number, keys, body = self._frame()
        assert (verb, body) == ("ready", b""), f"{verb} in place of ready; {self.printed()}"
        return {**keys, "version": number}

    def run(self, body=b"", **keys):
        return self.answer(self.send(body, **keys))

    def send(self, body=b"", number=None, **keys):
        """Sends one request with a metrics pipe of its own."""
        self.number = self.number + 1 if number is None else number
        answer = Answer(self.number)
        self._pump(lambda: True)
        for earlier in list(self._held):
            self._after[earlier] = self._after.get(earlier, b"") + self._read_available(earlier)
        reader, writer = self._pipe()
        self._held[self.number] = reader
        answer.writer = writer if self.descriptors == "path" else None
        path = f"/proc/{os.getpid()}/fd/{writer}" if answer.writer is not None else "-"
        if answer.writer is None:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writer]))
            self._socket.sendmsg([b"\0"], [rights])
            os.close(writer)
        self._before = {stream: len(text) for stream, text in self._printed.items()}
        self._late_before = len(self._late)
        given = {"id": f"req-{self.number}", "metrics": path, "timeout": 0, **keys}
        self._write(header("run", self.number, len(body), **given) + body)
        return answer

    def answer(self, answer):
        """Waits for the answer to a request."""
        verb, number, keys, body = self._frame()
        if verb == "forked":
            answer.pid = int(keys["pid"])
            verb, number, keys, body = self._frame()
        assert number == answer.number, f"an answer to request {number} while {answer.number} runs"
        answer.verb, answer.keys, answer.body = verb, keys, body
        self._pump(lambda: True)
        answer.stdout, answer.stderr = (bytes(self._printed[stream][self._before[stream]:]) for stream in (1, 2))
        if answer.writer is not None:
            os.close(answer.writer)
            answer.writer = None
        answer.metrics = self._read_available(answer.number) + self._framed(answer.number)
        return answer

    def _framed(self, number):
        """Takes this request's lines off the permanent pipe."""
        lines = bytes(self._late[self._late_before:]).splitlines(keepends=True)
        mark = b"\x1e%d " % number
        own = [line[len(mark):] for line in lines if line.startswith(mark)]
        self._late[self._late_before:] = b"".join(line for line in lines if not line.startswith(mark))
        return b"".join(own)

    def _read_available(self, number):
        found = b""
        while select.select([self._held[number]], [], [], 0)[0]:
            part = os.read(self._held[number], 65536)
            if not part:
                os.close(self._held.pop(number))
                break
            found += part
        return found

    def end_of(self, answer):
        """The bytes written to a request's descriptor after its answer, until all have closed it."""
        found = self._after.get(answer.number, b"")
        while answer.number in self._held:
            assert select.select([self._held[answer.number]], [], [], LIMIT)[0], "a request's descriptor stays open"
            found += self._read_available(answer.number)
        return found

    def late(self, until=None):
        """Lines on the permanent pipe that belong to no running request; waits until `until` is among their bytes."""
        self._pump(lambda: until is None or until in self._late)
        return bytes(self._late)

    def printed(self, until=None):
        """All that the worker printed so far, on stdout and stderr."""
        self._pump(lambda: until is None or any(until in text for text in self._printed.values()))
        return bytes(self._printed[1]), bytes(self._printed[2])

    def close(self):
        """No more requests. Waits for the worker's end and gives its status."""
        os.close(self._requests)
        self._requests = None
        return self.wait()

    def wait(self):
        self._pump(lambda: self.process.poll() is not None)
        self._pump(lambda: True)
        return self.process.returncode

    def reap(self, pid):
        """The wait status of a request's own process, which must be a child of this one."""
        return os.waitpid(pid, 0)[1]

    def _write(self, data):
        """Reads on while it writes: a worker may print more than a pipe holds before it reads all of its input."""
        os.set_blocking(self._requests, False)
        deadline = time.monotonic() + LIMIT
        while data:
            assert time.monotonic() < deadline, "the worker does not read its request"
            self._pump(lambda: True)
            if select.select([], [self._requests], [], 0.01)[1]:
                data = data[os.write(self._requests, data):]

    def _frame(self):
        """The next frame from the worker."""
        def whole():
            found = HEADER.match(self._buffer)
            return found and len(self._buffer) >= found.end() + int(found[3]) and found

        self._pump(lambda: whole() or self._answers is None or not HEADER.match(self._buffer) and b"\n" in self._buffer)
        found = whole()
        assert found, f"no frame: {self._buffer[:300]!r}, printed {self._printed}, status {self.process.poll()}"
        end = found.end() + int(found[3])
        body, self._buffer = self._buffer[found.end():end], self._buffer[end:]
        pairs = (pair.split("=", 1) for pair in found[4].decode().split())
        return found[1].decode(), int(found[2]), {key: unquote(value) for key, value in pairs}, body

    def _pump(self, until):
        """Reads what the worker writes until a condition holds and, then, all that is there already."""
        deadline = time.monotonic() + LIMIT
        while True:
            held = until()
            watched = [*self._streams, *(each for each in (self._answers, self._permanent) if each is not None)]
            ready = select.select(watched, [], [], 0 if held else 0.01)[0] if watched else []
            for descriptor in ready:
                self._take(descriptor, os.read(descriptor, 65536))
            if held and not ready:
                return
            assert time.monotonic() < deadline, f"waited {LIMIT} s in vain; {self._buffer[:300]!r} {self._printed}"

    def _take(self, descriptor, part):
        if descriptor in self._streams:
            self._printed[self._streams[descriptor]] += part
            if not part:
                del self._streams[descriptor]
        elif descriptor == self._permanent:
            self._late += part
            if not part:
                os.close(descriptor)
                self._permanent = None
        else:
            self._buffer += part
            for forked in FORKED.findall(part):
                os.kill(int(forked), signal.SIGCONT)
            if not part:
                os.close(descriptor)
                self._answers = None
