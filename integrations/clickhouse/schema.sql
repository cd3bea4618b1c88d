-- SPDX-License-Identifier: Apache-2.0
-- Insights from Kafka into ClickHouse, by its Kafka engine. Query `insights` with FINAL: a payload may arrive twice.
-- A login goes into the settings of insights_queue (kafka_security_protocol, kafka_sasl_mechanism, …), the authority of
-- TLS into the server's configuration (kafka.xml).
CREATE DATABASE IF NOT EXISTS algo_run;

CREATE TABLE IF NOT EXISTS algo_run.insights (
  request_id String,
  timestamp DateTime64(6, 'UTC'),
  duration_milliseconds Float64,
  algorithm_owner LowCardinality(String),
  algorithm_name LowCardinality(String),
  algorithm_version LowCardinality(String),
  outcome LowCardinality(String),
  rejected_metrics UInt32,
  -- A map takes any name. The type JSON would nest names with a dot, and guess the type of each.
  metrics Map(String, Float64)
) ENGINE = ReplacingMergeTree
ORDER BY (algorithm_owner, algorithm_name, algorithm_version, timestamp, request_id)
PARTITION BY toYYYYMM(timestamp);

CREATE TABLE IF NOT EXISTS algo_run.insights_unreadable (
  received DateTime DEFAULT now(),
  record_partition UInt64,
  record_offset UInt64,
  raw String
) ENGINE = MergeTree ORDER BY received TTL received + INTERVAL 30 DAY;

-- Each record as it is: what is no JSON stops nothing here.
CREATE TABLE IF NOT EXISTS algo_run.insights_queue (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = 'localhost:9092', kafka_topic_list = 'insights', kafka_group_name = 'clickhouse-insights',
  kafka_format = 'RawBLOB', kafka_flush_interval_ms = 1000, kafka_poll_timeout_ms = 100;

-- Passes on and keeps nothing: members are taken out once for both tables.
CREATE TABLE IF NOT EXISTS algo_run.insights_read (
  raw String, record_partition UInt64, record_offset UInt64, is_readable Bool, request_id String,
  timestamp Nullable(DateTime64(6, 'UTC')), duration_milliseconds Float64, algorithm_owner String, algorithm_name String,
  algorithm_version String, outcome String, rejected_metrics UInt32, metrics Map(String, Float64)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS algo_run.insights_writer TO algo_run.insights AS
SELECT request_id, assumeNotNull(timestamp) AS timestamp, duration_milliseconds, algorithm_owner, algorithm_name,
  algorithm_version, outcome, rejected_metrics, metrics
FROM algo_run.insights_read WHERE is_readable;

CREATE MATERIALIZED VIEW IF NOT EXISTS algo_run.insights_unreadable_writer TO algo_run.insights_unreadable AS
SELECT now() AS received, record_partition, record_offset, raw FROM algo_run.insights_read WHERE NOT is_readable;

-- The last one: with it reading begins, and a record that is read before its tables are there would be lost.
CREATE MATERIALIZED VIEW IF NOT EXISTS algo_run.insights_reader TO algo_run.insights_read AS
WITH
  -- A payload with an integer beyond 64 bits would be refused as a whole: such a number gets a decimal.
  replaceRegexpAll(raw, '([^\\\\]":-?[0-9]{19,})([,}])', '\\1.0\\2') AS text,
  JSONType(text, 'session_id') = 'String' AS is_legacy,
  JSONType(text, 'outcome') = 'String' AS is_extended,
  arrayFilter(
    name -> NOT (
      name IN ('request_id', 'duration_milliseconds', 'algorithm_owner', 'algorithm_name', 'algorithm_version')
      OR (is_legacy AND name IN ('time', 'session_id'))
      OR (NOT is_legacy AND name = 'timestamp')
      OR (is_extended AND name IN ('outcome', 'exit_code', 'attempts', 'cpu_user_milliseconds', 'cpu_system_milliseconds',
                                   'max_rss_bytes', 'queue_milliseconds'))),
    JSONExtractKeys(text)) AS names
SELECT
  raw, _partition AS record_partition, _offset AS record_offset,
  JSONExtractString(text, 'request_id') AS request_id,
  parseDateTime64BestEffortOrNull(JSONExtractString(text, if(is_legacy, 'time', 'timestamp')), 6, 'UTC') AS timestamp,
  JSONExtractFloat(text, 'duration_milliseconds') AS duration_milliseconds,
  JSONExtractString(text, 'algorithm_owner') AS algorithm_owner,
  JSONExtractString(text, 'algorithm_name') AS algorithm_name,
  JSONExtractString(text, 'algorithm_version') AS algorithm_version,
  if(has(_headers.name, 'algo_outcome'), _headers.value[indexOf(_headers.name, 'algo_outcome')],
     if(is_extended, JSONExtractString(text, 'outcome'), 'unknown')) AS outcome,
  toUInt32OrZero(_headers.value[indexOf(_headers.name, 'algo_rejected_metrics')]) AS rejected_metrics,
  mapFromArrays(names, arrayMap(name -> JSONExtractFloat(text, name), names)) AS metrics,
  request_id != '' AND isNotNull(timestamp) AND algorithm_owner != '' AND algorithm_name != '' AND algorithm_version != ''
    AND arrayAll(name -> JSONType(text, name) IN ('Double', 'Int64', 'UInt64'), names) AS is_readable
FROM algo_run.insights_queue
WHERE NOT has(_headers.name, 'algo_connection_test');
