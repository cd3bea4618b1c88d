# SPDX-License-Identifier: Apache-2.0
"""ClickHouse in this process, by chdb: a line {"sql", "parameters"} on stdin, a line {"rows"} or {"error"} on stdout."""

import json
import sys

from chdb.session import Session


def main():
    session = Session(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            text = str(session.query(request["sql"], "JSONCompact", params=request["parameters"]))
            # -0 is a number of its own.
            answer = {"rows": json.loads(text, parse_int=float)["data"] if text.strip() else []}
        except Exception as problem:
            answer = {"error": str(problem)[:2000]}
        print(json.dumps(answer), flush=True)


main()
