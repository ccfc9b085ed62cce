-- Mappings of a buffer that the same call path had mapped before in the same recording. Buffers
-- are told apart by their pointers, which the kernel uses again for later buffers.
SELECT
  call_path,
  consumer,
  COUNT(*) AS calls,
  SUM(CASE WHEN use_number = 1 THEN 1 ELSE 0 END) AS buffers,
  SUM(CASE WHEN use_number > 1 THEN 1 ELSE 0 END) AS repeats,
  SUM(CASE WHEN use_number > 1 THEN dur END) AS repeat_ns
FROM (
  SELECT
    call_path,
    consumer,
    dur,
    ROW_NUMBER() OVER (PARTITION BY recording, call_path, consumer, buffer ORDER BY id) AS use_number
  FROM events
  WHERE kind = 'mapping' AND NOT is_sample AND buffer IS NOT NULL
) AS uses
GROUP BY call_path, consumer
HAVING SUM(CASE WHEN use_number > 1 THEN 1 ELSE 0 END) > 0
ORDER BY
  COALESCE(SUM(CASE WHEN use_number > 1 THEN dur END), 0) DESC,
  SUM(CASE WHEN use_number > 1 THEN 1 ELSE 0 END) DESC,
  call_path,
  consumer
