# SPDX-License-Identifier: Apache-2.0
"""`consume` where the group answers some requests of a member, and others never."""

import signal

import pytest

from harness import processes
from harness.members import SHORT
from harness.request_proxy import LEAVE_GROUP, OFFSET_FETCH

WAITS = "import os, sys, time\nvalue = sys.stdin.read()\nopen('marks', 'a').write('x\\n')\n" \
        "while not os.path.exists('go'): time.sleep(0.01)\nprint('x' * int(value), end='')"
NAMED = ["-X", "client.id=lonely", *SHORT]


@pytest.fixture
def members(proxied_members):
    return proxied_members


def test_a_member_ends_although_the_group_does_not_answer_that_it_leaves(members, proxy):
    members.publish("cat")
    members.topics.produce(members.requests, [b"x"] * 8, partition=lambda number: number % 4)
    leaver = members.start_logged(*NAMED)
    members.await_results(8)
    proxy.swallows.add((LEAVE_GROUP, "lonely"))
    leaver.send_signal(signal.SIGTERM)
    assert leaver.wait(timeout=processes.LIMIT) == 0 and proxy.swallowed > 0
    assert members.once(limit=300).status == 0
    assert list(members.topics.count(members.results).values()) == [1] * 8


def test_a_member_that_lost_its_name_ends_with_75_although_it_cannot_learn_what_was_committed(members, proxy):
    """Its transaction is refused, and it asks the group for the committed offsets. Before there is an answer another process
    takes its name."""
    members.publish_python(WAITS)
    members.topics.produce(members.requests, [b"50000", b"10"], partition=0)
    options = ["--instance", "twin", "--jobs", "2"]
    first = members.start_logged(*options, *NAMED)
    processes.await_until(lambda: len(members.marks()) == 2, "both requests")
    proxy.swallows.add((OFFSET_FETCH, "lonely"))
    members.topics.set(members.results, max_message_bytes=20_000)
    (members.program.directory / "go").write_text("")
    processes.await_until(lambda: proxy.swallowed > 0, "a question for the committed offsets", limit=300)
    second = members.start_logged(*options, *SHORT)
    assert first.wait(timeout=processes.LIMIT) == 75 and 'instance "twin"' in first.log.read_text()
    members.await_results(2, limit=300)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=processes.LIMIT) == 0
    assert list(members.topics.count(members.results).values()) == [1] * 2
