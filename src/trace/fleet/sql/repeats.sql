-- Mappings of a buffer that the same call path had mapped before in the same recording. Buffers
-- are told apart by their pointers, which the kernel uses again for later buffers. All mappings of
-- a buffer but the first one are repeats.
WITH uses AS (
  SELECT
    recording AS used_in,
    call_path,
    consumer,
    COUNT(*) AS use_count,
    COUNT(dur) AS known_count,
    SUM(dur) AS known_ns,
    MIN(id) AS first_id
  FROM events
  WHERE kind = 'mapping' AND NOT is_sample AND buffer IS NOT NULL
  GROUP BY recording, call_path, consumer, buffer
),
firsts AS (
  SELECT recording AS first_in, id AS first_use, dur AS first_ns
  FROM events
  WHERE kind = 'mapping' AND NOT is_sample AND buffer IS NOT NULL
),
repeated AS (
  SELECT
    call_path,
    consumer,
    use_count,
    CASE WHEN known_count > CASE WHEN first_ns IS NULL THEN 0 ELSE 1 END
      THEN known_ns - COALESCE(first_ns, 0) END AS again_ns
  FROM uses
  JOIN firsts ON used_in = first_in AND first_id = first_use
)
SELECT
  call_path,
  consumer,
  SUM(use_count) AS calls,
  COUNT(*) AS buffers,
  SUM(use_count - 1) AS repeats,
  SUM(again_ns) AS repeat_ns
FROM repeated
GROUP BY call_path, consumer
HAVING SUM(use_count - 1) > 0
ORDER BY COALESCE(SUM(again_ns), 0) DESC, SUM(use_count - 1) DESC, call_path, consumer
