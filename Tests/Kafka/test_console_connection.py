# SPDX-License-Identifier: Apache-2.0
"""*Connect to Kafka* and *Edit Connection* in a real browser, against genuine Kafka with SCRAM over TLS."""

import json
import re
from pathlib import Path

import confluent_kafka
import pytest

from harness import processes
from harness.console import NEEDS_CHROMIUM, visit  # noqa: F401
from harness.server import Server

pytestmark = NEEDS_CHROMIUM
STAGES = ["settings", "resolve", "tcp", "tls", "authentication", "metadata", "topic", "produce"]


@pytest.fixture
def program(program):
    """With a librdkafka that logs in to every Kafka by SCRAM; an old one reaches 3.9 only."""
    [library] = (Path(confluent_kafka.__file__).parent.parent).glob("confluent_kafka.libs/librdkafka-*")
    environment = program.environment
    program.environment = lambda **changes: environment(ALGO_RUN_LIBRDKAFKA=str(library), **changes)
    return program


@pytest.fixture
def server(program):
    with Server(program, scope="admin") as server:
        yield server


def fill(page, kafka, topic, **changes):
    fields = {"Topic name": topic, "Kafka broker URL(s)": kafka.SASL_SSL, "Kafka broker username": kafka.USER,
              "Kafka broker password": kafka.PASSWORD, "CA certificate": Path(kafka.CA).read_text(), **changes}
    page.get_by_label("SASL/SCRAM over TLS", exact=True).check()
    for label, text in fields.items():
        page.get_by_label(label, exact=True).fill(text)


def connect(page):
    """The stages of the test, each with its verdict and the rest of its line."""
    page.get_by_role("button", name="Connect").click()
    page.locator("[role=status], [role=alert]").first.wait_for()
    found = {}
    for item in page.get_by_role("list", name="Stages of the test").get_by_role("listitem").all():
        found[item.locator("strong").inner_text()] = (item.locator(".badge").inner_text(), item.inner_text())
    return found


def show(program):
    return json.loads(program.run("connection", "show", "--json", status=0).stdout)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_connecting_by_scram_over_tls_shows_each_stage_saves_and_delivers(kafka43, program, server, visit, topic, mechanism):
    page = visit.open("/insights")
    page.get_by_role("link", name="Connect to Kafka").click()
    fill(page, kafka43, topic)
    page.get_by_label("SASL mechanism").select_option(mechanism)
    stages = connect(page)
    assert list(stages) == STAGES and {verdict for verdict, _ in stages.values()} == {"passed"}, stages
    assert re.search(r"certificate .*CN=\S+, issued by /\S.*, valid until \d{4}-", stages["tls"][1]), stages["tls"]
    assert page.get_by_text("Connected.").is_visible()
    shown = show(program)
    assert (shown["topic"], shown["brokers"]) == (topic, [kafka43.SASL_SSL])
    page.get_by_role("link", name="Insights", exact=True).first.click()
    facts = page.get_by_role("main").inner_text()
    assert mechanism in facts and "issued by itself, valid until" in facts and kafka43.PASSWORD not in page.content()
    visit.open("/algorithms/demo/x/try")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("status", name="Outcome").wait_for()
    processes.await_until(lambda: len(kafka43.keys(topic)) == 1, "the payload on the topic")


