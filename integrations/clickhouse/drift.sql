-- SPDX-License-Identifier: Apache-2.0
-- Kolmogorov–Smirnov D and p of each metric that both versions report.
WITH samples AS (
  SELECT arrayJoin(metrics) AS pair, pair.1 AS metric, pair.2 AS value, algorithm_version = {current:String} AS is_current
  FROM algo_run.insights FINAL
  WHERE algorithm_name = {algorithm:String} AND algorithm_version IN ({reference:String}, {current:String})
)
SELECT metric, ks.1 AS d, ks.2 AS p, countIf(NOT is_current) AS reference_count, countIf(is_current) AS current_count,
  kolmogorovSmirnovTest('two-sided', 'exact')(value, is_current) AS ks
FROM samples
WHERE metric IN (SELECT metric FROM samples GROUP BY metric HAVING uniqExact(is_current) = 2)
GROUP BY metric
ORDER BY d DESC;
