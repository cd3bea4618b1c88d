# SPDX-License-Identifier: Apache-2.0
"""The page that compares two versions (docs/console.md)."""

import json
import select
import shlex
import sqlite3
import subprocess

import pytest

from harness.console import NEEDS_CHROMIUM, Visit, server, visit  # noqa: F401
from harness.server import Server

pytestmark = NEEDS_CHROMIUM
PAGE = "/algorithms/acme/scores/compare"
REQUESTS = "".join(f"{number}\n" for number in range(50)).encode()


@pytest.fixture
def scores(program):
    """Two versions that ran the same 50 requests; the second one's scores are higher."""
    for shift in (0, 40):
        code = f"read x; echo \"{{\\\"score\\\": $((x + {shift})), \\\"same\\\": $x}}\" >&3; echo $x"
        program.run("publish", "acme/scores", "--", "sh", "-c", code, status=0)
        program.run("batch", "acme/scores", "-", "--quiet", input=REQUESTS, status=0)


def compared(program):
    """The command's output about both."""
    outcome = program.run("compare", "acme/scores/1.0.0", "acme/scores/1.0.1", "--json", status=1)
    return {metric["name"]: metric for metric in json.loads(outcome.stdout)["metrics"]}


def test_the_page_has_the_verdict_of_the_command_on_each_metric(scores, visit, program):
    page = visit.open("/algorithms/acme/scores")
    page.get_by_role("link", name="Compare").click()
    assert page.get_by_role("status", name="Verdict").inner_text() == "1 of 2 metrics drifted."
    assert page.get_by_text("50 pairs are compared input by input").is_visible()
    told = compared(program)
    assert told["score"]["verdict"] == "drift" and told["same"]["verdict"] == "same"
    for name, metric in told.items():
        card = page.locator("section.plot-card").filter(has=page.get_by_role("heading", name=name))
        assert metric["verdict"] in card.get_by_role("heading").inner_text()
        assert metric["explanation"][1:] in card.inner_text()
        row = page.get_by_role("region", name="Metrics").get_by_role("row").filter(has=page.get_by_role("link", name=name))
        assert row.locator(".badge").inner_text() == metric["verdict"]
    assert page.get_by_role("region", name="Not judged").get_by_text("Duration").is_visible()


def test_both_distributions_are_drawn_with_axes_and_a_tooltip(scores, visit):
    page = visit.open(PAGE)
    plot = page.locator("#metric-0 figure")
    ticks = plot.locator("text").all_text_contents()
    assert any(tick.endswith(" %") for tick in ticks) and any(tick.isdecimal() for tick in ticks)
    column = plot.locator(".hit").first
    column.hover()
    tip = plot.locator(".tip")
    assert tip.is_visible() and "A (1.0.0): " in tip.inner_text() and "B (1.0.1): " in tip.inner_text()
    shares = [float(row.split("\t")[1].split(" ")[0]) for row in
              page.locator("#metric-0 details tbody").evaluate(
                  "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent).join('\\t'))")]
    assert sum(shares) == pytest.approx(100, abs=1)


def test_versions_are_chosen_and_what_cannot_be_compared_says_why(scores, visit, program):
    page = visit.open(f"{PAGE}?a=1.0.1&b=1.0.0")
    assert page.get_by_label("A, known to be good").input_value() == "1.0.1"
    assert "algo-run compare acme/scores/1.0.1 acme/scores/1.0.0" in page.content()
    for query in ("a=1.0.0&b=1.0.0", "a=7.0.0&b=1.0.0"):
        visit.open(f"{PAGE}?{query}")
        assert page.get_by_role("alert").get_by_text("Choose two versions that have executions").is_visible()
    visit.open("/algorithms/acme/credit/compare")
    assert page.get_by_text("There are no two versions to compare yet").is_visible()


def test_the_lines_of_the_page_give_its_verdict(scores, visit, server, program):
    page = visit.open(PAGE)
    command, remote = page.get_by_role("complementary").locator("code").all_inner_texts()
    said = program.run(*shlex.split(command)[1:], status=1).stdout
    assert b"1 of 2 metrics drifted." in said
    run = subprocess.run(
        ["sh", "-c", remote.replace("algo-run compare", f"{program.binary} compare")], capture_output=True, timeout=300,
        env=program.environment(KEY=server.key))
    assert run.returncode == 1 and run.stdout == said, run


def test_a_comparison_delays_no_call(scores, program):
    """While another process holds the history, a comparison waits. A call that comes after it is answered before it."""
    with Server(program, key=False) as server:
        def overtakes():
            holder = sqlite3.connect(program.home / "history" / "history.db")
            holder.execute("BEGIN EXCLUSIVE")
            comparing = server.connect()
            comparing.request("GET", PAGE)
            server.call("acme/scores", b"1")
            is_answered = bool(select.select([comparing.sock], [], [], 0)[0])
            holder.rollback()
            holder.close()
            assert comparing.getresponse().status == 200
            return not is_answered

        assert any(overtakes() for _ in range(10))
