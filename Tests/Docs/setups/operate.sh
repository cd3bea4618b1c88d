# SPDX-License-Identifier: Apache-2.0
"$KAFKA" start --dir "$PWD/kafka" --release 4.3 --port 9092 >kafka.env
mkdir /run/secrets && echo secret >/run/secrets/kafka
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out ca.pem -subj /CN=authority -days 2 2>/dev/null
