# SPDX-License-Identifier: Apache-2.0
"""Data from outside is text in the console, and other pages cannot use it (docs/console.md)."""

import http.server
import json
import shutil
import threading
import urllib.parse
from pathlib import Path

import pytest

from harness import ports
from harness.console import CHROMIUM, NEEDS_CHROMIUM, server, visit  # noqa: F401

pytestmark = NEEDS_CHROMIUM
BINDING = Path(__file__).resolve().parents[2] / "Bindings/Python/algo_run"
HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus=alert(1) autofocus '",
           "</textarea><script>alert(1)</script>", "<svg onload=alert(1)>", "</title><script>alert(1)</script>",
           "javascript:alert(1)", "{{7*7}}", "\u202eevil", "&lt;b&gt;"]
ALL = " ".join(HOSTILE)
FOREIGN = "main script, main img, main iframe, main [onload], main [onerror], main [onfocus], [href^='javascript:']"


def assert_harmless(visit):
    assert visit.page.locator(FOREIGN).count() == 0
    assert visit.page.locator("h1").count() == 1
    assert visit.complaints == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_notes_outputs_and_metric_names_are_shown_as_text(visit, program, text):
    code = f"import os\nos.write(3, {json.dumps({text: 1, text + '2': 'x'})!r}.encode() + b'\\n')\nprint({text!r})"
    for _ in range(2):
        program.run("publish", "acme/credit", "--insights", "--notes", text, "--", "python3", "-c", code, status=0)
        program.run("exec", "acme/credit", input=b"1", status=0)
    page = visit.open("/algorithms/acme/credit")
    assert page.get_by_text(text, exact=True).first.is_visible()
    visit.open("/algorithms/acme/credit/try")
    page.get_by_label("Input").fill(text)
    page.get_by_role("button", name="Run").click()
    page.get_by_role("status", name="Outcome").wait_for()
    assert page.get_by_label("Input").input_value() == text
    assert text in page.locator("pre").first.inner_text()
    assert page.locator("code", has_text=text).first.is_visible()
    assert_harmless(visit)
    visit.open("/algorithms/acme/credit/metrics")
    assert page.get_by_role("heading", name=text, exact=True).count() == 1
    assert_harmless(visit)
    visit.open("/algorithms/acme/credit/compare")
    assert page.locator("section.plot-card h2").filter(has_text=text).count() == 1
    assert_harmless(visit)


def in_a_command(visit, program):
    program.run("publish", "acme/credit", "--", "echo", *HOSTILE, status=0)
    visit.open("/algorithms/acme/credit")
    visit.open("/algorithms/acme/credit/publish")


def in_a_directory(visit, program):
    folder = program.directory / ALL.replace("/", "|")[:200]
    folder.mkdir()
    program.run("publish", "acme/credit", "--directory", folder, "--", "true", status=0)
    visit.open("/algorithms/acme/credit")


def in_diagnostics(visit, program):
    code = f"import sys; sys.stderr.write({ALL!r}); sys.exit(1)"
    program.run("publish", "acme/credit", "--", "python3", "-c", code, status=0)
    visit.open("/algorithms/acme/credit/try")
    visit.page.get_by_role("button", name="Run").click()
    visit.page.get_by_role("status", name="Outcome").wait_for()


def in_an_error_of_a_worker(visit, program):
    (program.directory / "bad.py").write_text(
        f"import algo_run\n\ndef apply(input):\n    raise ValueError({ALL!r})\n\nalgo_run.serve(apply)\n")
    shutil.copytree(BINDING, program.directory / "algo_run")
    program.run("publish", "acme/credit", "--worker", "--directory", program.directory, "--", "python3", "bad.py", status=0)
    visit.open("/algorithms/acme/credit/try")
    visit.page.get_by_label("Input").fill("1")
    visit.page.get_by_role("button", name="Run").click()
    visit.page.get_by_role("status", name="Outcome").wait_for()


def in_a_request_id(visit, program):
    for number, text in enumerate(HOSTILE):
        program.run("exec", "acme/credit", "--request-id", f"{number}{text}", input=b"1")
    visit.open("/executions")
    visit.page.get_by_text("Live", exact=True).wait_for()
    program.run("exec", "acme/credit", "--request-id", ALL[:100], input=b"1")


def in_fields(visit, program):
    page = visit.open("/publish")
    for label in ("Algorithm", "Notes", "Command", "Working directory"):
        page.get_by_label(label).fill(ALL)
    page.get_by_role("button", name="Publish").click()
    assert page.get_by_label("Notes").input_value() == ALL
    assert_harmless(visit)
    visit.open("/keys")
    page.get_by_label("Name").fill(ALL)
    page.get_by_role("button", name="Create").click()
    assert page.get_by_text("A name is 1 to 64").is_visible()


