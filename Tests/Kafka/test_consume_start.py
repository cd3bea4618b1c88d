# SPDX-License-Identifier: Apache-2.0
"""`consume` at its start: what brokers answer ends it with status 78, what they do not answer yet is waited for."""

import signal

import pytest

from harness import processes
from harness.connections import connect, plaintext, sasl
from harness.members import SHORT, Members
from harness.request_proxy import ADD_PARTITIONS_TO_TXN, DESCRIBE_CONFIGS, INIT_PRODUCER_ID, METADATA, PRODUCE

NAMED = ["-X", "client.id=lonely", *SHORT]


@pytest.fixture
def members43(program, kafka43):
    members = Members(program, kafka43)
    yield members
    members.print_logs()


@pytest.fixture
def members(proxied_members):
    return proxied_members


def await_words(member, *words):
    """Waits until a message of a member that runs has these words."""
    def has_them():
        lines = member.log.read_text().splitlines()
        assert member.poll() is None, lines
        return any(all(word in line for word in words) for line in lines)

    processes.await_until(has_them, f"a message with {words}")


def end(member, number=signal.SIGTERM):
    member.send_signal(number)
    assert member.wait(timeout=processes.LIMIT) == 0, member.log.read_text()


@pytest.mark.parametrize("request_, words", [
    (METADATA, "metadata: "), (DESCRIBE_CONFIGS, "the settings of topic"), (INIT_PRODUCER_ID, "transactions: "),
    (ADD_PARTITIONS_TO_TXN, "produce: topic"), (PRODUCE, "produce: topic")])
def test_a_broker_that_does_not_answer_at_the_start_is_waited_for(members, proxy, request_, words):
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"] * 4)
    proxy.holds.add((request_, "lonely"))
    member = members.start_logged(*NAMED)
    await_words(member, "waiting for ", words)
    proxy.holds.clear()
    members.await_results(4)
    assert "the brokers answer" in member.log.read_text()
    end(member)
    assert list(members.topics.count(members.results).values()) == [1] * 4


def test_a_broker_that_takes_seconds_for_each_answer_has_members_all_the_same(members, proxy):
    members.publish("cat", insights=False)
    members.topics.produce(members.requests, [b"x"] * 4)
    proxy.slow["lonely"] = 3
    member = members.start_logged("--metrics", "127.0.0.1:0", *NAMED)
    await_words(member, "/metrics.")
    figures = members.figures(member)

    def is_late():
        text = member.log.read_text()
        assert member.poll() is None, text
        # More than a usual start takes; or it has all answers.
        return "transactions: " in text or "produce: topic" in text or figures()["rebalances_total"] != "0"

    processes.await_until(is_late, "a member that has waited for answers")
    proxy.slow.clear()
    members.await_results(4)
    end(member)
    assert list(members.topics.count(members.results).values()) == [1] * 4


@pytest.mark.parametrize("request_, number", [
    (METADATA, signal.SIGTERM), (INIT_PRODUCER_ID, signal.SIGINT), (PRODUCE, signal.SIGTERM)])
def test_a_signal_ends_a_member_that_waits_for_an_answer(members, proxy, request_, number):
    members.publish("cat")
    proxy.holds.add((request_, "lonely"))
    member = members.start_logged(*NAMED)
    await_words(member, "waiting for ")
    end(member, number)


@pytest.mark.any_library
def test_brokers_that_are_away_at_the_start_are_named_with_their_stage_and_waited_for(own_kafka, program):
    kafka = own_kafka()
    members = Members(program, kafka)
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"])
    kafka.crash()
    member = members.start_logged("--once")
    await_words(member, "waiting for the brokers: tcp: ", "Connection refused")
    kafka.restart()
    assert member.wait(timeout=processes.LIMIT) == 0, member.log.read_text()
    assert [record.value for record in members.topics.read(members.results)] == [b"x"]


@pytest.mark.any_library
def test_a_signal_ends_a_member_whose_brokers_are_away(program, unreachable):
    with open(program.directory / "log", "wb") as file:
        member = program.start("consume", "demo/x", "--from", "a", "--brokers", unreachable, stderr=file)
    member.log = program.directory / "log"
    await_words(member, "waiting for the brokers: tcp: ")
    end(member)
    assert "no request ran" in member.log.read_text().splitlines()[-1]


def test_a_missing_topic_is_found_at_the_start(members43):
    members43.publish("cat")
    members43.results = "nowhere-at-all"
    outcome = members43.run(status=78)
    assert outcome.messages[-1].startswith("topic: nowhere-at-all") and "make it" in outcome.messages[-1]


def test_a_topic_that_was_just_made_is_not_missing(members, proxy):
    """The broker says that it is not there; by the next answer it is."""
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"])
    members.results = members.topics.name("new")
    member = members.start_logged(*NAMED)
    await_words(member, f"waiting for topic {members.results}")
    # However long the making takes, no second answer is given before it.
    proxy.holds.add((METADATA, "lonely"))
    members.topics.make("new")
    proxy.holds.clear()
    members.await_results(1)
    end(member)


def test_brokers_that_refuse_the_login_are_not_waited_for(members43):
    kafka = members43.kafka
    connect(members43.program, *sasl(kafka, members43.payloads), KAFKA_PASSWORD=kafka.PASSWORD)
    members43.publish("cat")
    outcome = members43.run(status=78, env={"KAFKA_PASSWORD": "wrong"})
    assert outcome.messages[-1].startswith("authentication: "), outcome


@pytest.mark.any_library
def test_brokers_that_want_another_connection_are_not_waited_for(members43):
    kafka = members43.kafka
    members43.publish("cat")
    connect(members43.program, *plaintext(kafka, members43.payloads), "--brokers", kafka.SASL_PLAINTEXT)
    outcome = members43.run(status=78)
    assert outcome.messages[-1].startswith("metadata: ") and "wants a login" in outcome.messages[-1], outcome


def test_a_compacted_topic_of_results_takes_them(members43):
    """Brokers refuse records without a key there; each result has the key of its request, or the request's identifier."""
    members = members43
    members.publish("cat")
    members.results, = members.topics.make("compacted", cleanup_policy="compact")
    members.topics.produce(members.requests, [b"x"] * 4)
    members.once()
    assert sorted(members.topics.count(members.results).values()) == [1] * 4
