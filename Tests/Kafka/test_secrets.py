# SPDX-License-Identifier: Apache-2.0
"""A password is nowhere: not in any output, any file but the one that keeps it, or the child's environment."""

from harness.connections import connect, sasl
from harness.terminal import Terminal

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
    """All output of the program with a connection that fails and is looked at in every way."""
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
    with Terminal([str(program.binary), "connection", "set", *options], program.environment(), program.directory) as user:
        user.see("Password of")
        user.type(kafka43.PASSWORD + "\n")
        assert user.end() == 0, user.shown
        shown = user.shown
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
