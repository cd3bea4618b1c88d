# SPDX-License-Identifier: Apache-2.0
"""Times report() from Python, as one line: the language and nanoseconds a call."""

import sys
import time

import algo_run

calls = int(sys.argv[1])
algo_run.report({"cats_detected": 24, "score": 0.93})
start = time.perf_counter_ns()
for number in range(calls):
    algo_run.report({"cats_detected": number, "score": 0.93})
print("python", (time.perf_counter_ns() - start) // calls)
