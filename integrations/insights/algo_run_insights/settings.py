# SPDX-License-Identifier: Apache-2.0
"""How the consumer reaches the topic: a properties file, options, and secrets by reference."""

from __future__ import annotations

import argparse
import os
from typing import Dict, List, Optional


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection to Kafka")
    group.add_argument("--config", metavar="FILE",
                       help="properties of librdkafka, as `algo-run connection show --consumer` prints them")
    group.add_argument("--brokers", metavar="HOST:PORT,…", help="instead of bootstrap.servers (default localhost:9092)")
    group.add_argument("--topic", default="insights", help="the topic of the Insights (default insights)")
    group.add_argument("--group", metavar="NAME",
                       help="consumer group (default algo-run-insights-TARGET); members of one share the partitions")
    group.add_argument("--mechanism", choices=["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"], help="log in over TLS")
    group.add_argument("--username", help="for --mechanism")
    group.add_argument("--password-file", metavar="FILE", help="the first line is the password")
    group.add_argument("--password-env", metavar="NAME", help="the variable that holds the password")
    group.add_argument("--ca", metavar="FILE", help="certificates of the authority (default: the system's)")
    group.add_argument("-X", dest="properties", metavar="NAME=VALUE", action="append", default=[],
                       help="another property of librdkafka's")


def consumer_settings(arguments: argparse.Namespace, target: str) -> Dict[str, str]:
    """librdkafka's properties; options win over the file."""
    settings: Dict[str, str] = {"client.id": "algo-run-insights"}
    if arguments.config:
        settings.update(read_properties(arguments.config))
    if arguments.mechanism:
        settings.update({"security.protocol": "SASL_SSL", "sasl.mechanisms": arguments.mechanism})
    given = {"bootstrap.servers": arguments.brokers, "sasl.username": arguments.username,
             "ssl.ca.location": arguments.ca, "group.id": arguments.group,
             "sasl.password": secret(arguments.password_file, arguments.password_env)}
    settings.update({name: value for name, value in given.items() if value is not None})
    settings.update(split(text, "-X") for text in arguments.properties)
    settings.setdefault("bootstrap.servers", "localhost:9092")
    settings.setdefault("group.id", f"algo-run-insights-{target}")
    if settings.get("sasl.mechanisms") and "sasl.password" not in settings:
        raise SystemExit("algo-run-insights: the login needs a password; give --password-file or --password-env")
    return settings


def read_properties(path: str) -> Dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            lines: List[str] = [line.strip() for line in file]
    except (OSError, ValueError) as problem:
        raise SystemExit(f"algo-run-insights: {path} cannot be read ({problem}); check --config") from None
    return dict(split(line, path) for line in lines if line and not line.startswith("#"))


def split(text: str, place: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise SystemExit(f"algo-run-insights: {place}: {text!r} is no property; write NAME=VALUE")
    return name.strip(), value.strip()


def secret(path: Optional[str], variable: Optional[str]) -> Optional[str]:
    """A secret from a file or a variable; never from the command line, which others can see."""
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.readline().rstrip("\r\n")
        except (OSError, ValueError) as problem:
            raise SystemExit(f"algo-run-insights: {path} cannot be read ({problem}); write the secret into it") from None
        if not text:
            raise SystemExit(f"algo-run-insights: {path} is empty; write the secret into it")
        return text
    if variable:
        if not os.environ.get(variable):
            raise SystemExit(f"algo-run-insights: the variable {variable} is not set; set it to the secret")
        return os.environ[variable]
    return None
