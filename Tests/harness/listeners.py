# SPDX-License-Identifier: Apache-2.0
"""Listeners on 127.0.0.1 that are not brokers: each treats connections in a way of its own."""

import socket
import ssl
import threading


class Listener:
    """A port that takes connections and gives each to `behave`; a context manager. Connections stay open until the end
    unless `behave` closes them."""

    def __init__(self, behave):
        self._behave = behave
        self._connections = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Wakes the accept, which a close alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self._behave(connection, self._connections)
        except OSError:
            # The other side gave up first.
            connection.close()


def silent():
    """Takes connections and answers nothing."""
    return Listener(lambda connection, kept: None)


def closing():
    """Closes each connection immediately."""
    return Listener(lambda connection, kept: connection.close())


def http():
    """Answers as a web server."""

    def answer(connection, kept):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    return Listener(answer)


def tls(certificate, then_closes):
    """Shakes hands by TLS and is silent then, or closes at the first request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def shake_hands(connection, kept):
        session = context.wrap_socket(connection, server_side=True)
        kept.append(session)
        if then_closes and session.recv(1):
            session.close()

    return Listener(shake_hands)


class DeadPort:
    """A port without a listener that no other program can take; a context manager."""

    def __enter__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self._socket.close()
