-- SPDX-License-Identifier: Apache-2.0
-- Insights in PostgreSQL. Each line goes through insights_add: by rsyslog from the topic (rsyslog.conf), or from files:
--
--   CREATE TEMPORARY TABLE lines (line text);
--   \copy lines FROM 'insights.ndjson' (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
--   SELECT insights_add(line) FROM lines;

CREATE TABLE IF NOT EXISTS insights (
  request_id text PRIMARY KEY,
  "timestamp" timestamptz NOT NULL,
  duration_milliseconds float8 NOT NULL,
  algorithm_owner text NOT NULL,
  algorithm_name text NOT NULL,
  algorithm_version text NOT NULL,
  -- Known from payloads in the extended format alone: rsyslog hands over no headers.
  outcome text,
  metrics jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS insights_version ON insights (algorithm_owner, algorithm_name, algorithm_version, "timestamp");

CREATE TABLE IF NOT EXISTS insights_unreadable (
  received timestamptz NOT NULL DEFAULT now(),
  error text NOT NULL,
  payload text NOT NULL
);

-- Stores one payload. Again the same one changes nothing; what cannot be read is kept beside, and stops nothing.
CREATE OR REPLACE FUNCTION insights_add(line text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  payload jsonb;
  operational text[] := ARRAY['request_id', 'duration_milliseconds', 'algorithm_owner', 'algorithm_name',
                              'algorithm_version'];
  moment text := 'timestamp';
  known_outcome text;
  metrics jsonb;
BEGIN
  -- Text in PostgreSQL has no U+0000; a metric's name with one gets U+2400, the symbol for it.
  payload := regexp_replace(line, '(^|[^\\])((?:\\\\)*)\\u0000', '\1\2\\u2400', 'g')::jsonb;
  IF payload ? 'connection_test' AND NOT payload ? 'algorithm_name' THEN
    RETURN;
  END IF;
  IF jsonb_typeof(payload -> 'session_id') = 'string' THEN
    moment := 'time';
    operational := operational || ARRAY['time', 'session_id'];
  ELSE
    operational := operational || ARRAY['timestamp'];
  END IF;
  IF jsonb_typeof(payload -> 'outcome') = 'string' THEN
    known_outcome := payload ->> 'outcome';
    operational := operational || ARRAY['outcome', 'exit_code', 'attempts', 'cpu_user_milliseconds',
                                        'cpu_system_milliseconds', 'max_rss_bytes', 'queue_milliseconds'];
  END IF;
  metrics := payload - operational;
  IF EXISTS (SELECT FROM jsonb_each(metrics) WHERE jsonb_typeof(value) <> 'number') THEN
    RAISE EXCEPTION 'a metric is not a number';
  END IF;
  INSERT INTO insights VALUES (
    payload ->> 'request_id', (rtrim(payload ->> moment, 'Z') || 'Z')::timestamptz,
    (payload ->> 'duration_milliseconds')::float8, payload ->> 'algorithm_owner', payload ->> 'algorithm_name',
    payload ->> 'algorithm_version', known_outcome, metrics)
  ON CONFLICT (request_id) DO NOTHING;
EXCEPTION WHEN OTHERS THEN
  INSERT INTO insights_unreadable (error, payload) VALUES (SQLERRM, left(line, 10000));
END
$$;

-- One row a metric. jsonb keeps each number as it was written; as a double it can be computed with.
CREATE OR REPLACE VIEW insight_metrics AS
SELECT request_id, "timestamp", algorithm_owner, algorithm_name, algorithm_version, outcome, metric.key AS name,
  (metric.value #>> '{}')::float8 AS value
FROM insights, jsonb_each(metrics) AS metric;
