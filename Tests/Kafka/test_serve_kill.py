# SPDX-License-Identifier: Apache-2.0
"""A server that is killed while it delivers to genuine Kafka (docs/serve.md)."""

import collections

import pytest

from harness import callers, processes
from harness.program import PYTHON
from harness.server import Server

# Marks that it ran to its end.
RAN = "import os; m = os.open('ran', os.O_WRONLY | os.O_CREAT | os.O_APPEND); os.write(3, b'{\"n\": 1}\\n'); " \
      "os.write(m, (os.environ['ALGO_REQUEST_ID'] + '\\n').encode()); print(1)"


@pytest.mark.slow
def test_after_kills_under_load_each_answered_call_is_on_the_topic_and_none_is_invented(
        kafka43, program, topic, chance, request):
    program.run("connection", "set", "--type", "plaintext", "--topic", topic, "--brokers", kafka43.PLAINTEXT, status=0)
    program.run("publish", "o/n", "--insights", "--directory", program.directory, "--", PYTHON, "-S", "-c", RAN, status=0)
    kills = max(request.config.getoption("kills") // 10, 1)
    answered = callers.call_and_kill(program, "o/n", chance, kills)
    # The next server delivers payloads that were stored and not acknowledged.
    with Server(program, scope="admin", name="last") as server:
        processes.await_until(lambda: server.get("/v1/admin/outbox")["pending"] == 0, "the outbox is empty")
        assert server.stop() == 0
    found = collections.Counter(kafka43.keys(topic))
    ran = (program.directory / "ran").read_text().split()
    assert len(answered) >= kills
    assert set(answered) <= set(found) <= set(ran)
    # Only payloads that were on their way at a kill come twice, under the same key.
    most = [key for key, count in found.items() if count > 1]
    assert max(found.values()) <= 1 + kills, most
