-- What there is of each build. Events without a build are in a row of their own.
SELECT
  build,
  COUNT(DISTINCT device) AS devices,
  COUNT(DISTINCT recording) AS recordings,
  SUM(CASE WHEN kind = 'mapping' AND NOT is_sample THEN count ELSE 0 END) AS calls,
  SUM(CASE WHEN kind = 'unmapping' THEN count ELSE 0 END) AS unmappings,
  SUM(CASE WHEN kind = 'mapping' AND is_sample THEN count ELSE 0 END) AS samples,
  SUM(CASE WHEN kind = 'mapping' AND NOT is_sample THEN dur END) AS total_ns,
  SUM(recorded_ns) AS recorded_total_ns,
  SUM(lost_events) AS lost_total,
  SUM(unreadable_lines) AS unreadable_total
FROM events
GROUP BY build
ORDER BY build
