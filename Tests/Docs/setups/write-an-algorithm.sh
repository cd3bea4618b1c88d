# SPDX-License-Identifier: Apache-2.0
cat >algo.py <<END
import algo_run

def apply(input):
    algo_run.report(score=0.7)
    return {"approved": True}

algo_run.serve(apply)
END
echo "{\"features\": [1, 2]}" | tee request.json >requests.ndjson
mkdir src
cat >src/cats.py <<END
from adk import ADK

def apply(input):
    return "cats"

ADK(apply).init("")
END
