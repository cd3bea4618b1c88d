# SPDX-License-Identifier: Apache-2.0
"""The web console in a real browser (docs/console.md)."""

import http.client
import json
import shlex
import urllib.parse

import pytest

from harness import ports, processes
from harness.console import NEEDS_CHROMIUM, REPORTS, Visit, address, server, visit  # noqa: F401
from harness.server import Server

pytestmark = NEEDS_CHROMIUM


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


def test_a_stream_continues_after_a_restart_from_where_it_was(program):
    program.run("publish", "acme/credit", "--", "sh", "-c", REPORTS, status=0)
    program.run("exec", "acme/credit", input=b"1", status=0)

    def events(server, last=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
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
    ("Topic name", "a topic", "the topic name must have"), ("Kafka broker URL(s)", "kafka://x:1", "is not a broker")])
def test_an_error_stands_beside_its_field(visit, field, value, sentence):
    page = visit.open("/insights/connect")
    page.get_by_label("Topic name").fill("insights")
    page.get_by_label("Kafka broker URL(s)").fill("127.0.0.1:1")
    page.get_by_label(field).fill(value)
    page.get_by_role("button", name="Connect").click()
    assert page.get_by_label(field).get_attribute("aria-invalid") == "true"
    described = page.get_by_label(field).get_attribute("aria-describedby").split()[0]
    assert sentence in page.locator(f"#{described}").inner_text()


PAGES = ["/", "/algorithms/acme/credit", "/algorithms/acme/credit/publish", "/algorithms/acme/credit/try",
         "/algorithms/acme/credit/metrics", "/algorithms/acme/credit/compare", "/executions", "/executions/once", "/insights",
         "/insights/connect", "/keys", "/publish"]


