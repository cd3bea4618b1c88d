#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends one request to `algo-run consume` and prints its result; needs only confluent-kafka.

    python3 ask.py BROKERS REQUEST_TOPIC RESULT_TOPIC '{"sepal_length": 5.1}'

Results are read with isolation.level=read_committed (the default): then each request has exactly one.
"""

import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition


def ask(brokers, requests, results, body, patience=60):
    """The value of the result, and its headers."""
    correlation = uuid.uuid4().bytes
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": f"ask-{uuid.uuid4()}", "enable.auto.commit": False,
                         "isolation.level": "read_committed"})
    # Read from the present end, known before the request is sent, so that its result is behind it.
    partitions = consumer.list_topics(results, timeout=30).topics[results].partitions
    ends = [consumer.get_watermark_offsets(TopicPartition(results, number), timeout=30)[1] for number in partitions]
    consumer.assign([TopicPartition(results, number, end) for number, end in zip(partitions, ends)])

    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True})
    producer.produce(requests, body, headers={"kafka_correlationId": correlation, "content-type": b"application/json"})
    producer.flush(30)

    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is None or message.error():
            continue
        headers = dict(message.headers() or [])
        if headers.get("kafka_correlationId") == correlation:
            consumer.close()
            return message.value(), headers
    raise TimeoutError(f"no result within {patience} s")


if __name__ == "__main__":
    value, headers = ask(*sys.argv[1:5])
    print(headers["algo_outcome"].decode(), headers["algo_request_id"].decode(), file=sys.stderr)
    print(value.decode())
    sys.exit(headers["algo_outcome"] != b"succeeded")
