# SPDX-License-Identifier: Apache-2.0
"""A TLS server in the place of a hosted service: it keeps every request, and answers as the test asks."""

import gzip
import json
import ssl
import subprocess
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import ports


class Recorder:
    """Requests in `requests` as (path, headers, body); `answer(number, path, body)` gives a status and a body."""

    def __init__(self, directory, answer=lambda number, path, body: (202, b'{"status":"ok"}')):
        self.requests, self.answer = [], answer
        self.authority = directory / "recorder.pem"
        key = directory / "recorder.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", self.authority],
            check=True, stderr=subprocess.DEVNULL)
        self.port = ports.reserve(1)
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                encoding = self.headers.get("Content-Encoding")
                if encoding == "gzip":
                    body = gzip.decompress(body)
                elif encoding == "deflate":
                    body = zlib.decompress(body)
                number = len(recorder.requests)
                status, answer = recorder.answer(number, self.path, body)
                recorder.requests.append((self.path, dict(self.headers), body, status))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def accepted(self):
        """The bodies of the requests that were taken."""
        return [body for _, _, body, status in list(self.requests) if status < 300]

    def json(self):
        return [json.loads(body, parse_int=float) for body in self.accepted()]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
