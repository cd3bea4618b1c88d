# SPDX-License-Identifier: Apache-2.0
"""Records of the topic, read in each payload format."""

import json

import pytest

from algo_run_insights.record import ConnectionTest, Unreadable, parse

STANDARD = {"request_id": "req-1", "timestamp": "2021-02-20T00:21:54.867231Z", "duration_milliseconds": 8.412,
            "algorithm_owner": "a", "algorithm_name": "b", "algorithm_version": "1.0.0", "score": 1}


def of(members, headers=(("algo_outcome", b"succeeded"),)):
    return parse(json.dumps(members).encode(), headers)


def test_a_payload_is_an_execution_with_its_metrics_as_doubles():
    insight = of({**STANDARD, "n": 12345678901234567890})
    assert (insight.request_id, insight.owner, insight.name, insight.version) == ("req-1", "a", "b", "1.0.0")
    assert insight.microseconds == 1_613_780_514_867_231
    assert insight.metrics == {"score": 1.0, "n": 12345678901234567890.0}
    assert all(type(value) is float for value in insight.metrics.values())


def test_the_outcome_is_that_of_the_header_else_of_the_extended_format():
    assert of(STANDARD).outcome == "succeeded"
    extended = {**STANDARD, "outcome": "failed", "exit_code": 3, "attempts": 1, "max_rss_bytes": 9}
    assert of(extended, ()).outcome == "failed"
    assert of(extended, ()).metrics == {"score": 1.0}
    assert of(STANDARD, ()).outcome == "unknown"


def test_a_number_that_is_called_as_an_operational_member_of_another_format_is_a_metric():
    insight = of({**STANDARD, "outcome": 2, "attempts": 3, "time": 4, "session_id": 5}, ())
    assert insight.outcome == "unknown"
    assert insight.metrics == {"score": 1.0, "outcome": 2.0, "attempts": 3.0, "time": 4.0, "session_id": 5.0}


def test_the_legacy_format_has_its_time_without_a_zone():
    legacy = {**STANDARD, "time": "2021-02-20T00:21:54.867231", "session_id": "rses-1", "duration_milliseconds": 8}
    del legacy["timestamp"]
    insight = of(legacy)
    assert insight.microseconds == 1_613_780_514_867_231 and insight.metrics == {"score": 1.0}


def test_a_connection_test_is_known_by_its_header_or_its_member():
    with pytest.raises(ConnectionTest):
        of({"connection_test": 1}, [("algo_connection_test", b"1")])
    with pytest.raises(ConnectionTest):
        of({"connection_test": 1}, ())
    assert of({**STANDARD, "connection_test": 1}).metrics["connection_test"] == 1


@pytest.mark.parametrize("value", [
    None, b"", b"{", b"[]", b"{}", b'"text"', b'{"request_id":"\xff"}', b"[" * 100_000,
    json.dumps({**STANDARD, "score": "1"}).encode(), json.dumps({**STANDARD, "score": None}).encode(),
    json.dumps({**STANDARD, "score": True}).encode(), json.dumps({**STANDARD, "score": float("nan")}).encode(),
    json.dumps(STANDARD).replace('"score": 1', '"score": 1e999').encode(),
    json.dumps({**STANDARD, "timestamp": "yesterday"}).encode(), json.dumps({**STANDARD, "request_id": 7}).encode(),
])
def test_anything_else_is_unreadable(value):
    with pytest.raises(Unreadable):
        parse(value)
