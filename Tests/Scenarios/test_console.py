# SPDX-License-Identifier: Apache-2.0
"""The web console in a real browser (docs/console.md)."""

import http.client
import json
import urllib.parse

import pytest

from harness import processes
from harness.console import CHROMIUM, Visit, address, chromium
from harness.server import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"),
]

REPORTS = "cat >/dev/null; echo '{\"score\": 0.93, \"bad\": \"x\"}' >&3; echo '{\"ok\": true}'"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def server(program):
    program.run("publish", "acme/credit", "--notes", "the first", "--", "sh", "-c", REPORTS, status=0)
    with Server(program, "--allow-publish", scope="admin") as server:
        yield server


@pytest.fixture
def visit(browser, server):
    visit = Visit(browser, server)
    visit.log_in(server)
    yield visit
    assert visit.complaints == []
    visit.context.close()


def test_the_printed_address_logs_in_and_leaves_the_token_out_of_the_address_bar(visit, server):
    assert visit.page.url == visit.base + "/"
    assert visit.page.get_by_role("link", name="acme/credit").is_visible()
    assert all("token=" not in line for line in server.messages if line.startswith("GET"))


def test_without_a_session_a_page_leads_to_the_login_and_back(browser, server):
    visit = Visit(browser, server)
    page = visit.open("/keys")
    page.get_by_label("Key or token").fill("ak-wrong")
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_text("neither a key").is_visible()
    page.get_by_label("Key or token").fill(server.key)
    page.get_by_role("button", name="Log in").click()
    assert page.url == visit.base + "/keys"
    page.get_by_role("button", name="Log out").click()
    assert page.get_by_text("You are logged out.").is_visible()
    visit.open("/keys")
    assert page.get_by_label("Key or token").is_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("javascript", [True, False])
def test_publishing_and_switching_insights(browser, server, program, javascript):
    visit = Visit(browser, server, java_script_enabled=javascript)
    page = visit.log_in(server)
    page.get_by_role("link", name="acme/credit").click()
    page.get_by_role("link", name="Publish").click()
    assert page.get_by_label("revision").is_checked()
    page.get_by_label("Enable Insights for this version").check()
    page.get_by_label("Notes").fill("the <second>")
    page.get_by_role("button", name="Publish").click()
    assert page.get_by_text("acme/credit/1.0.1 is published").is_visible()
    page.get_by_role("switch", name="Insights on").click()
    assert page.get_by_text("Insights is off for acme/credit/1.0.1").is_visible()
    versions = json.loads(program.run("versions", "acme/credit", "--json", status=0).stdout)
    newest = [version for version in versions if "1.0.1" in json.dumps(version)][0]
    assert newest["notes"] == "the <second>" and newest["insights"] is False
    assert visit.complaints == []


def test_a_form_that_is_sent_twice_counts_once(visit, program):
    page = visit.open("/algorithms/acme/credit/publish")
    once = page.locator("input[name=once]").input_value()
    for _ in range(2):
        page.request.post(visit.base + "/algorithms/acme/credit/publish", form={"once": once, "part": "revision"},
                          headers={"Sec-Fetch-Site": "same-origin"})
    visit.open("/algorithms/acme/credit")
    assert "1.0.1" in page.content() and "1.0.2" not in page.content()


def test_a_new_command_is_published_only_if_the_server_allows_it(visit, program, browser):
    page = visit.open("/publish")
    page.get_by_label("Algorithm").fill("acme/echo")
    page.get_by_label("Command").fill("cat")
    page.get_by_role("button", name="Publish").click()
    assert page.get_by_text("acme/echo/1.0.0 is published").is_visible()
    with Server(program, key=False) as other:
        closed = Visit(browser, other)
        closed.open("/algorithms/acme/echo/publish")
        assert closed.page.get_by_label("Command").count() == 0


def test_trying_an_algorithm_shows_result_metrics_rejections_and_payload(visit, program):
    program.run("insights", "on", "acme/credit", status=0)
    page = visit.open("/algorithms/acme/credit/try")
    page.get_by_label("Input").fill('{"a": 1}')
    page.get_by_role("button", name="Run").click()
    outcome = page.get_by_role("status", name="Outcome")
    text = outcome.inner_text()
    assert "succeeded" in text and "0.93" in text and "not_a_number" in text and '{"ok": true}' in text
    [payload] = program.insights()
    assert payload.decode() in text


def test_executions_appear_while_the_page_is_open_and_pause(visit, program):
    page = visit.open("/executions")
    page.get_by_text("Live", exact=True).wait_for()
    program.run("exec", "acme/credit", input=b"1", status=0)
    page.get_by_role("cell", name="succeeded").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_text("Paused").is_visible()
    program.run("exec", "acme/credit", input=b"1", status=0)
    page.get_by_role("button", name="Resume").click()
    page.locator("#ended tr").nth(1).wait_for()
    page.locator("#ended a[href^='/executions/']").first.click()
    assert page.get_by_text("0.93").is_visible()


