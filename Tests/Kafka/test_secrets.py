"""A password is nowhere: not in any output, any file but the one that keeps it, or the child's environment."""

import os
import pty
import subprocess

import processes
from connections import connect, sasl

PASSWORD = "s3cret-that-must-not-show"


def files_with(program, secret):
    """Files below the home and the working directory that contain a text."""
    found = []
    for root in (program.home, program.directory):
        for path in root.rglob("*"):
            if path.is_file() and secret.encode() in path.read_bytes():
                found.append(path.name)
    return sorted(found)


def everything(program, env):
    """All that the program says with a connection that fails and is looked at in every way."""
    said = []
    for arguments in (
        ["connection", "show"], ["connection", "show", "--json"], ["connection", "test"], ["connection", "test", "--json"],
        ["exec", "demo/x", "--report", "report.json", "--", "env"], ["exec", "demo/x", "--", "env"],
        ["outbox", "status"], ["outbox", "list"], ["outbox", "list", "--json"],
        ["connection", "set", "-X", "no.such.property=1"], ["connection", "set", "--mechanism", "SCRAM-SHA-256"],
        ["connection", "test"], ["connection", "remove"],
    ):
        outcome = program.run(*arguments, env=env)
        said.append(outcome.stdout + outcome.stderr)
    return b"".join(said)


def test_a_password_in_a_variable_is_nowhere_else(kafka43, program, topic):
    env = {"KAFKA_PASSWORD": PASSWORD}
    connect(program, *sasl(kafka43, topic), "--delivery-wait", "1s", **env)
    said = everything(program, env)
    assert b"KAFKA_PASSWORD" in said and PASSWORD.encode() not in said
    assert files_with(program, PASSWORD) == []


def test_a_password_in_a_file_is_nowhere_else(kafka43, program, topic, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    options = sasl(kafka43, topic)
    options[options.index("--password-env"):options.index("--password-env") + 2] = ["--password-file", str(secret)]
    connect(program, *options, "--delivery-wait", "1s")
    assert PASSWORD.encode() not in everything(program, {})
    assert files_with(program, PASSWORD) == []


def test_a_password_from_the_prompt_is_not_echoed_and_kept_for_this_user_alone(kafka43, program, topic):
    options = sasl(kafka43, topic)
    del options[options.index("--password-env"):options.index("--password-env") + 2]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [str(program.binary), "connection", "set", *options], env=program.environment(), stdin=follower,
        stdout=follower, stderr=follower, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
    os.close(follower)
    shown = b""
    while b"Password of" not in shown:
        shown += os.read(leader, 1000)
    os.write(leader, kafka43.PASSWORD.encode() + b"\n")
    while True:
        try:
            more = os.read(leader, 1000)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(leader)
    assert process.wait(processes.LIMIT) == 0, shown
    assert kafka43.PASSWORD.encode() not in shown
    _, report = program.report("demo/x", status=0)
    assert report["delivery"]["state"] == "delivered"
    assert kafka43.PASSWORD.encode() not in everything(program, {})
    for path in program.home.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not [name for name in files_with(program, kafka43.PASSWORD) if not name.startswith("state.db")]


def test_a_kept_password_is_gone_when_the_connection_is_removed(program, topic):
    connect(program, "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", topic,
            "-X", f"ssl.key.password={PASSWORD}")
    shown = program.run("connection", "show", status=0).stdout
    assert b"ssl.key.password=<redacted>" in shown and PASSWORD.encode() not in shown
    program.run("connection", "remove", status=0)
    assert files_with(program, PASSWORD) == []


def test_without_a_terminal_the_missing_password_is_an_error_of_usage(program, topic):
    outcome = program.run(
        "connection", "set", "--type", "sasl_ssl", "--brokers", "h:1", "--topic", topic, "--mechanism", "PLAIN",
        "--username", "u", start_new_session=True)
    assert outcome.status == 64 and "--password-file or --password-env" in outcome.messages[0]
