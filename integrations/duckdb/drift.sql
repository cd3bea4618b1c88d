-- SPDX-License-Identifier: Apache-2.0
-- Kolmogorov–Smirnov D of each metric between two versions: the largest distance of their distribution functions.
-- The variables `reference` and `current` are the versions.
WITH shares AS (
  SELECT name, value,
         sum(count(*) FILTER (algorithm_version = getvariable('reference'))) OVER w
           / sum(count(*) FILTER (algorithm_version = getvariable('reference'))) OVER (PARTITION BY name) AS reference,
         sum(count(*) FILTER (algorithm_version = getvariable('current'))) OVER w
           / sum(count(*) FILTER (algorithm_version = getvariable('current'))) OVER (PARTITION BY name) AS current
  FROM insight_metrics
  WHERE algorithm_name = getvariable('algorithm')
  GROUP BY name, value
  WINDOW w AS (PARTITION BY name ORDER BY value)
)
SELECT name, max(abs(reference - current)) AS d FROM shares GROUP BY name
HAVING max(abs(reference - current)) IS NOT NULL ORDER BY d DESC;
