# SPDX-License-Identifier: Apache-2.0
cat >iris.py <<"END"
import algo_run

def apply(input):
    algo_run.report(confidence=0.93, petal_length=input["petal_length"])
    return {"species": "setosa"}

algo_run.serve(apply)
END
for length in 1.4 4.7 5.1 1.3; do echo "{\"petal_length\": $length}"; done >flowers.ndjson
