# SPDX-License-Identifier: Apache-2.0
"""Topics as clients of another program see them: made, written and read by confluent-kafka."""

import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from harness import processes

# Seconds after which a broker has aborted the transaction of a member that died, and longer than any topic takes to read.
TRANSACTION_TIME = 60


@dataclass
class Record:
    """One record; headers by name, the last of a name wins."""

    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    pairs: list = field(repr=False)

    @property
    def headers(self):
        return {name: value.decode() if value is not None else None for name, value in self.pairs}


class Topics:
    """The topics of one test on a broker: `requests`, `results`, `payloads` and others, under names of their own."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.prefix = f"t{uuid.uuid4().hex[:10]}-"
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self._producer = None

    def name(self, short):
        return self.prefix + short

    def make(self, *shorts, partitions=4, **config):
        """Makes topics and gives their names."""
        names = [self.name(short) for short in shorts]
        config = {name.replace("_", "."): str(value) for name, value in config.items()}
        made = self.admin.create_topics([NewTopic(name, partitions, config=config) for name in names])
        for future in made.values():
            future.result(timeout=300)
        return names

    def set(self, topic, **config):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        for name, value in config.items():
            resource.set_config(name.replace("_", "."), str(value))
        for future in self.admin.alter_configs([resource]).values():
            future.result(timeout=300)

    def await_leaders(self, topic):
        """Waits until a broker that was started again leads each partition."""

        def are_there():
            try:
                partitions = self.admin.list_topics(topic, timeout=300).topics[topic].partitions
            except KafkaException:
                return False
            return partitions and all(partition.leader >= 0 for partition in partitions.values())

        processes.await_until(are_there, f"leaders of {topic}")

    def produce(self, topic, values, partition=None, headers=None, **rest):
        """Produces values, or (key, value) pairs; gives when all are acknowledged."""
        if self._producer is None:
            self._producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True,
                                       "message.max.bytes": 20_000_000, "queue.buffering.max.messages": 2_000_000,
                                       "partitioner": "murmur2_random", "linger.ms": 5})
        failures = []
        for number, value in enumerate(values):
            key, value = value if isinstance(value, tuple) else (None, value)
            place = {} if partition is None else {"partition": partition if isinstance(partition, int) else partition(number)}
            self._producer.produce(topic, value, key, headers=headers, on_delivery=lambda error, _: error and failures.append(error),
                                   **place, **rest)
            self._producer.poll(0)
        assert self._producer.flush(processes.LIMIT) == 0 and not failures, failures

    def transact(self, topic, values, commit):
        """Produces values to partition 0 in one transaction, which ends as asked."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": f"test-{uuid.uuid4()}"})
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=0)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)

    def delete_before(self, topic, partition, offset):
        """Deletes the records before an offset, as retention does."""
        for future in self.admin.delete_records([TopicPartition(topic, partition, offset)]).values():
            future.result(timeout=300)

    def read(self, topic, committed=True):
        """All records of a topic up to its end. If only committed ones count, transactions that have begun are waited for:
        brokers acknowledge a commit before they mark all partitions, and until then a consumer sees the end too early."""
        deadline = time.monotonic() + processes.LIMIT
        while True:
            found, without_end = self._read_once(topic, committed)
            if not without_end:
                return found
            # After brokers had stood still, a consumer was seen that never came to the end of a partition: another one does.
            assert time.monotonic() < deadline, f"{topic} has no end: {without_end}"

    def _read_once(self, topic, committed):
        """The records that one consumer finds, and the partitions whose end it did not see. A transaction that does not end
        in time holds back only what comes behind it."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": f"reader-{uuid.uuid4()}",
                             "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest",
                             "isolation.level": "read_committed" if committed else "read_uncommitted"})
        try:
            partitions = consumer.list_topics(topic, timeout=300).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            open_ones, without_end, found = set(partitions), set(partitions), []
            deadline = time.monotonic() + TRANSACTION_TIME
            while open_ones and time.monotonic() < deadline:
                for message in consumer.consume(1000, timeout=0.02):
                    if message.error():
                        assert message.error().name() == "_PARTITION_EOF", message.error()
                        place = TopicPartition(topic, message.partition())
                        without_end.discard(message.partition())
                        if message.offset() >= consumer.get_watermark_offsets(place, cached=True)[1]:
                            open_ones.discard(message.partition())
                        continue
                    found.append(Record(message.partition(), message.offset(), message.timestamp()[1], message.key(),
                                        message.value(), message.headers() or []))
            return found, without_end
        finally:
            consumer.close()

    def count(self, topic, committed=True):
        """How often each request has a record."""
        return Counter(request_id(record) for record in self.read(topic, committed))

    def committed(self, group, topic):
        """The committed offset and metadata of each partition of a group."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group, "enable.auto.commit": False})
        try:
            partitions = consumer.list_topics(topic, timeout=300).topics[topic].partitions
            found = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=300)
            return {entry.partition: (entry.offset, metadata_of(entry)) for entry in found}
        finally:
            consumer.close()


def metadata_of(entry):
    """The text beside an offset. The client reads it as ended by a zero, which it is not: garbage may follow."""
    try:
        return (entry.metadata or "").split("\0")[0]
    except UnicodeDecodeError as error:
        return error.object[:error.start].decode()


def request_id(record):
    """Which request a result or a payload is of."""
    return record.headers.get("algo_request_id") or record.headers.get("ce_id")
