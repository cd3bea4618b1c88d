# SPDX-License-Identifier: Apache-2.0
"""The corpus that every integration is tested with: records that algo-run itself delivered, and what breaks the rules.

Two versions of a credit model with 400 executions each; executions with odd names and numbers, changing sets of
metrics, integers that become decimals, 25 metrics of 25 KB; the extended and the legacy format; a connection test.
Published out of order, with duplicates, and among records that cannot be read.
"""

import base64
import json
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

HERE = Path(__file__).resolve().parent
OPERATIONAL = {"request_id", "timestamp", "duration_milliseconds", "algorithm_owner", "algorithm_name",
               "algorithm_version"}
EXTENDED = {"outcome", "exit_code", "attempts", "cpu_user_milliseconds", "cpu_system_milliseconds", "max_rss_bytes"}
LEGACY = {"time", "session_id"}
EXECUTIONS = 400
#: Not payloads: torn, no object, without an id, not UTF-8, a time that is none, a text as a metric.
BROKEN = [
    b'{"request_id":"req-torn","timestamp":"2026-01-01T00:00:00.0000',
    b"[1,2,3]",
    b"{}",
    b'{"request_id":"req-\xff\xfe","n":1}',
    b'{"request_id":"req-time","timestamp":"yesterday","duration_milliseconds":1,"algorithm_owner":"demo",'
    b'"algorithm_name":"odd","algorithm_version":"1.0.0","n":1}',
    b'{"request_id":"req-text","timestamp":"2026-01-01T00:00:00.000000Z","duration_milliseconds":1,'
    b'"algorithm_owner":"demo","algorithm_name":"odd","algorithm_version":"1.0.0","n":"it\'s text"}',
]
#: One report each: the lines that an execution of demo/odd writes to its metrics channel.
REPORTS = {
    "names": '{"it\'s":0.10,"back\\\\slash":12345678901234567890,"caf\\u00e9 \\ud83d\\ude00":1e-320,"a,b=c d":1.797e308,'
             '"nul\\u0000x":-0.0,"tab\\there":1,"quote\\"q":2,"%s{{x}}":3,"trail\\\\":4,"line\\nend":5,"$1":6,'
             '"huge":123456789012345678901234567890,"tiny":-4.9e-324}',
    "whole": '{"count":1}',
    "decimal": '{"count":1.5}',
    "negative": '{"count":-3,"late":0.25}',
    "names of others": '{"time":1,"outcome":2,"attempts":3,"value":4,"metric":5,"name":6,"le":7,"session_id":8}',
    "nothing": "",
    "full": "{" + ",".join(f'"{chr(97 + n) * 1000}":{n}.{"5" * 16}' for n in range(25)) + "}",
    "too many": "{" + ",".join(f'"m{n}":{n}' for n in range(27)) + "}",
}


@dataclass
class Record:
    key: str
    value: bytes
    headers: list = field(default_factory=list)

    def to_json(self):
        return {"key": self.key, "value": base64.b64encode(self.value).decode(), "headers": self.headers}

    @staticmethod
    def of_json(members):
        return Record(members["key"], base64.b64decode(members["value"]), [tuple(pair) for pair in members["headers"]])


@dataclass
class Execution:
    """The executions that a store must give back."""

    request_id: str
    #: RFC 3339 with six decimals, without a zone.
    timestamp: str
    owner: str
    name: str
    version: str
    outcome: str
    #: The payload's format.
    format: str
    duration: float
    metrics: dict

    @staticmethod
    def of_record(record):
        members = json.loads(record.value)
        known, format, moment = set(OPERATIONAL), "standard", "timestamp"
        if isinstance(members.get("outcome"), str):
            known, format = known | EXTENDED, "extended"
        if isinstance(members.get("session_id"), str):
            known, format, moment = known | LEGACY, "legacy", "time"
        return Execution(
            members["request_id"], members[moment].rstrip("Z"), members["algorithm_owner"], members["algorithm_name"],
            members["algorithm_version"], dict(record.headers)["algo_outcome"], format, members["duration_milliseconds"],
            {name: float(value) for name, value in members.items() if name not in known})