def populate(program):
    """Two versions that can be compared, and an execution with a name."""
    requests = "".join(f"{number}\n" for number in range(40)).encode()
    for _ in range(2):
        program.run("publish", "acme/credit", "--", "sh", "-c", REPORTS, status=0)
        program.run("batch", "acme/credit", "-", "--quiet", input=requests, status=0)
    program.run("exec", "acme/credit", "--request-id", "once", input=b"1", status=0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_wider_than_a_small_screen(browser, server, program, scheme):
    from axe_playwright_python.sync_playwright import Axe

    populate(program)
    visit = Visit(browser, server, color_scheme=scheme, viewport={"width": 360, "height": 740})
    for path in ["/login", *PAGES]:
        if path == PAGES[0]:
            visit.log_in(server)
        page = visit.open(path)
        found = Axe().run(page).response["violations"]
        assert not found, (path, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert visit.complaints == []


def test_every_page_has_the_policy_names_its_commands_and_asks_no_other_host(visit, server, program):
    populate(program)
    asked = set()
    visit.page.on("request", lambda request: asked.add(urllib.parse.urlsplit(request.url).netloc))
    for path in [*PAGES, "/login"]:
        response = visit.page.goto(visit.base + path)
        assert response.status == 200, path
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        lines = visit.page.get_by_role("complementary", name="The same from a terminal").inner_text()
        assert "algo-run " in lines and "curl " in lines, path
    assert asked == {f"127.0.0.1:{server.port}"}


def test_the_first_page_with_all_that_it_loads_is_below_50_kilobytes(browser, server):
    visit = Visit(browser, server)
    sizes = {}
    visit.page.on("response", lambda response: response.status == 200 and sizes.update(
        {urllib.parse.urlsplit(response.url).path: len(response.body())}))
    visit.log_in(server)
    visit.page.wait_for_load_state("networkidle")
    assert {path.rpartition(".")[2] for path in sizes} >= {"/", "css", "js"}
    assert sum(sizes.values()) < 50_000, sizes


def test_the_lines_of_a_connection_follow_its_type(visit):
    page = visit.open("/insights/connect")
    lines = page.get_by_role("complementary", name="The same from a terminal")
    for label, option in [("Unencrypted (plaintext)", "--type plaintext"), ("SASL/SCRAM over TLS", "--type sasl_ssl"),
                          ("Azure Event Hubs", "--event-hubs"), ("File", "--type file")]:
        page.get_by_label(label, exact=True).check()
        shown = lines.inner_text()
        assert option in shown and shown.count("connection set") == 1
        assert ("--mechanism" in shown) == (label == "SASL/SCRAM over TLS")


def test_the_line_that_publishes_makes_the_same_version(visit, program):
    program.run("publish", "acme/credit", "--directory", program.directory, "--timeout", "30s", "--env", "MODEL=a b", "--",
                "sh", "-c", REPORTS, status=0)
    page = visit.open("/algorithms/acme/credit/publish")
    line = page.locator("code", has_text="algo-run publish").inner_text()
    program.run(*shlex.split(line)[1:], status=0)
    before, after = json.loads(program.run("versions", "acme/credit", "--json", status=0).stdout)[-2:]
    for member in ("command", "directory", "timeout", "env", "environment"):
        assert before.get(member) == after.get(member), member


def test_a_version_with_insights_on_is_never_shown_as_one_with_insights_off(visit, program, unreachable):
    def tried():
        page = visit.open("/algorithms/acme/credit/try")
        page.get_by_label("Input").fill("1")
        page.get_by_role("button", name="Run").click()
        outcome = page.get_by_role("status", name="Outcome")
        outcome.wait_for()
        assert "Insights off" not in outcome.inner_text()
        page.goto(visit.base + "/executions")
        row = page.locator("#ended tr").first.inner_text()
        assert "Insights off" not in row
        return outcome_word(row)

    def outcome_word(row):
        return next(word for word in ("written", "queued", "delivered", "no payload") if word in row)

    program.run("insights", "on", "acme/credit", status=0)
    assert tried() == "written"
    program.run("connection", "set", "--type", "plaintext", "--brokers", unreachable, "--topic", "t", status=0)
    assert tried() == "queued"
    program.run("publish", "acme/credit", "--insights", "--", "/nonexistent", status=0)
    assert tried() == "no payload"


def answers(port):
    """Whether a server listens there."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False


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
        processes.await_until(lambda: answers(port), "the second server")
        visit.page.get_by_role("button", name="Publish").click()
        assert visit.page.get_by_text("was not carried out").is_visible()
        assert b"1.0.1" not in program.run("versions", "acme/credit", status=0).stdout
    finally:
        again.terminate()
        again.wait(60)


def test_a_live_page_continues_after_a_restart_without_a_reload(browser, program):
    port = ports.reserve(1)
    program.run("publish", "acme/credit", "--", "sh", "-c", REPORTS, status=0)

    def serve():
        process = program.start("serve", "--listen", f"127.0.0.1:{port}", "--no-auth")
        processes.await_until(lambda: answers(port), "the server")
        return process

    process = serve()
    visit = Visit(browser, type("Server", (), {"port": port}))
    page = visit.open("/executions")
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("window.isTheSamePage = true")
    process.terminate()
    process.wait(60)
    page.get_by_text("Connecting again").wait_for(timeout=60_000)
    program.run("exec", "acme/credit", "--request-id", "between", input=b"1", status=0)
    process = serve()
    page.locator("#ended").get_by_text("between").wait_for(timeout=60_000)
    assert page.evaluate("window.isTheSamePage")
    process.terminate()
    process.wait(60)
    visit.context.close()


def test_two_browsers_see_each_others_changes(browser, visit, server):
    other = Visit(browser, server)
    other.log_in(server)
    page = visit.open("/executions")
    page.get_by_text("Live", exact=True).wait_for()
    other.open("/algorithms/acme/credit").get_by_role("switch").click()
    other.page.get_by_role("link", name="Try it").click()
    other.page.get_by_role("button", name="Run").click()
    other.page.get_by_role("status", name="Outcome").wait_for()
    page.get_by_role("cell", name="succeeded").wait_for()
    # Both have the form of the same version; neither loses what it published.
    forms = [one.open("/algorithms/acme/credit/publish") for one in (visit, other)]
    for form in forms:
        assert form.get_by_text("1.0.1, a correction").is_visible()
    for number, form in enumerate(forms, 1):
        form.get_by_role("button", name="Publish").click()
        form.get_by_text(f"acme/credit/1.0.{number} is published").wait_for()
    assert visit.open("/algorithms/acme/credit").get_by_role("switch", name="Insights on").count() == 3
    # Each has a session of its own.
    other.page.get_by_role("button", name="Log out").click()
    assert visit.open("/").get_by_role("heading", name="Algorithms").is_visible()
    assert other.complaints == []


def test_failed_logins_are_limited(server):
    statuses = set()
    for _ in range(12):
        status, _, _ = server.request("POST", "/login", "key=ak-wrong", headers={"Origin": f"http://127.0.0.1:{server.port}"})
        statuses.add(status)
    assert 429 in statuses
    assert address(server)
