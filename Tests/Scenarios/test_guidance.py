# SPDX-License-Identifier: Apache-2.0
"""If something is not as the user meant it, one line states the remedy."""


def test_a_time_limit_reports_that_it_stopped_the_algorithm_and_whose_limit_it_was(program):
    outcome = program.run("exec", "--timeout", "100ms", "--", "sleep", "60", status=124)
    assert outcome.messages == ["stopped after 100ms (--timeout)."]
    program.run("publish", "demo/slow", "--timeout", "100ms", "--", "sleep", "60", status=0)
    outcome = program.run("exec", "demo/slow", status=124)
    assert "its version's time limit" in outcome.messages[0]


def test_an_algorithm_that_ends_in_time_hears_nothing_of_its_limit(program):
    assert program.run("exec", "--timeout", "60s", "--", "true", status=0).messages == []


def test_a_version_in_the_name_to_publish_is_refused_with_the_option_for_it(program):
    outcome = program.run("publish", "demo/cats/1.2.0", "--", "true", status=64)
    assert outcome.messages == ["give the version by an option: publish demo/cats --version 1.2.0."]


def test_a_variable_that_algo_run_sets_itself_cannot_be_published(program):
    for name in ("ALGO_METRICS_FD", "ALGO_REQUEST_ID", "ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION"):
        outcome = program.run("publish", "demo/cats", "--env", f"{name}=9", "--", "true", status=64)
        assert f"algo-run sets {name} itself" in outcome.messages[0]
    program.run("publish", "demo/cats", "--env", "ALGO_METRICS_ECHO=1", "--", "true", status=0)


def test_a_program_that_is_not_there_is_noted_and_published_all_the_same(program):
    place = program.directory / "place"
    place.mkdir()
    (place / "tool").write_text("#!/bin/sh\n")
    for command in (["pyhton3", "algo.py"], ["/nosuch/python3"], ["--env", "PATH=/nosuch", "--", "true"],
                    ["--directory", "place", "--", "./tol"]):
        arguments = command if "--" in command else ["--", *command]
        outcome = program.run("publish", "demo/cats", *arguments, status=0)
        [note] = [message for message in outcome.messages if message.startswith("note: there is no program")]
        assert f'"{arguments[arguments.index("--") + 1]}"' in note
        assert outcome.stdout.startswith(b"demo/cats/1.0.")
    for arguments in (["--", "true"], ["--", "/bin/sh"], ["--directory", "place", "--", "./tool"], ["--", "./unknown/yet"],
                      ["--env", f"PATH={place}", "--", "tool"]):
        outcome = program.run("publish", "demo/cats", *arguments, status=0)
        assert not any("there is no program" in message for message in outcome.messages), outcome


def test_a_reference_that_cannot_be_printed_is_published_and_the_failure_reported(program):
    with open("/dev/full", "wb") as full:
        outcome = program.run("publish", "demo/cats", "--", "true", stdout=full, status=1)
    assert outcome.messages[0].startswith("published demo/cats/1.0.0") and "No space left" in outcome.messages[1]
    assert b"demo/cats/1.0.0" in program.run("versions", status=0).stdout


def test_a_version_number_and_a_duration_are_refused_with_their_forms(program):
    refused = program.run("publish", "demo/cats", "--version", "1000000.0.0", "--", "true", status=64)
    assert "below a million" in refused.messages[0]
    for duration in ("90", "1h30m"):
        refused = program.run("exec", "--timeout", duration, "--", "true", status=64)
        assert "one number and one unit (ms, s, m, h or d)" in refused.messages[0]


def test_nothing_lasts_no_seconds(program):
    program.run("connection", "set", "--type", "file", "--retention", "0s", status=0)
    assert b"0s, 100000 records" in program.run("connection", "show", status=0).stdout


def test_a_directory_in_the_place_of_a_program_is_called_one(program):
    outcome = program.run("exec", "--", "/etc", status=126)
    assert "it is a directory" in outcome.messages[0]
    locked = program.directory / "locked"
    locked.write_text("#!/bin/sh\n")
    locked.chmod(0o600)
    assert "chmod +x" in program.run("exec", "--", str(locked), status=126).messages[0]


