# SPDX-License-Identifier: Apache-2.0
"""`consume` where the group changes under a member: removed, alone again, gone, or in the middle of a rebalance."""

import signal

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, KafkaException

from harness import processes
from harness.members import SHORT, Members

# Ends once the test says so.
WAITS = "import os, sys, time\nvalue = sys.stdin.read()\nopen('marks', 'a').write('x\\n')\n" \
        "while not os.path.exists('go'): time.sleep(0.01)\nprint(value)"


@pytest.fixture
def members(program, kafka):
    members = Members(program, kafka)
    yield members
    members.print_logs()


@pytest.fixture
def members43(program, kafka43):
    members = Members(program, kafka43)
    yield members
    members.print_logs()


def go(members):
    (members.program.directory / "go").write_text("")


def is_exact(members, count):
    return all(sorted(members.topics.count(topic).values()) == [1] * count for topic in (members.results, members.payloads))


def end(members, *started):
    for member in started:
        member.send_signal(signal.SIGTERM)
    assert [member.wait(timeout=processes.LIMIT) for member in started] == [0] * len(started)


def handing_over(members):
    """Two members: the first has four running requests and hands partitions over; gives both, and the first's figures."""
    members.publish_python(WAITS)
    for partition in range(4):
        members.topics.produce(members.requests, [b"%d" % partition], partition=partition)
    first = members.start_logged("--jobs", "4", "--metrics", "127.0.0.1:0", *SHORT)
    figures = members.figures(first)
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    second = members.start_logged("--jobs", "4", *SHORT)
    processes.await_until(lambda: figures()["rebalances_total"] == "2", "a revocation that waits for running requests")
    return first, second, figures


def test_a_member_that_is_removed_while_it_hands_partitions_over_writes_nothing_and_joins_again(members):
    """The library keeps the removal to itself until the revoked partitions are released, and would keep the others."""
    first, second, figures = handing_over(members)
    first.send_signal(signal.SIGSTOP)
    processes.await_until(lambda: len(members.marks()) == 8, "all requests run at the other member", limit=300)
    go(members)
    members.await_results(4)
    first.send_signal(signal.SIGCONT)
    processes.await_until(lambda: figures()["rebalances_total"] not in "12" or not is_exact(members, 4), "the first member knows")
    assert is_exact(members, 4)
    processes.await_until(lambda: int(figures()["assigned_partitions"]) > 0, "the first member is one again", limit=300)
    members.topics.produce(members.requests, [b"later"] * 40, partition=lambda number: number % 4)
    members.await_results(44)
    end(members, first, second)
    assert is_exact(members, 44)


def test_partitions_are_handed_over_together_when_the_last_request_of_them_has_ended(members43):
    """With the first that is given up the group takes all of them for free: their next owner would run what runs here."""
    members = members43
    sessions = ["-X", "session.timeout.ms=60000", "-X", "heartbeat.interval.ms=1000"]
    members.publish_python(WAITS.replace("'go'", "'go' + value"))
    for partition in range(4):
        members.topics.produce(members.requests, [b"%d" % partition], partition=partition)
    first = members.start_logged("--jobs", "4", "--drain", "1h", "--metrics", "127.0.0.1:0", *sessions)
    figures = members.figures(first)
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    second = members.start_logged("--jobs", "4", "--metrics", "127.0.0.1:0", *sessions)
    processes.await_until(lambda: figures()["rebalances_total"] == "2", "a revocation that waits for running requests")
    for number in range(4):
        (members.program.directory / f"go{number}").write_text("")
        members.await_results(number + 1)
        # By then another member would have what is still running here.
        processes.time.sleep(4)
    other = members.figures(second)
    processes.await_until(lambda: other()["assigned_partitions"] == "2", "the hand-over")
    end(members, first, second)
    assert is_exact(members, 4) and len(members.marks()) == 4


@pytest.mark.any_library
def test_the_requests_of_a_host_that_is_lost_run_elsewhere(members43):
    members = members43
    members.publish_python(WAITS)
    for partition in range(4):
        members.topics.produce(members.requests, [b"%d" % partition] * 3, partition=partition)
    lost = members.start_logged("--jobs", "4", *SHORT)
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    lost.kill()
    lost.wait()
    go(members)
    other = members.start_logged("--jobs", "4", *SHORT)
    members.await_results(12, limit=300)
    end(members, other)
    assert is_exact(members, 12) and len(members.marks()) == 16


