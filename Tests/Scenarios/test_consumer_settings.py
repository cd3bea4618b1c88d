# SPDX-License-Identifier: Apache-2.0
"""`connection show --consumer`: what those who read the topic need, and no secret."""

import json

BROKERS = "a.example:9093,b.example:9093"


def connect(program, *options, **env):
    program.run("connection", "set", "--brokers", BROKERS, "--topic", "insights", *options, status=0, env=env)


def properties(program):
    lines = program.run("connection", "show", "--consumer", status=0).stdout.decode().splitlines()
    return lines, dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_a_plain_connection_is_its_brokers_and_its_topic(program):
    connect(program, "--type", "plaintext")
    lines, found = properties(program)
    assert found == {"bootstrap.servers": BROKERS}
    assert "# Topic: insights" in lines


def test_a_login_is_shown_without_its_password(program, tmp_path):
    password = tmp_path / "password"
    password.write_text("s3cret-word\n")
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    connect(program, "--type", "sasl_ssl", "--mechanism", "SCRAM-SHA-512", "--username", "ann",
            "--password-file", password, "-X", "ssl.key.password=an0ther-word", "-X", "socket.timeout.ms=9000",
            "-X", "linger.ms=7")
    lines, found = properties(program)
    assert found == {"bootstrap.servers": BROKERS, "security.protocol": "SASL_SSL", "sasl.mechanisms": "SCRAM-SHA-512",
                     "sasl.username": "ann", "socket.timeout.ms": "9000"}
    assert f"# sasl.password is a secret and is not shown (read from the file {password})" in lines
    shown = program.run("connection", "show", "--consumer", "--json", status=0).stdout
    assert json.loads(shown) == {"topic": "insights", "properties": found,
                                 "secrets": ["sasl.password", "ssl.key.password"]}
    for secret in ("s3cret-word", "an0ther-word"):
        assert secret not in "\n".join(lines) and secret not in shown.decode()


def test_a_connection_to_a_file_needs_no_consumer(program):
    outcome = program.run("connection", "show", "--consumer", status=1)
    assert outcome.stdout == b"" and "algo-run connection set" in outcome.messages[-1]