@pytest.mark.parametrize("field, value, stage, cause", [
    ("Kafka broker password", "wrong-planted", "authentication", "check both"),
    ("CA certificate", "OTHER_CA", "tls", "not trusted"),
    ("Kafka broker URL(s)", "SASL_SSL_EXPIRED", "tls", "expired at"),
    ("Kafka broker URL(s)", "SASL_SSL_WRONG_NAME", "tls", "for another host"),
    ("Kafka broker URL(s)", "PLAINTEXT", "tls", "no TLS on this port"),
])
def test_a_failure_shows_its_stage_cause_and_hint_and_is_saved_only_if_wanted(
        kafka43, program, visit, topic, field, value, stage, cause):
    text = getattr(kafka43, value, value)
    text = Path(text).read_text() if value == "OTHER_CA" else text
    page = visit.open("/insights/connect")
    fill(page, kafka43, topic, **{field: text})
    stages = connect(page)
    assert list(stages) == STAGES[:STAGES.index(stage) + 1], stages
    assert [verdict for verdict, _ in stages.values()] == ["passed"] * (len(stages) - 1) + ["failed"]
    assert cause in stages[stage][1] and "Hint: " in stages[stage][1], stages[stage]
    assert page.get_by_text("Nothing was saved").is_visible()
    assert show(program).get("topic") != topic
    page.get_by_role("button", name="Back").click()
    assert page.get_by_label("Topic name").input_value() == topic
    assert page.get_by_label("Kafka broker password").input_value() == "" and "wrong-planted" not in page.content()
    page.get_by_label("Kafka broker password").fill(text if "password" in field else kafka43.PASSWORD)
    connect(page)
    page.get_by_role("button", name="Save anyway").click()
    assert page.get_by_text("The connection is saved, although its test failed").is_visible()
    assert show(program)["topic"] == topic


def test_the_stages_appear_while_the_test_runs(kafka43, visit, topic):
    """The page is seen with some stages before the last one has ended."""
    page = visit.open("/insights/connect")
    fill(page, kafka43, topic)
    page.evaluate("""() => { sessionStorage.seen = '' }""")
    page.add_init_script("""
        new MutationObserver(() => {
          const count = document.querySelectorAll('.stages .badge').length;
          const seen = (sessionStorage.seen ?? '').split(',');
          if (count && seen.at(-1) !== String(count)) sessionStorage.seen = [...seen, count].join(',');
        }).observe(document, { childList: true, subtree: true });""")
    stages = connect(page)
    counts = [int(count) for count in page.evaluate("sessionStorage.seen").split(",") if count]
    assert len(counts) > 1 and counts == sorted(counts) and counts[-1] == len(stages), counts


def test_editing_shows_all_but_the_secret_and_keeps_the_password_only_for_the_same_brokers_and_user(
        kafka43, program, visit, topic):
    page = visit.open("/insights/connect")
    fill(page, kafka43, topic)
    assert list(connect(page))[-1] == "produce"
    page.get_by_role("link", name="Edit Connection").click()
    assert page.get_by_role("heading", name="Edit Connection").is_visible()
    assert page.get_by_label("SASL/SCRAM over TLS").is_checked()
    for label, text in [("Topic name", topic), ("Kafka broker URL(s)", kafka43.SASL_SSL),
                        ("Kafka broker username", kafka43.USER), ("SASL mechanism", "SCRAM-SHA-512"),
                        ("CA certificate", Path(kafka43.CA).read_text())]:
        assert page.get_by_label(label, exact=True).input_value().strip() == text.strip(), label
    assert page.get_by_role("list", name="Certificates").get_by_text("issued by itself, valid until").is_visible()
    secret = page.get_by_label("Kafka broker password")
    assert secret.input_value() == "" and secret.get_attribute("placeholder") == "unchanged"
    assert kafka43.PASSWORD not in page.content()
    # The same brokers and user: the password stays, and all stages pass with it.
    page.get_by_label("Topic name").fill(topic + "-b")
    stages = connect(page)
    assert list(stages) == STAGES and {verdict for verdict, _ in stages.values()} == {"passed"}, stages
    assert show(program)["topic"] == topic + "-b"
    # Others: it is asked for again, beside its field, and nothing is sent to them.
    for label, text in [("Kafka broker username", kafka43.STRANGER), ("Kafka broker URL(s)", kafka43.PLAINTEXT)]:
        visit.open("/insights/connect")
        page.get_by_label(label, exact=True).fill(text)
        page.get_by_role("button", name="Connect").click()
        assert "is kept only if brokers and user name stay" in page.locator("#password-error").inner_text()
        assert page.get_by_label("Kafka broker password").get_attribute("aria-invalid") == "true"
    assert show(program)["brokers"] == [kafka43.SASL_SSL]
