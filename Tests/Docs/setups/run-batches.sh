# SPDX-License-Identifier: Apache-2.0
cat >iris.py <<"END"
import algo_run

def apply(input):
    algo_run.report(confidence=0.93, petal_length=input["petal_length"])
    return {"species": "setosa"}

algo_run.serve(apply)
END
for length in 1.4 4.7 5.1 1.3; do echo "{\"petal_length\": $length}"; done >flowers.ndjson
algo-run publish demo/iris --worker -- python3 iris.py
algo-run publish demo/digits -- wc -c
mkdir scans && echo one >scans/1.png && echo two >scans/2.png
gzip -c flowers.ndjson >log.gz
