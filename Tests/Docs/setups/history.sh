# SPDX-License-Identifier: Apache-2.0
"$KAFKA" start --dir "$PWD/kafka" --release 4.3 --port 9092 >kafka.env
. "${BASH_SOURCE%/*}/common/iris-worker.sh"
algo-run connection set --type plaintext --brokers localhost:9092 --topic insights
algo-run publish demo/iris --version 1.2.0 --worker --insights -- python3 iris.py
head -1 flowers.ndjson | algo-run exec demo/iris --request-id req-98cea108-cd35-4fbb-91ba-4313be92698a
algo-run batch demo/iris flowers.ndjson --output results.ndjson
