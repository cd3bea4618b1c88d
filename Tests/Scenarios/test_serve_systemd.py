# SPDX-License-Identifier: Apache-2.0
"""A server as a service of systemd: sockets that are passed on, and reports of its state (docs/serve.md)."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness import processes

CONTRIB = Path(__file__).parents[2] / "contrib"
# Passes sockets on as systemd does: from descriptor 3 on, with variables that name this process.
PASSES_ON = """
import os, sys
numbers = [int(word) for word in sys.argv[1].split(',')]
saved = [os.dup(number) for number in numbers]
high = [os.open('/dev/null', os.O_RDONLY) for _ in range(20)]
saved = [__import__('fcntl').fcntl(number, __import__('fcntl').F_DUPFD, 100) for number in saved]
for index, number in enumerate(saved):
    os.dup2(number, 3 + index, inheritable=True)
os.closerange(3 + len(saved), 200)
os.environ.update(LISTEN_PID=str(os.getpid() + int(sys.argv[2])), LISTEN_FDS=str(len(saved)))
os.execv(sys.argv[3], sys.argv[3:])
"""


def start(program, sockets, *options, other_pid=0, **more):
    """`serve` with these sockets, not yet ready."""
    numbers = ",".join(str(one.fileno()) for one in sockets)
    return subprocess.Popen(
        [sys.executable, "-c", PASSES_ON, numbers, str(other_pid), program.binary, "serve", *options],
        pass_fds=[one.fileno() for one in sockets], env=program.environment(**more), cwd=program.directory,
        stderr=subprocess.PIPE, text=True)


def get(connection, path="/livez", **headers):
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


def end(process):
    process.terminate()
    return process.wait(60)


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=300)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self.path))


def test_sockets_that_are_passed_on_are_served_and_no_others(program):
    path = program.directory / "socket"
    with socket.create_server(("127.0.0.1", 0)) as four, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        unix.listen()
        port = four.getsockname()[1]
        process = start(program, [four, unix], "--no-auth")
        # A client that came before the server is served, too.
        assert get(http.client.HTTPConnection("127.0.0.1", port, timeout=300)) == (200, b"ok\n")
        assert get(OverUnix(path)) == (200, b"ok\n")
        assert get(http.client.HTTPConnection("127.0.0.1", port, timeout=300), Host="evil.test")[0] == 421
        assert end(process) == 0
        messages = process.stderr.read()
    assert f"serving on 127.0.0.1:{port}." in messages and f"serving on unix:{path}." in messages
    assert messages.count("serving on") == 2
    # The socket stays: it is systemd's.
    assert path.exists()


def test_an_algorithm_sees_nothing_of_the_sockets(program):
    shows = ("import os\nnames = [name for name in os.environ if name.startswith(('LISTEN_', 'NOTIFY_'))]\n"
             "print(names, sorted(os.listdir('/proc/self/fd'))[:-1])")
    program.run("publish", "o/n", "--", sys.executable, "-c", shows, status=0)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        process = start(program, [one, two], "--no-auth", NOTIFY_SOCKET="@nothing-listens-here", LISTEN_FDNAMES="a:b")
        connection = http.client.HTTPConnection("127.0.0.1", one.getsockname()[1], timeout=300)
        connection.request("POST", "/v1/algo/o/n?output=raw")
        assert connection.getresponse().read() == b"[] ['0', '1', '2', '3']\n"
        connection.close()
        assert end(process) == 0
        process.stderr.close()


def test_sockets_for_another_process_are_left_alone(program):
    with socket.create_server(("127.0.0.1", 0)) as one:
        process = start(program, [one], "--no-auth", "--listen", "127.0.0.1:0", other_pid=1)
        assert f":{one.getsockname()[1]}." not in process.stderr.readline()
        assert end(process) == 0
        process.stderr.close()


def test_a_descriptor_that_is_not_a_listening_socket_is_one_sentence(program):
    with socket.socket() as one:
        process = start(program, [one], "--no-auth")
        assert process.wait(60) == 125
        messages = process.stderr.read().splitlines()
        assert len(messages) == 1 and "LISTEN_FDS" in messages[0]
        process.stderr.close()


def test_no_auth_is_refused_for_a_socket_that_others_can_reach(program):
    with socket.create_server(("0.0.0.0", 0)) as one:
        process = start(program, [one], "--no-auth")
        assert process.wait(60) == 64
        assert "--no-auth" in process.stderr.read()
        process.stderr.close()


@pytest.mark.parametrize("name", ["path", "abstract"])
def test_systemd_is_notified_when_the_server_is_ready_and_when_it_ends(program, name):
    path = str(program.directory / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(60)
        address = path if name == "path" else f"\0algo-run-test-{os.getpid()}"
        manager.bind(address)
        process = program.start("serve", "--listen", "127.0.0.1:0", "--no-auth", env={
            "NOTIFY_SOCKET": address.replace("\0", "@")})
        assert manager.recv(100) == b"READY=1"
        process.terminate()
        assert manager.recv(100) == b"STOPPING=1"
        assert process.wait(60) == 0


def test_the_units_are_sound(program, tmp_path):
    tool = shutil.which("systemd-analyze")
    if not tool:
        (pytest.fail if "CI" in os.environ else pytest.skip)("systemd-analyze is missing (Debian: systemd)")
    for unit in ["algo-run-serve.service", "algo-run-serve.socket"]:
        text = (CONTRIB / unit).read_text().replace("/usr/local/bin/algo-run", str(program.binary))
        # The manual is not installed where this is tested.
        (tmp_path / unit).write_text(text.replace("Documentation=man:algo-run(1)\n", ""))
    done = subprocess.run(
        [tool, "verify", *map(str, sorted(tmp_path.glob("algo-run-serve.*")))], capture_output=True, text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    complaints = [line for line in done.stderr.splitlines() if "algo-run" in line]
    assert done.returncode == 0 and not complaints, done.stderr


def test_the_unit_grants_little(tmp_path):
    tool = shutil.which("systemd-analyze")
    if not tool:
        (pytest.fail if "CI" in os.environ else pytest.skip)("systemd-analyze is missing (Debian: systemd)")
    done = subprocess.run(
        [tool, "security", "--offline=true", "--threshold=30", str(CONTRIB / "algo-run-serve.service")],
        capture_output=True, text=True)
    # An exposure of 3.0 or less of 10: `OK` in the words of systemd.
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
