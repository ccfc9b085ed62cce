-- Mappings that were refused, by the error number that dma_buf_vmap returned (negative).
SELECT
  consumer,
  result,
  SUM(count) AS calls,
  COUNT(DISTINCT device) AS devices,
  COUNT(DISTINCT build) AS builds
FROM events
WHERE kind = 'mapping' AND NOT is_sample AND result < 0
GROUP BY consumer, result
ORDER BY SUM(count) DESC, consumer, result
