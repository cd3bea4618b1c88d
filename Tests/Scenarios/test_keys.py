# SPDX-License-Identifier: Apache-2.0
"""`keys`: the API keys of the HTTP server (docs/http-api.md)."""

import json

import pytest


def create(program, *arguments):
    return program.run("keys", "create", *arguments, status=0).stdout.decode()


def listed(program):
    return json.loads(program.run("keys", "list", "--json", status=0).stdout)


def test_a_new_key_is_printed_alone_on_stdout(program):
    key = create(program, "app")
    assert key.startswith("ak-") and len(key) == 68 and key.endswith("\n")
    assert create(program, "other") != key


def test_a_key_has_the_scope_that_was_asked_for_and_call_by_default(program):
    create(program, "b", "--scope", "admin")
    create(program, "a")
    assert [(key["name"], key["scope"]) for key in listed(program)] == [("a", "call"), ("b", "admin")]


def test_the_text_of_a_key_is_kept_nowhere_in_the_home(program):
    secret = create(program, "app").strip().encode()
    files = [file for file in program.home.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert secret not in file.read_bytes() and secret[3:] not in file.read_bytes(), file
        assert file.stat().st_mode & 0o077 == 0
    assert secret not in program.run("keys", "list", status=0).stdout


def test_a_key_that_cannot_be_printed_is_removed_again(program):
    with open("/dev/full", "wb") as full:
        outcome = program.run("keys", "create", "app", stdout=full, status=1)
    assert outcome.messages[-1] == "the key app could not be printed, so it is removed again; create it once more."
    assert listed(program) == [] and create(program, "app")


def test_a_name_is_taken_until_its_key_is_revoked(program):
    create(program, "app")
    outcome = program.run("keys", "create", "app", status=1)
    assert b"there is a key named app already" in outcome.stderr and b"keys revoke" in outcome.stderr
    program.run("keys", "revoke", "app", status=0)
    assert listed(program) == []
    create(program, "app", "--scope", "publish")
    assert listed(program)[0]["scope"] == "publish"


def test_a_key_that_does_not_exist_cannot_be_revoked(program):
    assert b"keys list" in program.run("keys", "revoke", "app", status=1).stderr
    create(program, "other")
    assert b"no key is named app" in program.run("keys", "revoke", "app", status=1).stderr


@pytest.mark.parametrize("name", ["", "a b", "é", "a/b", "x" * 65, "\x1b[31m"])
def test_an_invalid_name_is_a_usage_error(program, name):
    program.run("keys", "create", name, status=64)
    assert not program.home.exists() or listed(program) == []


def test_an_unknown_scope_is_a_usage_error(program):
    assert b"publish" in program.run("keys", "create", "app", "--scope", "root", status=64).stderr


def test_a_home_without_keys_explains_how_to_make_one(program):
    outcome = program.run("keys", "list", status=0)
    assert outcome.stdout == b"" and b"keys create" in outcome.stderr
    assert listed(program) == []
