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
cp /etc/hosts hosts && echo "127.0.0.1 kafka1 kafka2" >>hosts && mount --bind hosts /etc/hosts
for topic in flowers species insights; do
  "$KAFKA" tool --dir "$PWD/kafka" topics --create --topic $topic --partitions 2 >>kafka.log
done
