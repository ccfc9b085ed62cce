-- Call paths by how long one mapping takes. Those that something disturbed are left out. Medians
-- and 95th percentiles are the nearest rank: engines have functions of their own, which differ.
SELECT
  call_path,
  consumer,
  MAX(total) AS measured_calls,
  MIN(CASE WHEN 2 * place >= total THEN dur END) AS median_ns,
  MIN(CASE WHEN 20 * place >= 19 * total THEN dur END) AS p95_ns,
  MAX(dur) AS longest_ns
FROM (
  SELECT
    call_path,
    consumer,
    dur,
    ROW_NUMBER() OVER (PARTITION BY call_path, consumer ORDER BY dur) AS place,
    COUNT(*) OVER (PARTITION BY call_path, consumer) AS total
  FROM events
  WHERE kind = 'mapping' AND NOT is_sample AND NOT is_disturbed AND dur IS NOT NULL
) AS measured
GROUP BY call_path, consumer
ORDER BY MIN(CASE WHEN 20 * place >= 19 * total THEN dur END) DESC, call_path, consumer
