# SPDX-License-Identifier: Apache-2.0
"$KAFKA" start --dir "$PWD/kafka" --release 4.3 --port 9092 >kafka.env
algo-run connection set --type plaintext --brokers localhost:9092 --topic insights
algo-run publish demo/cats --insights -- sh -c "echo {\\\"cats\\\": 24} >&3"
algo-run exec demo/cats
