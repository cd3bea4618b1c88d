# SPDX-License-Identifier: Apache-2.0
"""One metric, and the request as the result."""
import sys

for name in sys.argv[1:]:
    __import__(name)
import algo_run


def apply(value):
    algo_run.report(n=1)
    return value


algo_run.serve(apply)