def in_a_connection(visit, program):
    page = visit.open("/insights/connect")
    page.get_by_label("SASL/SCRAM over TLS").check()
    for label in ("Topic name", "Kafka broker URL(s)", "Kafka broker username", "CA certificate"):
        page.get_by_label(label, exact=True).fill(ALL)
    page.get_by_role("button", name="Connect").click()
    assert page.get_by_label("Kafka broker username").input_value() == ALL
    assert_harmless(visit)
    page.get_by_label("Topic name").fill("t")
    page.get_by_label("Kafka broker URL(s)").fill("127.0.0.1:1")
    page.get_by_label("Kafka broker password").fill(ALL)
    page.get_by_label("CA certificate", exact=True).fill("")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Save anyway").click()
    page.get_by_text("The connection is saved").wait_for()
    assert page.locator("dd", has_text=HOSTILE[0]).first.is_visible()


def in_a_path_of_a_file(visit, program):
    page = visit.open("/insights/connect")
    page.get_by_label("File", exact=True).check()
    page.get_by_label("Path").fill("/nonexistent/" + ALL)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Save anyway").wait_for()
    assert page.locator(".cause", has_text="alert(1)").is_visible()


@pytest.mark.parametrize("place", [
    in_a_command, in_a_directory, in_diagnostics, in_an_error_of_a_worker, in_a_request_id, in_fields, in_a_connection,
    in_a_path_of_a_file], ids=lambda place: place.__name__)
def test_hostile_text_is_harmless(visit, program, place):
    place(visit, program)
    assert_harmless(visit)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_addresses_lead_nowhere_else(visit, server, text):
    quoted = urllib.parse.quote(text, safe="")
    for path in (f"/executions?algorithm={quoted}&outcome={quoted}&until={quoted}", f"/login?next={quoted}",
                 f"/algorithms/acme/credit/compare?a={quoted}&b={quoted}", f"/insights/connect?tested={quoted}"):
        visit.open(path)
        assert_harmless(visit)
    # Chromium complains about every page of status 404.
    for path in (f"/executions/{quoted}", f"/algorithms/acme/{quoted}"):
        visit.open(path)
        assert visit.page.locator(FOREIGN).count() == 0
    visit.complaints = [complaint for complaint in visit.complaints if "404" not in complaint]
    visit.open(f"/login?next={urllib.parse.quote('//evil.test/' + text, safe='')}")
    visit.page.get_by_label("Key or token").fill(server.key)
    visit.page.get_by_role("button", name="Log in").click()
    assert visit.page.url.startswith(visit.base)


REFUSALS = [
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({"Origin": "http://evil.test"}, 403),
    ({"Origin": "null"}, 403), ({"Host": "evil.test"}, 421)]


@pytest.mark.parametrize("path", [
    "/algorithms/acme/credit/publish", "/algorithms/acme/credit/versions/1.0.0/insights", "/algorithms/acme/credit/try",
    "/keys", "/keys/test/revoke", "/insights/connect", "/insights/save", "/insights/remove", "/insights/outbox/purge",
    "/publish", "/login", "/logout"])
def test_posts_from_other_origins_and_names_are_refused(visit, server, program, path):
    [cookie] = visit.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["name"] == f"algo_run_{server.port}"
    before = program.run("versions", "--json", status=0).stdout, program.run("keys", "list", status=0).stdout
    for headers, status in REFUSALS:
        connection = server.connect()
        connection.request("POST", path, "once=1&part=major&insights=on&name=evil&type=file",
                           {"Cookie": f"{cookie['name']}={cookie['value']}", **headers})
        assert connection.getresponse().status == status, headers
    assert (program.run("versions", "--json", status=0).stdout, program.run("keys", "list", status=0).stdout) == before
    assert visit.open("/").get_by_role("heading", name="Algorithms").is_visible()


def test_a_page_of_another_port_posts_in_vain_although_the_browser_sends_the_cookie(visit, server, program):
    """Ports of a host share cookies, and SameSite does not distinguish them."""
    seen = []

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"""<form method="post" action="{visit.base}/algorithms/acme/credit/publish">
                <input name="once" value="1"><input name="part" value="major"><button>Win</button></form>""".encode())

        def log_message(self, *_):
            pass

    evil = http.server.ThreadingHTTPServer(("127.0.0.1", ports.reserve(1)), Evil)
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    try:
        visit.page.goto(f"http://127.0.0.1:{evil.server_port}/")
        with visit.page.expect_navigation() as navigation:
            visit.page.get_by_role("button", name="Win").click()
        assert navigation.value.status == 403
    finally:
        evil.shutdown()
        evil.server_close()
    assert f"algo_run_{server.port}=" in seen[0]
    assert b"2.0.0" not in program.run("versions", "acme/credit", status=0).stdout
    visit.complaints = [complaint for complaint in visit.complaints if "403" not in complaint and "404" not in complaint]


def test_a_name_that_resolves_to_this_machine_is_refused(browser, server):
    rebound = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP evil.test 127.0.0.1"])
    try:
        page = rebound.new_page()
        for path in ("/", "/login", "/v1/algorithms", "/events/executions", "/metrics"):
            assert page.goto(f"http://evil.test:{server.port}{path}").status == 421
    finally:
        rebound.close()
