# SPDX-License-Identifier: Apache-2.0
"""The main job of each page of the console, with the keyboard alone and with JavaScript off (docs/console.md)."""

import re

import pytest

from harness.console import NEEDS_CHROMIUM, Keyboard, Pointer, Visit, server  # noqa: F401

pytestmark = NEEDS_CHROMIUM
JOBS = {}


def job(work):
    """`work` uses a page of a visitor who is logged in."""
    JOBS[work.__name__] = work
    return work


@job
def log_in(use, open, program, server):
    use.page.context.clear_cookies()
    open("/login")
    use.fill("Key or token", server.key)
    use.press("button", "Log in")
    use.page.get_by_role("heading", name="Algorithms").wait_for()
    use.press("button", "Log out")
    use.page.get_by_text("You are logged out.").wait_for()


@job
def find_an_algorithm(use, open, program, server):
    open("/")
    use.press("link", "acme/credit")
    use.page.get_by_role("heading", name="acme/credit").wait_for()


@job
def switch_insights(use, open, program, server):
    open("/algorithms/acme/credit")
    use.press("switch", "Insights off")
    use.page.get_by_text("Insights is on for acme/credit/1.0.0").wait_for()


@job
def publish_a_version(use, open, program, server):
    open("/algorithms/acme/credit/publish")
    use.check("minor")
    use.fill("Notes", "second")
    use.check("Enable Insights for this version")
    use.press("button", "Publish")
    use.page.get_by_text("acme/credit/1.1.0 is published, with Insights on").wait_for()


@job
def publish_an_algorithm(use, open, program, server):
    open("/publish")
    use.fill("Algorithm", "acme/echo")
    use.fill("Command", "cat")
    use.press("button", "Publish")
    use.page.get_by_text("acme/echo/1.0.0 is published").wait_for()


@job
def try_an_algorithm(use, open, program, server):
    open("/algorithms/acme/credit/try")
    use.fill("Input", "1")
    use.press("button", "Run")
    use.page.get_by_role("status", name="Outcome").get_by_text("0.93").first.wait_for()


@job
def read_a_plot(use, open, program, server):
    program.run("exec", "acme/credit", input=b"1", status=0)
    open("/algorithms/acme/credit/metrics")
    use.unfold("Values")
    use.page.get_by_role("region", name="Values of Duration").wait_for()


@job
def compare_two_versions(use, open, program, server):
    for number in range(3):
        if number:
            program.run("publish", "acme/credit", "--", "sh", "-c", "cat; echo '{\"score\": 1}' >&3", status=0)
        program.run("exec", "acme/credit", input=b"1", status=0)
    open("/algorithms/acme/credit/compare")
    use.choose("A, known to be good", "1.0.0")
    use.choose("B, in question", "1.0.1")
    use.press("button", "Compare")
    use.page.wait_for_url(re.compile(r"a=1\.0\.0&b=1\.0\.1"))
    use.page.get_by_role("status", name="Verdict").wait_for()


@job
def find_an_execution(use, open, program, server):
    program.run("exec", "acme/credit", "--request-id", "mine", input=b"1", status=0)
    open("/executions")
    use.choose("Outcome", "succeeded")
    use.press("button", "Filter")
    use.page.wait_for_url(re.compile("outcome=succeeded"))
    use.press("link", "mine")
    use.page.get_by_role("heading", name="Execution").wait_for()


@job
def connect_to_kafka(use, open, program, server):
    open("/insights")
    use.press("link", "Connect to Kafka")
    use.page.get_by_label("Topic name").wait_for(state="attached")
    use.check("Unencrypted (plaintext)")
    use.fill("Topic name", "insights")
    use.fill("Kafka broker URL(s)", "127.0.0.1:1")
    use.press("button", "Connect")
    use.page.get_by_role("button", name="Save anyway").wait_for()
    use.press("button", "Save anyway")
    use.page.get_by_text("The connection is saved").wait_for()


@job
def retry_what_waits(use, open, program, server):
    program.run("insights", "on", "acme/credit", status=0)
    program.run("connection", "set", "--type", "plaintext", "--brokers", "127.0.0.1:1", "--topic", "t",
                "--delivery-wait", "0s", status=0)
    program.run("exec", "acme/credit", "--request-id", "waits", input=b"1", status=0)
    open("/insights")
    use.page.get_by_role("region", name="Waiting payloads").get_by_text("waits").wait_for()
    use.press("button", "Retry expired and rejected")
    use.page.get_by_text("payload(s) are pending again").wait_for()


@job
def make_and_revoke_a_key(use, open, program, server):
    open("/keys")
    use.fill("Name", "ci")
    use.press("button", "Create")
    use.page.locator("#new-key").wait_for()
    use.press("button", "Revoke ci")
    use.page.get_by_text("The key ci is revoked").wait_for()


@pytest.mark.parametrize("way", [Keyboard, Pointer], ids=["by keyboard", "without JavaScript"])
@pytest.mark.parametrize("work", JOBS.values(), ids=JOBS)
def test_each_pages_main_job_is_done(browser, server, program, work, way):
    visit = Visit(browser, server, java_script_enabled=way is Keyboard)
    visit.log_in(server)
    work(way(visit.page), visit.open, program, server)
    assert visit.complaints == []
    visit.context.close()