def test_a_stream_goes_on_after_a_restart_from_where_it_was(program):
    program.run("publish", "acme/credit", "--", "sh", "-c", REPORTS, status=0)
    program.run("exec", "acme/credit", input=b"1", status=0)

    def events(server, last=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/events/executions?after=0", headers={"Last-Event-ID": last} if last else {})
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "text/event-stream"
        while True:
            event = {}
            while (line := response.readline().decode().rstrip("\n")):
                name, _, value = line.partition(": ")
                event[name] = value
            yield event

    with Server(program, key=False) as server:
        first = next(event for event in events(server) if event.get("event") == "execution")
    program.run("exec", "acme/credit", input=b"1", status=0)
    with Server(program, key=False) as server:
        second = next(event for event in events(server, first["id"]) if event.get("event") == "execution")
    assert int(second["id"]) == int(first["id"]) + 1


def test_keys_are_made_shown_once_and_revoked(visit, server):
    page = visit.open("/keys")
    page.get_by_label("Name").fill("ci")
    page.get_by_role("button", name="Create").click()
    key = page.locator("#new-key").inner_text()
    assert server.request("GET", "/v1/algorithms", headers={"Authorization": f"Simple {key}"})[0] == 200
    visit.open("/keys")
    assert key not in page.content()
    page.get_by_role("button", name="Revoke ci").click()
    assert page.get_by_text("The key ci is revoked").is_visible()
    assert server.request("GET", "/v1/algorithms", headers={"Authorization": f"Simple {key}"})[0] == 401


@pytest.mark.parametrize("scope, hidden", [("call", ["Insights", "Keys"]), ("publish", ["Insights", "Keys"])])
def test_a_key_shows_and_may_do_what_its_scope_allows(browser, server, program, scope, hidden):
    key = program.run("keys", "create", scope, "--scope", scope, status=0).stdout.decode().strip()
    visit = Visit(browser, server)
    page = visit.open("/login")
    page.get_by_label("Key or token").fill(key)
    page.get_by_role("button", name="Log in").click()
    for name in hidden:
        assert page.get_by_role("navigation").get_by_role("link", name=name).count() == 0
    assert page.request.get(visit.base + "/keys").status == 403
    visit.open("/algorithms/acme/credit")
    assert page.get_by_role("switch").count() == (1 if scope == "publish" else 0)
    program.run("keys", "revoke", scope, status=0)
    visit.open("/")
    assert page.get_by_label("Key or token").is_visible()


def test_a_connection_that_fails_names_the_stage_and_is_saved_anyway(visit, program, unreachable):
    page = visit.open("/insights")
    page.get_by_role("link", name="Connect to Kafka").click()
    page.get_by_label("Topic name").fill("insights")
    page.get_by_label("Kafka broker URL(s)").fill(unreachable)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Save anyway").wait_for()
    assert "failed" in page.get_by_role("listitem").filter(has_text="tcp").inner_text()
    page.get_by_role("button", name="Back").click()
    assert page.get_by_label("Kafka broker URL(s)").input_value() == unreachable
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Save anyway").click()
    assert page.get_by_role("link", name="Edit Connection").is_visible()
    shown = json.loads(program.run("connection", "show", "--json", status=0).stdout)
    assert shown["brokers"] == [unreachable]


@pytest.mark.parametrize("field, value, sentence", [
    ("Topic name", "a topic", "the topic name must have"), ("Kafka broker URL(s)", "kafka://x:1", "is no broker")])
def test_an_error_stands_beside_its_field(visit, field, value, sentence):
    page = visit.open("/insights/connect")
    page.get_by_label("Topic name").fill("insights")
    page.get_by_label("Kafka broker URL(s)").fill("127.0.0.1:1")
    page.get_by_label(field).fill(value)
    page.get_by_role("button", name="Connect").click()
    assert page.get_by_label(field).get_attribute("aria-invalid") == "true"
    described = page.get_by_label(field).get_attribute("aria-describedby").split()[0]
    assert sentence in page.locator(f"#{described}").inner_text()


HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onfocus=alert(1) autofocus '",
           "</textarea><script>alert(1)</script>", "<svg onload=alert(1)>", "{{7*7}}", "\u202eevil", "&lt;b&gt;"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_notes_outputs_and_metric_names_are_shown_as_text(visit, program, text):
    code = f"import os\nos.write(3, {json.dumps({text: 1, text + '2': 'x'})!r}.encode() + b'\\n')\nprint({text!r})"
    program.run("publish", "acme/credit", "--insights", "--notes", text, "--", "python3", "-c", code, status=0)
    page = visit.open("/algorithms/acme/credit")
    assert page.get_by_text(text, exact=True).first.is_visible()
    visit.open("/algorithms/acme/credit/try")
    page.get_by_label("Input").fill(text)
    page.get_by_role("button", name="Run").click()
    page.get_by_role("status", name="Outcome").wait_for()
    assert page.get_by_label("Input").input_value() == text
    assert text in page.locator("pre").first.inner_text()
    assert page.locator("code", has_text=text).first.is_visible()
    visit.open("/algorithms/acme/credit/metrics")
    assert page.get_by_role("heading", name=text, exact=True).count() == 1
    assert page.locator("main script, main img, main [onload], main [onerror], main [onfocus]").count() == 0


PAGES = ["/", "/algorithms/acme/credit", "/algorithms/acme/credit/publish", "/algorithms/acme/credit/try",
         "/algorithms/acme/credit/metrics", "/executions", "/insights", "/insights/connect", "/keys", "/publish"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_wider_than_a_small_screen(browser, server, program, scheme):
    from axe_playwright_python.sync_playwright import Axe

    program.run("exec", "acme/credit", input=b"1", status=0)
    visit = Visit(browser, server, color_scheme=scheme, viewport={"width": 360, "height": 740})
    for path in ["/login", *PAGES]:
        if path == PAGES[0]:
            visit.log_in(server)
        page = visit.open(path)
        found = Axe().run(page).response["violations"]
        assert not found, (path, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert visit.complaints == []


def test_every_page_has_the_policy_names_its_command_and_asks_no_other_host(visit, server):
    asked = set()
    visit.page.on("request", lambda request: asked.add(urllib.parse.urlsplit(request.url).netloc))
    for path in PAGES:
        response = visit.page.goto(visit.base + path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        lines = visit.page.get_by_role("complementary", name="The same from a terminal").inner_text()
        assert "algo-run " in lines
    assert asked == {f"127.0.0.1:{server.port}"}
    assert len(visit.page.request.get(visit.base + "/").body()) < 50_000


def test_the_main_job_is_done_by_keyboard_alone(visit):
    page = visit.open("/algorithms/acme/credit/publish")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "insights":
            break
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_text("acme/credit/1.0.1 is published, with Insights on").wait_for()


def test_a_page_that_outlives_its_server_says_that_nothing_was_done(browser, program):
    program.run("publish", "acme/credit", "--", "true", status=0)
    with Server(program, key=True, scope="admin") as server:
        port = server.port
        visit = Visit(browser, server)
        visit.log_in(server)
        visit.open("/algorithms/acme/credit/publish")
        assert server.stop() == 0
    again = program.start("serve", "--listen", f"127.0.0.1:{port}")
    try:
        connected = lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def answers():
            try:
                connection = connected()
                connection.request("GET", "/livez")
                return connection.getresponse().status == 200
            except OSError:
                return False

        processes.await_until(answers, "the second server")
        visit.page.get_by_role("button", name="Publish").click()
        assert visit.page.get_by_text("was not carried out").is_visible()
        assert b"1.0.1" not in program.run("versions", "acme/credit", status=0).stdout
    finally:
        again.terminate()
        again.wait(60)


def test_two_browsers_see_each_others_changes(browser, visit, server):
    other = Visit(browser, server)
    other.log_in(server)
    other.open("/algorithms/acme/credit").get_by_role("switch").click()
    assert visit.open("/algorithms/acme/credit").get_by_role("switch", name="Insights on").is_visible()
    assert other.complaints == []


@pytest.mark.parametrize("headers, status", [
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({"Origin": "http://evil.test"}, 403),
    ({"Origin": "null"}, 403), ({"Host": "evil.test"}, 421)])
def test_posts_from_other_origins_and_names_are_refused(visit, server, program, headers, status):
    [cookie] = visit.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["name"] == f"algo_run_{server.port}"
    connection = server.connect()
    connection.request("POST", "/algorithms/acme/credit/publish", "once=1&part=major",
                       {"Cookie": f"{cookie['name']}={cookie['value']}", **headers})
    assert connection.getresponse().status == status
    assert b"2.0.0" not in program.run("versions", "acme/credit", status=0).stdout


def test_a_name_that_resolves_to_this_machine_is_refused(browser, server):
    rebound = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP evil.test 127.0.0.1"])
    try:
        assert rebound.new_page().goto(f"http://evil.test:{server.port}/").status == 421
    finally:
        rebound.close()


def test_failed_logins_are_limited(server):
    statuses = set()
    for _ in range(12):
        status, _, _ = server.request("POST", "/login", "key=ak-wrong", headers={"Origin": f"http://127.0.0.1:{server.port}"})
        statuses.add(status)
    assert 429 in statuses
    assert address(server)
