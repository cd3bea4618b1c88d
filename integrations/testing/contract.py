# SPDX-License-Identifier: Apache-2.0
"""The one contract of all integrations, judged on what a store gives back of the corpus.

1 as many distinct request ids as executions; 2 no connection test; 3 timestamps exact to the store's precision;
4 every value equal as a double; 5 replaying the topic changes nothing; 6 a broken record stops nothing and is visible;
7 a consumer that sees values alone finds the outcome in payloads of the extended format.

A test class of a tool is a subclass, with a fixture `store`. Promises that a tool cannot keep are in `exceptions`, with the
reason; such a clause must not be tested to hold.
"""

import json
import struct
from dataclasses import dataclass
from typing import Dict, Optional

import pytest

from corpus import BROKEN, Record, produce
from harness import processes

SENTINEL = "req-sentinel-"


@dataclass
class Row:
    """An execution as a store has it."""

    request_id: str
    #: As the corpus writes it: RFC 3339 with six decimals, without a zone.
    timestamp: str
    metrics: Dict[str, float]
    outcome: Optional[str] = None


#: Seconds until a record must be in a store.
LIMIT = 300


class Store:
    """A tool that was given a topic. Subclasses start it, and say how to look into it."""

    def __init__(self, bootstrap, topic, corpus):
        self.bootstrap, self.topic, self.corpus = bootstrap, topic, corpus
        self._sentinels = 0

    def rows(self):
        """All rows, also those of the same execution."""
        raise NotImplementedError

    def has(self, request_id):
        """Whether this execution has come through."""
        raise NotImplementedError

    def unreadable(self):
        """How many broken records an operator can see."""
        raise NotImplementedError

    def fill(self, seed=18):
        """Puts the corpus on the topic and waits until the store has the record after it."""
        self._sentinels += 1
        sentinel = f"{SENTINEL}{self._sentinels}"
        produce(self.bootstrap, self.topic, [*self.corpus.disordered(seed), sentinel_record(sentinel)])
        processes.await_until(lambda: self.has(sentinel), f"{self.topic} is in the store", limit=LIMIT)

    def executions(self):
        """The rows without those that only mark an end."""
        return [row for row in self.rows() if not row.request_id.startswith(SENTINEL)]


def sentinel_record(request_id):
    value = {"request_id": request_id, "timestamp": "2026-01-01T00:00:00.000000Z", "duration_milliseconds": 1,
             "algorithm_owner": "demo", "algorithm_name": "odd", "algorithm_version": "1.0.0", "count": 0}
    return Record(request_id, json.dumps(value).encode(), [("algo_outcome", "succeeded")])


def same_double(left, right):
    """Bit for bit: -0.0 is not 0.0."""
    return struct.pack("d", left) == struct.pack("d", right)


class Contract:
    """Tests whose names are the clauses."""

    tool = ""
    exceptions: Dict[int, str] = {}
    #: Digits of a second that the store keeps.
    decimals = 6
    keeps_negative_zero = True
    #: Names of metrics that the tool loses in the test's configuration; the tool's README says why.
    lost_metrics = frozenset()

    def metric(self, name):
        """A metric's name as the store can hold it."""
        return name

    def expected(self, corpus):
        """The executions that the tool must have; most take all formats."""
        return corpus.executions

    def _applies(self, clause):
        if clause in self.exceptions:
            pytest.xfail(f"exception: {self.exceptions[clause]}")

    def test_1_as_many_distinct_request_ids_as_executions(self, store, corpus):
        self._applies(1)
        found, expected = {row.request_id for row in store.executions()}, set(self.expected(corpus))
        assert found == expected, f"missing {sorted(expected - found)[:5]}, too many {sorted(found - expected)[:5]}"

    def test_2_no_connection_test(self, store, corpus):
        self._applies(2)
        tests = {record.key for record in corpus.tests}
        for row in store.executions():
            assert row.request_id not in tests and "connection_test" not in row.metrics

    def test_3_timestamps_are_exact(self, store, corpus):
        self._applies(3)
        cut = 6 - self.decimals
        for row in store.executions():
            expected = corpus.executions[row.request_id].timestamp
            assert row.timestamp[:len(expected) - cut] == expected[:len(expected) - cut]

    def test_4_every_value_is_equal_as_a_double(self, store, corpus):
        self._applies(4)
        for row in store.executions():
            metrics = corpus.executions[row.request_id].metrics
            expected = {self.metric(name): value for name, value in metrics.items()
                        if name not in self.lost_metrics}
            differing = set(row.metrics) ^ set(expected)
            assert not differing, (row.request_id, [name[:40] for name in differing])
            for name, value in row.metrics.items():
                if expected[name] == 0 and not self.keeps_negative_zero:
                    assert value == 0
                else:
                    assert same_double(value, expected[name]), (row.request_id, name, value, expected[name])

    def test_5_replaying_the_topic_changes_nothing(self, store):
        self._applies(5)

        def content():
            return sorted((row.request_id, row.timestamp, sorted(row.metrics.items())) for row in store.executions())

        before = content()
        store.fill(seed=19)
        assert content() == before

    def test_6_a_broken_record_stops_nothing_and_is_visible(self, store):
        self._applies(6)
        assert store.executions() and store.unreadable() >= len(BROKEN)

    def test_7_the_outcome_of_the_extended_format_is_there(self, store, corpus):
        self._applies(7)
        extended = {key: execution for key, execution in corpus.executions.items() if execution.format == "extended"}
        assert extended
        found = {row.request_id: row.outcome for row in store.executions() if row.request_id in extended}
        assert found == {key: execution.outcome for key, execution in extended.items()}
