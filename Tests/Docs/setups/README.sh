# SPDX-License-Identifier: Apache-2.0
"$KAFKA" start --dir "$PWD/kafka" --release 4.3 --port 9092 >kafka.env
cat >cats.py <<END
import algo_run
algo_run.report(cats_detected=24, confidence=0.93)
print('{"cats": 24}')
END
echo picture >picture.jpg
echo '"picture"' >requests.ndjson
