-- SPDX-License-Identifier: Apache-2.0
-- Kolmogorov–Smirnov D of each metric that two versions report: :algorithm, :reference and :current are psql's variables.
WITH shares AS (
  SELECT name, value,
    sum(count(*) FILTER (WHERE algorithm_version = :'reference')) OVER w
      / nullif(sum(count(*) FILTER (WHERE algorithm_version = :'reference')) OVER (PARTITION BY name), 0) AS reference,
    sum(count(*) FILTER (WHERE algorithm_version = :'current')) OVER w
      / nullif(sum(count(*) FILTER (WHERE algorithm_version = :'current')) OVER (PARTITION BY name), 0) AS current
  FROM insight_metrics
  WHERE algorithm_name = :'algorithm'
  GROUP BY name, value
  WINDOW w AS (PARTITION BY name ORDER BY value)
)
SELECT name, max(abs(reference - current)) AS d FROM shares GROUP BY name
HAVING max(abs(reference - current)) IS NOT NULL ORDER BY d DESC;
