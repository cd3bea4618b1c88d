# SPDX-License-Identifier: Apache-2.0
"$KAFKA" start --dir "$PWD/kafka" --release 4.3 --port 9092 >kafka.env
cat >iris.py <<"END"
import algo_run

def apply(input):
    algo_run.report(confidence=0.93, petal_length=input["petal_length"])
    return {"species": "setosa"}

algo_run.serve(apply)
END
for length in 1.4 4.7 5.1 1.3; do echo "{\"petal_length\": $length}"; done >flowers.ndjson
algo-run connection set --type plaintext --brokers localhost:9092 --topic insights
algo-run publish demo/iris --version 1.2.0 --worker --insights -- python3 iris.py
head -1 flowers.ndjson | algo-run exec demo/iris --request-id req-98cea108-cd35-4fbb-91ba-4313be92698a
algo-run batch demo/iris flowers.ndjson --output results.ndjson
