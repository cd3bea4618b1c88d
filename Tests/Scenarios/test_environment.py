# SPDX-License-Identifier: Apache-2.0
"""The environment of the child (docs/contract.md 4)."""

import os
import re

import pytest

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
DUMP = "import os; os.write(1, repr(sorted(os.environb.items())).encode())"


def seen(program, *options, ref=(), **rest):
    return dict(eval(program.python(DUMP, *options, ref=ref, status=0, **rest).stdout))


def test_the_five_variables_of_an_execution_are_added(program, published):
    variables = seen(program, ref=published)
    assert variables[b"ALGO_METRICS_FD"] == b"3"
    assert re.fullmatch(f"req-{UUID}", variables[b"ALGO_REQUEST_ID"].decode())
    assert variables[b"ALGO_OWNER"] == b"asli"
    assert variables[b"ALGO_NAME"] == b"credit_card_approval"
    assert variables[b"ALGO_VERSION"] == b"1.0.0"


def test_everything_else_passes_through_unchanged(program, published):
    own = {b"ALGO_METRICS_FD", b"ALGO_REQUEST_ID", b"ALGO_OWNER", b"ALGO_NAME", b"ALGO_VERSION"}
    odd = {"EMPTY": "", "SPACES": " a  b ", "LINES": "a\nb", "EQUALS": "a=b=c", "LETTER": "\u00e9\U0001f600"}
    expected = {os.fsencode(k): os.fsencode(v) for k, v in program.environment(**odd).items()}
    for ref in ((), published):
        variables = seen(program, ref=ref, env=odd)
        assert {k: v for k, v in variables.items() if k not in own} == expected


def test_bytes_that_are_not_text_pass_through_unchanged(program):
    variables = seen(program, env={"LATIN": os.fsdecode(b"caf\xe9"), os.fsdecode(b"N\xe9"): "1"})
    assert variables[b"LATIN"] == b"caf\xe9"
    assert variables[b"N\xe9"] == b"1"


def test_the_order_and_even_duplicates_of_the_environment_are_kept(program):
    listing = program.run("exec", "--", "env", env={"Z": "1", "A": "2", "M": "3"}, status=0).stdout.split(b"\n")
    names = [line.split(b"=")[0] for line in listing]
    assert [n for n in names if n in (b"Z", b"A", b"M")] == [b"Z", b"A", b"M"]


def test_without_a_version_the_child_learns_its_request_and_channel_only(program):
    variables = seen(program)
    assert {k for k in variables if k.startswith(b"ALGO_") and k != b"ALGO_RUN_HOME"} == {
        b"ALGO_METRICS_FD", b"ALGO_REQUEST_ID"}


def test_every_execution_has_a_request_id_of_its_own_that_it_is_known_by(program, published):
    ids = set()
    for _ in range(5):
        outcome, report = program.report(published, "--", "sh", "-c", "printf %s $ALGO_REQUEST_ID", status=0)
        assert outcome.stdout.decode() == report["request_id"] == report["payload"]["request_id"]
        ids.add(report["request_id"])
    assert len(ids) == 5


def test_a_given_request_id_is_used_everywhere(program, published):
    outcome, report = program.report(published, "--request-id", "order 66/\u00e9", "--", "printenv", "ALGO_REQUEST_ID",
                                     status=0)
    assert outcome.stdout.decode() == "order 66/\u00e9\n"
    assert report["request_id"] == report["payload"]["request_id"] == "order 66/\u00e9"
    assert rb'"request_id":"order 66/\u00e9"' in program.insights()[0]


def test_variables_of_the_version_reach_the_child_and_win_over_the_callers(program):
    program.run("publish", "o/a", "--env", "MODEL=large", "--env", "EMPTY=", "--env", "TEXT=a=b c", "--", "true",
                status=0)
    variables = seen(program, ref="o/a", env={"MODEL": "small"})
    assert (variables[b"MODEL"], variables[b"EMPTY"], variables[b"TEXT"]) == (b"large", b"", b"a=b c")
    assert program.run("exec", "o/a", "--", "env", env={"MODEL": "small"}).stdout.count(b"\nMODEL=") <= 1


@pytest.mark.parametrize("name", ["ALGO_METRICS_FD", "ALGO_REQUEST_ID", "ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION"])
def test_what_algo_run_was_given_of_these_does_not_reach_its_child(program, published, name):
    assert seen(program, ref=published, env={name: "stale"})[name.encode()] != b"stale"
    assert seen(program, env={name: "stale"}).get(name.encode()) != b"stale"


def test_an_algorithm_that_runs_another_one_keeps_the_two_apart(program, published):
    program.run("publish", "inner/one", "--insights", "--", "sh", "-c",
                "echo '{\"inner\":2}' >&3; printf %s \"$ALGO_OWNER $ALGO_METRICS_FD\"", status=0)
    script = 'echo "{\\"outer\\":1}" >&3; "$0" exec inner/one; echo " $ALGO_OWNER"; echo "{\\"outer_again\\":3}" >&3'
    outcome = program.run("exec", published, "--", "sh", "-c", script, program.binary, status=0)
    assert outcome.stdout == b"inner 3 asli\n"
    inner, outer = program.insights()
    assert b'"algorithm_owner":"inner"' in inner and inner.endswith(b'"inner":2}')
    assert b'"algorithm_owner":"asli"' in outer and outer.endswith(b'"outer":1,"outer_again":3}')


def test_a_version_may_not_take_over_the_variables_of_the_channel(program):
    program.run("publish", "o/a", "--env", "ALGO_METRICS_FD=9", "--", "true")
    if program.run("versions", "o/a").status == 0:
        assert program.run("exec", "o/a", "--", "printenv", "ALGO_METRICS_FD", status=0).stdout == b"3\n"
        listing = program.run("exec", "o/a", "--", "env").stdout
        assert listing.count(b"ALGO_METRICS_FD=") == 1