class Corpus:
    """The records, and their executions."""

    def __init__(self, records):
        self.records = records
        self.tests = [record for record in records if "algo_connection_test" in dict(record.headers)]
        self.executions = {
            record.key: Execution.of_record(record) for record in records if record not in self.tests}

    def save(self, path):
        path.write_text(json.dumps([record.to_json() for record in self.records]))

    @staticmethod
    def load(path):
        return Corpus([Record.of_json(members) for members in json.loads(path.read_text())])

    def disordered(self, seed=18):
        """Out of order, 50 of them twice, broken records between them."""
        chance = random.Random(seed)
        records = [*self.records, *chance.sample(self.records, 50)]
        records += [Record(f"broken-{number}", value) for number, value in enumerate(BROKEN)]
        chance.shuffle(records)
        return records

    def write_lines(self, path):
        """The values as the file sink and a file connector have them; broken ones may hold no line's end."""
        path.write_bytes(b"".join(record.value + b"\n" for record in self.disordered()))


def create(bootstrap, topic):
    """Creates a topic, unless it is there: a consumer that comes before its topic may look again only after minutes."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    [made] = client.create_topics([NewTopic(topic, 1, 1)]).values()
    try:
        made.result(60)
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error


def produce(bootstrap, topic, records):
    """Puts records on a topic in this order; returns when all are there."""
    problems = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for record in records:
        producer.produce(topic, record.value, record.key, headers=record.headers,
                         on_delivery=lambda error, _: error and problems.append(error))
        producer.poll(0)
    assert producer.flush(60) == 0 and not problems, problems


def read(bootstrap, topic):
    """All records of a topic with one partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest",
                         "enable.partition.eof": True, "enable.auto.commit": False})
    consumer.subscribe([topic])
    found = []
    try:
        while True:
            message = consumer.poll(60)
            assert message is not None, f"the broker is silent after {len(found)} records"
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                return found
            headers = [(name, value.decode()) for name, value in message.headers() or []]
            found.append(Record(message.key().decode() if message.key() else "", message.value(), headers))
    finally:
        consumer.close()


def make(algo_run, home, bootstrap, topic):
    """Runs algo-run in `home`, delivering to `topic`; gives the corpus. The home keeps the history of it."""
    home.mkdir(parents=True)
    environment = {"PATH": "/usr/bin:/bin", "ALGO_RUN_HOME": str(home), "LANG": "C.UTF-8",
                   "PYTHONPATH": str(HERE.parents[1] / "Bindings" / "Python")}

    def run(*words, statuses=(0,), input=""):
        done = subprocess.run([algo_run, *map(str, words)], env=environment, input=input, capture_output=True, text=True,
                              timeout=300)
        assert done.returncode in statuses, f"{words}: {done.returncode} {done.stderr[-2000:]}"
        return done.stdout

    def connect(format):
        run("connection", "set", "--type", "plaintext", "--brokers", bootstrap, "--topic", topic,
            "--payload-format", format, "--delivery-wait", "60s")

    def report(name, text, *options, after="true", statuses=(0,)):
        path = home / f"report {name}"
        path.write_text(text + "\n")
        run("exec", "demo/odd/1.0.0", *options, "--", "sh", "-c", f'cat "$1" >&3; {after}', "sh", path, statuses=statuses)

    connect("standard")
    run("connection", "test")
    for version in ("1.0.6", "1.1.0"):
        run("publish", "demo/credit", "--version", version, "--insights", "--worker", "--no-check", "--",
            "python3", HERE / "credit.py")
        numbers = "".join(f"{number}\n" for number in range(EXECUTIONS))
        run("batch", f"demo/credit/{version}", "-", "--jobs", "2", "--progress", "none", "--output",
            home / f"results-{version}.ndjson", statuses=(1,), input=numbers)
    run("publish", "demo/odd", "--version", "1.0.0", "--insights", "--", "true")
    for name, text in REPORTS.items():
        report(name, text)
    report("failed", '{"count":7}', after="exit 3", statuses=(3,))
    report("killed", '{"count":8}', after="kill -KILL $$", statuses=(-9,))
    report("too long", '{"count":9}', "--timeout", "200ms", after="sleep 60", statuses=(124,))
    for format in ("extended", "legacy"):
        connect(format)
        report(f"{format} good", '{"count":10,"risk_score":0.5}')
        report(f"{format} bad", '{"count":11.5}', after="exit 4", statuses=(4,))
    run("outbox", "deliver")
    corpus = Corpus(read(bootstrap, topic))
    assert len(corpus.executions) == 2 * EXECUTIONS + len(REPORTS) + 7, len(corpus.executions)
    assert len(corpus.tests) == 1
    return corpus
