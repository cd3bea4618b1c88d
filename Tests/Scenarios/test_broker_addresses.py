# SPDX-License-Identifier: Apache-2.0
"""`connection set --brokers` refuses a list that no broker can have, and names the mistake."""

import json

import pytest

TARGET = ["connection", "set", "--type", "plaintext", "--topic", "insights"]
NAME = "a host name of letters, digits, '-' and '_'"


@pytest.mark.parametrize("brokers, shown, expected", [
    ("a:9092, b:9092", "a:9092, b:9092", "no spaces, as in"),
    ("a:9092,b:9092,", "a:9092,b:9092,", "no comma after the last address"),
    (",a:9092", ",a:9092", "one comma between two addresses"),
    ("a:9092,,b:9092", "a:9092,,b:9092", "one comma between two addresses"),
    ("kafka://a:9092", "kafka://a:9092", "HOST:PORT without 'kafka://'"),
    ("a:9092,https://b", "https://b", "HOST:PORT without 'https://'"),
    ("a:9092/insights", "a:9092/insights", "name the topic with --topic"),
    ("user@a:9092", "user@a:9092", "name the user with --username"),
    ("-a:9092", "-a:9092", NAME),
    ("a-:9092", "a-:9092", NAME),
    ("a..b:9092", "a..b:9092", NAME),
    (".a:9092", ".a:9092", NAME),
    ("bröker:9092", "bröker:9092", NAME),
    ("a" * 300 + ":9092", "a" * 300 + ":9092", "a host name of at most 253 characters"),
    (".".join(["abcdefg"] * 33) + ":9092", None, "a host name of at most 253 characters"),
    ("a:0", "a:0", "a port from 1 to 65535"),
    ("a:65536", "a:65536", "a port from 1 to 65535"),
    ("a:+1", "a:+1", "a port from 1 to 65535"),
    ("a:", "a:", "a port from 1 to 65535"),
    ("::1", "::1", "an IPv6 address in brackets"),
    ("[a]:9092", "[a]:9092", "an IPv6 address between the brackets"),
    ("", "", "addresses such as host1:9092,host2:9092"),
], ids=lambda text: text and text[:24])
def test_a_mistake_in_the_list_of_brokers_has_its_own_sentence(program, brokers, shown, expected):
    outcome = program.run(*TARGET, f"--brokers={brokers}", status=64)
    [message] = outcome.messages
    assert expected in message
    assert shown is None or f"'{shown}' is not valid for '--brokers'" in message


@pytest.mark.parametrize("brokers, kept", [
    ("a", ["a:9092"]),
    ("broker_1.kafka-net:19092,b.example.:1", ["broker_1.kafka-net:19092", "b.example.:1"]),
    ("127.0.0.1,[::1]:9093,[fe80::1%eth0]", ["127.0.0.1:9092", "[::1]:9093", "[fe80::1%eth0]:9092"]),
    (".".join(["abcdefg"] * 31) + ".abcde:9092", None),
    ("a" * 63 + ":9092", None),
], ids=lambda text: text and text[:24])
def test_every_address_that_a_broker_can_have_is_taken(program, brokers, kept):
    program.run(*TARGET, "--brokers", brokers, status=0)
    shown = json.loads(program.run("connection", "show", "--json", status=0).stdout)
    assert shown["brokers"] == (kept or [brokers])
