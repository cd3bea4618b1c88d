# SPDX-License-Identifier: Apache-2.0
algo-run connection set --type plaintext --brokers localhost:9092 --topic insights
