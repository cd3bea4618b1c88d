# SPDX-License-Identifier: Apache-2.0
"""Files of executions with known distributions."""

import json


def payload(index, version="1.0.0", timestamp="2026-01-01T00:00:00.000000Z", **metrics):
    """One payload; the metrics come last, as in a real one."""
    return {
        "request_id": f"req-{version}-{index}", "timestamp": timestamp, "duration_milliseconds": 10 + index % 7,
        "algorithm_owner": "demo", "algorithm_name": "credit", "algorithm_version": version, **metrics,
    }


def result(index, digest, occurrence=1, version="1.0.0", outcome="succeeded", **metrics):
    """One line of a batch's output."""
    return {
        "index": index, "source": f"requests.ndjson:{index + 1}", "input_sha256": f"{digest:08x}" * 8,
        **({"occurrence": occurrence} if occurrence > 1 else {}),
        "request_id": f"req-{index}", "algorithm": f"demo/credit/{version}", "outcome": outcome,
        "exit_code": 0 if outcome == "succeeded" else 1, "signal": None, "attempts": 1,
        "timestamp": f"2026-01-01T00:00:00.{index:06d}Z", "duration_milliseconds": 5.5, "cpu_user_milliseconds": 1,
        "cpu_system_milliseconds": 0.5, "max_rss_bytes": 1_000_000, "metrics": metrics, "rejected_metrics": [],
        "delivery": {"state": "insights_off"}, "stderr_tail": "", "result": {"metrics": {"no": 1}},
    }


def write(path, lines):
    """Writes them one a line and gives the path; text and bytes are written as they are."""
    with open(path, "wb") as file:
        for line in lines:
            line = line if isinstance(line, (bytes, str)) else json.dumps(line)
            file.write((line.encode() if isinstance(line, str) else line) + b"\n")
    return path
