# SPDX-License-Identifier: Apache-2.0
"$KAFKA" start --dir "$PWD/kafka" --release 4.3 --port 9092 >kafka.env
. "${BASH_SOURCE%/*}/common/iris-worker.sh"
cp /etc/hosts hosts && echo "127.0.0.1 kafka1 kafka2" >>hosts && mount --bind hosts /etc/hosts
for topic in flowers species insights; do
  "$KAFKA" tool --dir "$PWD/kafka" topics --create --topic $topic --partitions 2 >>kafka.log
done