def test_a_member_leaves_although_the_group_waits_for_another_one(members43):
    """A rebalance lasts until the member that stands still is removed, which takes a minute here."""
    members = members43
    members.publish("cat")
    slow = ["-X", "session.timeout.ms=60000", "-X", "heartbeat.interval.ms=500"]
    leaver, still = members.start_logged(*slow), members.start_logged(*slow)

    def group():
        """Its state and number of members; none while the broker loads it."""
        try:
            found = members.topics.admin.describe_consumer_groups([members.group])[members.group].result(timeout=300)
        except (KafkaException, TimeoutError):
            return None, 0
        return found.state, len(found.members)

    processes.await_until(lambda: group() == (ConsumerGroupState.STABLE, 2), "two members")
    members.topics.produce(members.requests, [b"x"] * 8, partition=lambda number: number % 4)
    members.await_results(8)
    still.send_signal(signal.SIGSTOP)
    joiner = members.start_logged(*slow)
    processes.await_until(lambda: group()[0] == ConsumerGroupState.PREPARING_REBALANCING, "a rebalance")
    # By its next heartbeats the member has heard of it, and waits to join again.
    processes.time.sleep(3)
    leaver.send_signal(signal.SIGTERM)
    assert leaver.wait(timeout=50) == 0
    assert group()[0] == ConsumerGroupState.PREPARING_REBALANCING
    still.kill()
    joiner.kill()


@pytest.mark.any_library
def test_a_long_request_keeps_its_member_although_others_join(members43):
    """Longer than max.poll.interval.ms: the member polls while it waits."""
    members = members43
    members.publish_python(WAITS)
    members.topics.produce(members.requests, [b"long"], partition=0)
    polls = ["-X", "max.poll.interval.ms=6000", *SHORT]
    first = members.start_logged("--metrics", "127.0.0.1:0", *polls)
    figures = members.figures(first)
    processes.await_until(lambda: len(members.marks()) == 1, "a running request")
    # The time itself is the fault.
    processes.time.sleep(9)
    second = members.start_logged(*polls)
    processes.await_until(lambda: int(figures()["rebalances_total"]) >= 2, "a revocation")
    go(members)
    members.await_results(1)
    end(members, first, second)
    assert len(members.marks()) == 1


def test_a_member_that_leaves_while_partitions_are_handed_over_ends(members43):
    members = members43
    first, second, _ = handing_over(members)
    first.send_signal(signal.SIGTERM)
    processes.await_until(lambda: "draining" in first.log.read_text(), "the beginning of the end")
    go(members)
    assert first.wait(timeout=processes.LIMIT) == 0
    members.await_results(4)
    end(members, second)
    assert is_exact(members, 4) and len(members.marks()) == 4


def test_what_a_fenced_member_ran_is_gone_when_it_ends(members43):
    members = members43
    members.publish_python(WAITS)
    members.topics.produce(members.requests, [b"%d" % number for number in range(4)])
    first = members.start_logged("--instance", "twin", "--jobs", "4", *SHORT, env={"SCENARIO_MARKER": "twin-" + members.topics.prefix})
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    second = members.start_logged("--instance", "twin", "--jobs", "4", *SHORT)
    assert first.wait(timeout=processes.LIMIT) == 75
    assert processes.await_none("twin-" + members.topics.prefix) == []
    go(members)
    members.await_results(4, limit=300)
    end(members, second)
    assert is_exact(members, 4)


@pytest.mark.any_library
def test_a_static_member_whose_name_the_group_gave_away_joins_again(members43):
    """A broker that dies during a rebalance forgets who has the name. No process took it: that would have the transactional
    name, too."""
    members = members43
    members.publish_python(WAITS)
    members.topics.produce(members.requests, [b"%d" % number for number in range(4)])
    member = members.start_logged("--instance", "one", "--jobs", "4", "--metrics", "127.0.0.1:0", *SHORT)
    figures = members.figures(member)
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    other = Consumer({"bootstrap.servers": members.kafka.PLAINTEXT, "group.id": members.group, "group.instance.id": "one",
                      "partition.assignment.strategy": "cooperative-sticky", "enable.auto.commit": False,
                      "session.timeout.ms": 6000, "heartbeat.interval.ms": 1000})
    other.subscribe([members.requests])
    processes.await_until(lambda: poll(other) and len(members.marks()) >= 8, "the member runs its requests again", limit=120)
    go(members)
    members.await_results(4, limit=120)
    end(members, member)
    assert is_exact(members, 4)


@pytest.mark.any_library
def test_partitions_that_a_killed_static_member_was_handing_over_get_an_owner(members43):
    """Its successor takes its place without a rebalance, and the group waits for no hand-over."""
    members = members43
    members.publish_python(WAITS)
    for partition in range(4):
        members.topics.produce(members.requests, [b"%d" % partition], partition=partition)
    # Long enough for a restart. Nothing but time shows that a hand-over lasts too long.
    patient = ["--jobs", "4", "--drain", "10s", "-X", "session.timeout.ms=60000", "-X", "heartbeat.interval.ms=1000"]
    first = members.start_logged("--instance", "one", "--metrics", "127.0.0.1:0", *patient)
    figures = members.figures(first)
    processes.await_until(lambda: len(members.marks()) == 4, "four running requests")
    second = members.start_logged("--instance", "two", *patient)
    processes.await_until(lambda: figures()["rebalances_total"] == "2", "a revocation that waits for running requests")
    first.kill()
    first.wait()
    go(members)
    again = members.start_logged("--instance", "one", *patient)
    members.await_results(4, limit=180)
    end(members, again, second)
    assert is_exact(members, 4)


def poll(consumer):
    consumer.poll(0.1)
    return True
