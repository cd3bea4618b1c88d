# SPDX-License-Identifier: Apache-2.0
"""`algo-run serve` on a port of its own, and requests to it."""

import http.client
import json
import re
import threading


class Server:
    """A running server. Its messages are read all the time, so that it never waits for their reader."""

    def __init__(self, program, *options, key=True, scope="call", name="test", **rest):
        self.program = program
        self.key = program.run("keys", "create", name, "--scope", scope, status=0).stdout.decode().strip() if key else None
        options = [*options] if key else [*options, "--no-auth"]
        self.process = program.start("serve", "--listen", "127.0.0.1:0", *options, **rest)
        self.messages = []
        self.port = None
        listening = threading.Event()

        def read():
            for line in self.process.stderr:
                self.messages.append(line.decode(errors="replace"))
                found = re.search(r"serving on 127\.0\.0\.1:(\d+)", self.messages[-1])
                if found:
                    self.port = int(found[1])
                    listening.set()
            listening.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        assert listening.wait(300) and self.port, self.messages

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def headers(self, **more):
        headers = {"Authorization": f"Simple {self.key}"} if self.key else {}
        return {**headers, **more}

    def request(self, method, path, body=None, headers=None):
        """Status, headers and bytes of the response."""
        connection = self.connect()
        try:
            connection.request(method, path, body, self.headers() if headers is None else headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def call(self, path, body=b"", status=200, **headers):
        """The JSON answer to a call."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.request("POST", f"/v1/algo/{path}", body, self.headers(**headers))
        assert answer[0] == status, answer
        return json.loads(answer[2])

    def send(self, method, path, value=None, status=200, **headers):
        """Sends a JSON value; the JSON of the answer, None if it has no body."""
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        body = None if value is None else json.dumps(value).encode()
        answer = self.request(method, path, body, self.headers(**headers))
        assert answer[0] == status, answer
        return json.loads(answer[2]) if answer[2] else None

    def get(self, path, status=200):
        answer = self.request("GET", path)
        assert answer[0] == status, answer
        return json.loads(answer[2])

    def stop(self):
        """Ends it by SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(300)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        self.reader.join(60)
