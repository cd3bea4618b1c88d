# SPDX-License-Identifier: Apache-2.0
"""Which librdkafka is loaded, and the sentence for one that cannot be loaded (docs/contract.md 8)."""

import ctypes.util
import json
import shutil
from pathlib import Path

import pytest

CONNECTION = ["connection", "set", "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", "insights"]
SYSTEM = next(
    (path for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")
     if (path := Path(folder) / "librdkafka.so.1").exists()), None)


def settings(program, **env):
    """The report of the first step of `connection test`; the next one fails, as nothing listens."""
    outcome = program.run("connection", "test", "--json", status=1, env=env)
    return json.loads(outcome.stdout)[0]


def refusal(program, **env):
    outcome = program.run(*CONNECTION, status=1, env=env)
    [message] = outcome.messages
    return message


@pytest.fixture
def venv(program):
    """A virtual environment that holds algo-run and an (empty) library of confluent-kafka."""
    venv = program.directory / "venv"
    library = venv / "lib/python3.11/site-packages/confluent_kafka.libs/librdkafka-0cb94173.so.1"
    library.parent.mkdir(parents=True)
    (venv / "bin").mkdir()
    (venv / "pyvenv.cfg").touch()
    shutil.copy(program.binary, venv / "bin/algo-run")
    program.binary = venv / "bin/algo-run"
    return library


def test_the_variable_names_the_library(program, tmp_path):
    library = tmp_path / "lib of mine.so"
    library.symlink_to(SYSTEM)
    env = {"ALGO_RUN_LIBRDKAFKA": str(library)}
    program.run(*CONNECTION, status=0, env=env)
    assert f"({library})" in settings(program, **env)["detail"]
    assert "(" not in settings(program)["detail"]


@pytest.mark.parametrize("name, content, reason", [
    ("missing.so", None, "No such file"), ("text.so", b"no library", "file too short"), ("folder", "", "directory"),
    ("other.so", ctypes.util.find_library("m"), "it is another library")])
def test_a_wrong_variable_is_one_clear_sentence(program, tmp_path, name, content, reason):
    path = tmp_path / name
    if content == "":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    # A name without a slash is for the dynamic linker, as in `dlopen`.
    value = content if isinstance(content, str) and content else str(path)
    message = refusal(program, ALGO_RUN_LIBRDKAFKA=value)
    assert message.startswith(f"ALGO_RUN_LIBRDKAFKA names {value}, which cannot be loaded as librdkafka (")
    assert reason in message and message.count(value) == 1
    assert message.rstrip(".").endswith("set it to the file of a librdkafka, such as librdkafka.so.1, or unset it")


def test_an_empty_variable_counts_as_unset(program):
    program.run(*CONNECTION, status=0, env={"ALGO_RUN_LIBRDKAFKA": ""})


def test_the_library_of_the_own_virtual_environment_comes_before_that_of_the_system(program, venv):
    venv.symlink_to(SYSTEM)
    program.run(*CONNECTION, status=0)
    assert f"({venv})" in settings(program)["detail"]
    # The variable comes before both; a name without a slash is looked for as the dynamic linker does.
    assert "(librdkafka.so.1)" in settings(program, ALGO_RUN_LIBRDKAFKA="librdkafka.so.1")["detail"]


def test_a_broken_library_of_the_own_virtual_environment_is_named(program, venv):
    venv.write_bytes(b"")
    message = refusal(program)
    assert f"confluent-kafka, {venv}, cannot be loaded (" in message and "install the package again" in message
    # Nothing else needs it.
    program.run("connection", "set", "--type", "file", status=0)


def test_an_execution_continues_without_a_library(program):
    program.run(*CONNECTION, status=0)
    program.run("publish", "demo/x", "--insights", "--", "true", status=0)
    outcome, report = program.report("demo/x", status=0, env={"ALGO_RUN_LIBRDKAFKA": "/nosuch.so"})
    assert report["delivery"]["state"] == "queued"
    [message] = outcome.messages
    assert "ALGO_RUN_LIBRDKAFKA names /nosuch.so" in message
