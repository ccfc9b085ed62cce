-- Who maps: each call path with its calls, time and bytes, those that take the most time first.
-- Sampled stacks are no calls, so they are left out here and in every other question.
SELECT
  call_path,
  consumer,
  SUM(count) AS calls,
  SUM(dur) AS total_ns,
  MAX(dur) AS longest_ns,
  SUM(CAST(size_bytes AS DOUBLE) * count) AS total_bytes,
  COUNT(DISTINCT device) AS devices
FROM events
WHERE kind = 'mapping' AND NOT is_sample
GROUP BY call_path, consumer
ORDER BY COALESCE(SUM(dur), 0) DESC, SUM(count) DESC, call_path, consumer
