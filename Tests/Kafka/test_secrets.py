"""A password is nowhere: not in any output, any file but the one that keeps it, or the child's environment."""

import os
import signal

from harness import processes
from harness.connections import connect, sasl
from harness.terminal import Terminal, shell

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


def test_a_signal_at_the_prompt_ends_it_and_leaves_a_terminal_that_shows_what_is_typed(program, topic):
    command = (f"{program.binary} connection set --type sasl_ssl --brokers h:1 --topic {topic} --mechanism PLAIN "
               "--username u; echo status $?; stty -a; read line")
    with Terminal(["bash", "-c", command], program.environment(), program.directory) as user:
        user.see("Password of u")
        [asking] = [process for process in processes.marked(program.marker) if process.pid != user.pid]
        os.kill(asking.pid, signal.SIGTERM)
        user.see(f"status {128 + signal.SIGTERM}")
        user.see(r"[^-]echo ")


def asking(program, topic):
    """The command whose prompt it is, as a line for a shell."""
    return (f"{program.binary} connection set --type sasl_ssl --brokers h:1 --topic {topic} --mechanism PLAIN "
            "--username u")


def test_ctrl_c_at_the_prompt_ends_it_at_once_and_nothing_is_stored(program, topic):
    # The shell is there to look at the terminal afterwards: the key reaches it as well.
    command = f"trap : INT; {asking(program, topic)}; echo status $?; stty -a; read line"
    for typed in "\x03", "abc\x03":
        with Terminal(["bash", "-c", command], program.environment(), program.directory) as user:
            user.see("Password of u")
            user.type(typed)
            user.see(f"status {128 + signal.SIGINT}")
            user.see(r"[^-]echo ")
            assert b"abc" not in user.shown
    assert b'"is_set":false' in program.run("connection", "show", "--json", status=0).stdout.replace(b" ", b"")


def test_ctrl_z_at_the_prompt_stops_it_and_it_asks_again_unseen(program, topic):
    with shell(program) as user:
        user.see("ok> ")
        user.type(asking(program, topic) + "\n")
        user.see("Password of u")
        user.type("abc\x1a")
        user.see("Stopped")
        user.see("ok> ")
        user.type("stty -a\n")
        user.see(r"[^-]echo ")
        user.type("fg\n")
        user.see("Password of u")
        user.type(PASSWORD + "\n")
        user.see("payloads go to topic")
        user.type("stty -a\n")
        user.see(r"[^-]echo ")
        assert PASSWORD.encode() not in user.shown
        # What was typed before is neither a command of the shell's nor part of the password.
        assert b"abc" not in user.shown
    assert files_with(program, PASSWORD) != [] and files_with(program, "abc" + PASSWORD) == []


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
