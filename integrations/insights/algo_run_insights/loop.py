# SPDX-License-Identifier: Apache-2.0
"""The one loop over the topic: read, leave out, write, commit.

Offsets are committed after the sink has taken what was read, so nothing is lost when this process dies; the same
execution may then be written again.
"""

from __future__ import annotations

import sys
import threading
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from .figures import Figures
from .record import ConnectionTest, Header, Insight, Unreadable, parse
from .seen import Seen
from .sink import Refused, Sink, Unavailable

BATCH = 500
LONGEST_PAUSE = 30.0
#: Lines about single records, so that a topic of something else fills no log; the counters go on.
LOUD = 20


def log(text: str) -> None:
    print(f"algo-run-insights: {text}", file=sys.stderr, flush=True)


class Loop:
    """Runs until `stop` is set, or with `once` until the topic's end."""

    def __init__(self, settings: Dict[str, Any], topic: str, sink: Sink, figures: Figures, stop: threading.Event,
                 once: bool = False, linger: float = 0.5, first_pause: float = 0.5) -> None:
        self._consumer = Consumer({
            "auto.offset.reset": "earliest", **settings, "enable.auto.commit": False, "enable.partition.eof": True,
            "error_cb": self._trouble,
        })
        self._topic, self._sink, self._figures, self._stop = topic, sink, figures, stop
        self._once, self._linger, self._first_pause = once, linger, first_pause
        self._seen = Seen()
        self._carried: List[Message] = []
        self._ended: Set[int] = set()
        self._complaints = 0
        self._fatal: Optional[str] = None
        self._last_trouble = ""

    def run(self) -> None:
        self._consumer.subscribe([self._topic])
        log(f"reading the topic {self._topic}")
        try:
            while not self._stop.is_set() and not self._fatal:
                messages = self._carried + self._consumer.consume(BATCH, self._linger)
                self._carried = []
                self._handle(messages)
                if self._once and self._is_at_end():
                    break
        finally:
            self._consumer.close()
            self._sink.close()
        if self._fatal:
            raise SystemExit(f"algo-run-insights: {self._fatal}")

    # --- Records ---

    def _handle(self, messages: Sequence[Message]) -> None:
        fresh: Dict[str, Insight] = {}
        read: Dict[Tuple[str, int], int] = {}
        for message in messages:
            if self._is_notice(message):
                continue
            read[str(message.topic()), message.partition() or 0] = (message.offset() or 0) + 1
            self._ended.discard(message.partition() or 0)
            self._figures.records.inc()
            insight = self._insight(message)
            if insight is None:
                continue
            if insight.request_id in fresh or insight.request_id in self._seen:
                self._figures.duplicates.inc()
            else:
                fresh[insight.request_id] = insight
        if fresh and not self._write(list(fresh.values())):
            return
        self._seen.add(fresh)
        if read:
            self._commit(read)
        self._measure()

    def _insight(self, message: Message) -> Optional[Insight]:
        _, milliseconds = message.timestamp()
        self._figures.last_record.set(max(self._figures.last_record._value.get(), milliseconds / 1000))
        try:
            insight = parse(_bytes(message.value()), _headers(message))
        except ConnectionTest:
            self._figures.connection_tests.inc()
            return None
        except Unreadable as problem:
            self._figures.unreadable.inc()
            self._complain(f"record {message.partition()}/{message.offset()} cannot be read: {problem}")
            return None
        reason = self._sink.objection(insight)
        if reason:
            self._figures.dropped.labels(reason).inc()
            self._complain(f"{insight.request_id} is not sent ({reason})")
            return None
        return insight

    def _complain(self, text: str) -> None:
        self._complaints += 1
        if self._complaints <= LOUD:
            log(text)
        elif self._complaints == LOUD + 1:
            log("further records that are left out are only counted")

    # --- Writing ---

    def _write(self, insights: List[Insight]) -> bool:
        """Whether all were written or refused; false if it was stopped before."""
        try:
            if not self._write_patiently(insights):
                return False
            self._figures.written.inc(len(insights))
        except Refused as problem:
            if len(insights) > 1:
                middle = len(insights) // 2
                return self._write(insights[:middle]) and self._write(insights[middle:])
            self._figures.refused.inc()
            self._complain(f"{insights[0].request_id} is refused: {problem}")
        return True

    def _write_patiently(self, insights: List[Insight]) -> bool:
        pause = self._first_pause
        paused: List[TopicPartition] = []
        try:
            while True:
                try:
                    self._sink.write(insights)
                    return True
                except Unavailable as problem:
                    self._figures.failures.inc()
                    log(f"cannot write now, trying again in {pause:g} s: {problem}")
                if not paused:
                    paused = self._consumer.assignment()
                    self._consumer.pause(paused)
                # A member that does not poll loses its partitions.
                message = self._consumer.poll(0)
                if message is not None:
                    self._carried.append(message)
                if self._stop.wait(pause):
                    return False
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            if paused:
                self._resume(paused)

    def _resume(self, paused: List[TopicPartition]) -> None:
        try:
            self._consumer.resume(paused)
        except KafkaException as problem:
            log(f"partitions were taken away meanwhile: {problem}")

    def _commit(self, read: Dict[Tuple[str, int], int]) -> None:
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in read.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as problem:
            # The next commit covers it, or another member reads the records again.
            log(f"the offsets are not committed: {problem}")

    # --- The consumer itself ---

    def _is_notice(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return False
        if error.code() == KafkaError._PARTITION_EOF:
            self._ended.add(message.partition() or 0)
        else:
            self._trouble(error)
        return True

    def _is_at_end(self) -> bool:
        assigned = {part.partition for part in self._consumer.assignment()}
        return bool(assigned) and assigned <= self._ended

    def _measure(self) -> None:
        lag = 0
        for part in self._consumer.position(self._consumer.assignment()):
            _, end = self._consumer.get_watermark_offsets(part, cached=True)
            if part.offset >= 0 and end > part.offset:
                lag += end - part.offset
        self._figures.lag.set(lag)

    def _trouble(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = f"the consumer cannot go on: {error.str()}"
        text = f"Kafka: {error.str()}"
        if text != self._last_trouble:
            log(text)
        self._last_trouble = text


def _bytes(content: Any) -> Optional[bytes]:
    return content if isinstance(content, bytes) else None


def _headers(message: Message) -> List[Header]:
    headers = message.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)
