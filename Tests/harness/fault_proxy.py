# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between a client and a broker that misbehaves on demand. It knows no Kafka.

Modes: pass; delay (each chunk 200 ms late); stall (connections stay open, nothing passes); blackhole (what arrives is
read and dropped); reset (connections are reset, new ones too); refuse (nothing listens); cut (each new connection is
closed in the middle of what the client sends).
"""

import socket
import struct
import threading
import time

from harness import ports

MODES = ["delay", "stall", "blackhole", "reset", "refuse", "cut"]
DELAY = 0.2
CUT_AFTER = 3000


class FaultProxy:
    def __init__(self):
        # The broker must know this port before it has one of its own: see `target`.
        self.port, self.target = ports.reserve(1), 0
        self._mode = "pass"
        self._lock = threading.Lock()
        self._pairs = []
        self._listener = None
        self._closing = False
        self._listen()

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        before, self._mode = self._mode, mode
        if mode in ("reset", "refuse", "cut"):
            self._end_all()
        if mode == "refuse":
            self._unlisten()
        elif before == "refuse":
            self._listen()
        if before in ("stall", "blackhole") and mode == "pass":
            # Swallowed bytes are missing in the stream: such connections end as a broken network's do.
            self._end_all()

    def close(self):
        self._closing = True
        self._unlisten()
        self._end_all()

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _unlisten(self):
        listener, self._listener = self._listener, None
        if listener:
            # Closing alone would not wake the thread that accepts.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self._mode == "reset":
                end(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                end(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source, sink, from_client):
        passed = 0
        try:
            while data := source.recv(65536):
                while self._mode == "stall":
                    time.sleep(0.02)
                if self._mode == "blackhole":
                    continue
                if self._mode == "delay":
                    time.sleep(DELAY)
                passed += len(data)
                if self._mode == "cut" and from_client and passed > CUT_AFTER:
                    sink.sendall(data[:len(data) // 2])
                    break
                sink.sendall(data)
        except OSError:
            pass
        end(source)
        end(sink)

    def _end_all(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for client, server in pairs:
            end(client)
            end(server)


def end(connection):
    """Resets a connection."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
