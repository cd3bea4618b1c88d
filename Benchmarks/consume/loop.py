# SPDX-License-Identifier: Apache-2.0
"""The same loop as loop.c by confluent-kafka, with the same arguments; the function is called in this process."""

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition


def function(value):
    return value


def main(brokers, requests, results, payloads, group, count, interval, delivery):
    count, interval = int(count), int(interval) / 1e3
    is_transactional = delivery == "exactly-once"
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False, "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest", "partition.assignment.strategy": "cooperative-sticky", "fetch.wait.max.ms": 50,
        "queued.max.messages.kbytes": 16384})
    producer = Producer({
        "bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 0, "delivery.report.only.error": True,
        **({"transactional.id": group, "transaction.timeout.ms": 10_000, "retry.backoff.ms": 5} if is_transactional else {})})
    if is_transactional:
        producer.init_transactions()
        producer.begin_transaction()
    consumer.subscribe([requests])
    seen, offsets, began, due = 0, {}, None, 0

    def produce(topic, partition, value, key):
        while True:
            try:
                return producer.produce(topic, value, key, partition, headers=[("algo_request_id", key)])
            except BufferError:
                producer.poll(0.01)

    while seen < count:
        for message in consumer.consume(1000 if interval else 1, 0.01):
            if message.error():
                continue
            if began is None:
                began = time.monotonic()
                due = began + interval
            key = f"req-{message.partition()}-{message.offset()}"
            produce(results, message.partition(), function(message.value()), key)
            produce(payloads, message.partition(), message.value(), key)
            offsets[message.partition()] = message.offset() + 1
            seen += 1
        if offsets and (time.monotonic() >= due or seen == count):
            places = [TopicPartition(requests, partition, offset) for partition, offset in offsets.items()]
            if is_transactional:
                producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata())
                producer.commit_transaction()
                producer.begin_transaction()
            else:
                producer.flush()
                consumer.commit(offsets=places, asynchronous=False)
            offsets, due = {}, time.monotonic() + interval
        producer.poll(0)
    print(f"{time.monotonic() - began:.4f}")


main(*sys.argv[1:])