def test_a_version_whose_directory_has_gone_is_reported_with_what_exec_can_do(program):
    (program.directory / "place").mkdir()
    program.run("publish", "demo/cats", "--directory", "place", "--", "true", status=0)
    (program.directory / "place").rmdir()
    [message] = program.run("exec", "demo/cats", status=125).messages
    assert message.endswith("; create it, or publish a version with another --directory.")


def test_a_report_cannot_go_to_the_algorithms_stdout(program):
    outcome = program.run("exec", "--report", "-", "--", "touch", "ran", status=64)
    assert "/dev/stderr" in outcome.messages[0]
    assert not (program.directory / "ran").exists() and not (program.directory / "-").exists()


def test_a_stream_that_cannot_be_read_is_distinguished_from_one_with_rejections(program):
    assert program.run("check", "nosuch", status=125).messages[0].startswith('cannot read "nosuch"')
    assert program.run("check", input=b'{"a": true}\n').status == 1


def test_an_authority_that_cannot_be_read_or_is_not_a_certificate_is_named(program):
    def refusal(path):
        return program.run(
            "connection", "set", "--type", "sasl_ssl", "--brokers", "h:1", "--topic", "t", "--mechanism", "PLAIN",
            "--username", "u", "--password-env", "P", "--ca", path, status=64, env={"P": "x"}).messages[0]

    assert "/nosuch.pem" in refusal("/nosuch.pem") and "No such file" in refusal("/nosuch.pem")
    (program.directory / "ca.der").write_bytes(b"\x30\x82\x01")
    assert "no certificate in PEM form" in refusal("ca.der")


def test_a_listing_that_cannot_be_printed_ends_in_what_to_do(program):
    program.run("publish", "demo/cats", "--", "true", status=0)
    with open("/dev/full", "wb") as full:
        outcome = program.run("versions", stdout=full, status=1)
    assert outcome.messages[-1] == (
        "cannot write the result: No space left on device; send stdout to a file or pipe that takes it.")


def test_event_hubs_takes_nothing_from_the_login_of_another_broker(program):
    program.run("connection", "set", "--type", "sasl_ssl", "--brokers", "k:9094", "--topic", "t", "--mechanism",
                "SCRAM-SHA-512", "--username", "algo", "--password-env", "NONE", status=0)
    outcome = program.run(
        "connection", "set", "--event-hubs", "--brokers", "ns.servicebus.windows.net", "--topic", "hub", "--password-env",
        "NONE", status=0)
    assert outcome.messages[0].endswith("; set it, or give the password another way.")
    shown = program.run("connection", "show", status=0).stdout.decode().split()
    assert {"PLAIN", "$ConnectionString", "ns.servicebus.windows.net:9093"} <= set(shown)
    # Settings without an option stay.
    program.run("connection", "set", "--event-hubs", "--topic", "other", status=0)
    assert "ns.servicebus.windows.net:9093" in program.run("connection", "show", status=0).stdout.decode()


def test_what_librdkafka_refuses_is_a_sentence(program):
    outcome = program.run("connection", "set", "--type", "plaintext", "--brokers", "k:9092", "--topic", "t", "-X",
                          "no.such=1", status=1)
    assert outcome.messages[-1].endswith("; correct it with `algo-run connection set -X`.")


def test_a_new_connection_prints_the_number_of_waiting_payloads(program):
    program.run("publish", "demo/cats", "--insights", "--", "true", status=0)
    directory = program.directory / "taken"
    directory.mkdir()
    program.run("connection", "set", "--type", "file", "--path", str(directory), status=0)
    program.run("exec", "demo/cats", status=0)
    outcome = program.run("connection", "set", "--type", "file", "--path", str(program.directory / "free"), status=0)
    assert outcome.messages[-1] == "pending payloads go there too: 1 in the outbox."


def test_a_list_that_is_cut_prints_how_to_continue(program):
    program.run("publish", "demo/cats", "--insights", "--", "true", status=0)
    directory = program.directory / "taken"
    directory.mkdir()
    program.run("connection", "set", "--type", "file", "--path", str(directory), status=0)
    for _ in range(3):
        program.run("exec", "demo/cats", status=0)
    assert program.run("outbox", "list", "--limit", "2", status=0).messages == ["there may be more; go on with: --after 2."]
    assert program.run("outbox", "list", "--after", "2", "--limit", "2", status=0).messages == []
