-- SPDX-License-Identifier: Apache-2.0
-- Views over Insights in files: the file sink's, a dump of the topic, and the results of `batch`.
-- The variables name the files; a pattern such as 'insights-*.ndjson' is one as well.
--
--   duckdb -cmd "SET VARIABLE insights = 'insights.ndjson'" -init views.sql

-- Each line as it is. read_json would guess types from the first lines: a metric that is 1 there and 1.5 later reads 2,
-- and one that comes later is not there at all.
CREATE OR REPLACE VIEW insight_lines AS
SELECT line, CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line::JSON END AS payload
FROM read_csv(getvariable('insights'), columns = {'line': 'VARCHAR'}, header = false, auto_detect = false,
              delim = '\x01', quote = '', escape = '', max_line_size = 1048576, ignore_errors = true,
              strict_mode = false);

-- The payloads of executions: members of the standard, the extended and the legacy format.
CREATE OR REPLACE VIEW insight_payloads AS
SELECT line, payload, payload->>'request_id' AS request_id,
       CASE WHEN json_type(payload, '$.session_id') = 'VARCHAR' THEN payload->>'time'
            ELSE rtrim(payload->>'timestamp', 'Z') END AS moment,
       CASE WHEN json_type(payload, '$.outcome') = 'VARCHAR' THEN payload->>'outcome' END AS outcome,
       CASE WHEN json_type(payload, '$.session_id') = 'VARCHAR' THEN ['time', 'session_id'] ELSE ['timestamp'] END
         || CASE WHEN json_type(payload, '$.outcome') = 'VARCHAR'
                 THEN ['outcome', 'exit_code', 'attempts', 'cpu_user_milliseconds', 'cpu_system_milliseconds',
                       'max_rss_bytes', 'queue_milliseconds'] ELSE [] END
         || ['request_id', 'duration_milliseconds', 'algorithm_owner', 'algorithm_name', 'algorithm_version']
         AS operational
FROM insight_lines WHERE payload IS NOT NULL AND json_type(payload, '$.connection_test') IS NULL;

-- One row an execution, however often it was delivered.
CREATE OR REPLACE VIEW insights AS
SELECT * FROM (
  SELECT request_id, try_cast(moment AS TIMESTAMP) AS moment, outcome,
         try_cast(payload->>'duration_milliseconds' AS DOUBLE) AS duration_milliseconds,
         payload->>'algorithm_owner' AS algorithm_owner, payload->>'algorithm_name' AS algorithm_name,
         payload->>'algorithm_version' AS algorithm_version,
         -- A map keeps any name: paths into JSON lose those with control characters.
         map_from_entries(list_filter(
           map_entries(try_cast(payload AS MAP(VARCHAR, JSON))), lambda e: NOT list_contains(operational, e.key))) AS members
  FROM insight_payloads)
WHERE request_id IS NOT NULL AND moment IS NOT NULL AND duration_milliseconds IS NOT NULL
  AND algorithm_owner IS NOT NULL AND algorithm_name IS NOT NULL AND algorithm_version IS NOT NULL
  AND len(list_filter(map_values(members), lambda v: json_type(v) NOT IN ('DOUBLE', 'BIGINT', 'UBIGINT', 'HUGEINT'))) = 0
QUALIFY row_number() OVER (PARTITION BY request_id) = 1;

-- One row a metric. Values are doubles.
CREATE OR REPLACE VIEW insight_metrics AS
SELECT request_id, moment, outcome, algorithm_owner, algorithm_name, algorithm_version, m.key AS name,
       m.value::VARCHAR::DOUBLE AS value
FROM (SELECT *, unnest(map_entries(members)) AS m FROM insights);

-- What is neither an execution nor a connection test.
CREATE OR REPLACE VIEW insights_unreadable AS
SELECT line FROM insight_lines
WHERE payload IS NULL OR (json_type(payload, '$.connection_test') IS NULL
  AND (payload->>'request_id' IS NULL OR payload->>'request_id' NOT IN (SELECT request_id FROM insights)));

-- The results of `batch --output`: records with an input, a result, and the outcome of each attempt's end.
CREATE OR REPLACE VIEW batch_results AS
SELECT line->>'request_id' AS request_id, rtrim(line->>'timestamp', 'Z')::TIMESTAMP AS moment, line->>'algorithm' AS algorithm,
       line->>'outcome' AS outcome, (line->>'duration_milliseconds')::DOUBLE AS duration_milliseconds,
       line->>'input_sha256' AS input_sha256, line->'result' AS result,
       map_from_entries(list_transform(map_entries((line->'metrics')::MAP(VARCHAR, JSON)),
         lambda e: {'k': e.key, 'v': e.value::VARCHAR::DOUBLE})) AS metrics
FROM (SELECT json AS line FROM read_ndjson_objects(getvariable('batch_results')));
