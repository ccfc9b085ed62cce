-- The same by consumer, with what the time went into where the traces tell. The parts are of
-- divided_calls mappings.
SELECT
  consumer,
  driver,
  origin,
  SUM(count) AS calls,
  SUM(dur) AS total_ns,
  SUM(CAST(size_bytes AS DOUBLE) * count) AS total_bytes,
  COUNT(vmap_ns) AS divided_calls,
  SUM(page_array_ns) AS page_array_total_ns,
  SUM(sg_to_pages_ns) AS sg_to_pages_total_ns,
  SUM(vmap_ns) AS vmap_total_ns,
  SUM(free_ns) AS free_total_ns,
  SUM(lock_wait_ns) AS lock_wait_total_ns,
  SUM(other_ns) AS other_total_ns,
  COUNT(DISTINCT device) AS devices
FROM events
WHERE kind = 'mapping' AND NOT is_sample
GROUP BY consumer, driver, origin
ORDER BY COALESCE(SUM(dur), 0) DESC, SUM(count) DESC, consumer, driver, origin
