-- Call paths by how long one mapping takes. Those that something disturbed are left out. Medians
-- and 95th percentiles are nearest ranks, cut to three digits: the functions of engines differ, and
-- sorting each duration would take a large fleet's memory.
SELECT
  call_path,
  consumer,
  MAX(total) AS measured_calls,
  MIN(CASE WHEN 2 * place >= total THEN about_ns END) AS median_ns,
  MIN(CASE WHEN 20 * place >= 19 * total THEN about_ns END) AS p95_ns,
  MAX(most_ns) AS longest_ns
FROM (
  SELECT
    call_path,
    consumer,
    about_ns,
    most_ns,
    SUM(calls_there) OVER (
      PARTITION BY call_path, consumer ORDER BY about_ns ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place,
    SUM(calls_there) OVER (PARTITION BY call_path, consumer) AS total
  FROM (
    SELECT call_path, consumer, about_ns, COUNT(*) AS calls_there, MAX(dur) AS most_ns
    FROM (
      SELECT
        call_path,
        consumer,
        dur,
        dur - MOD(dur, CASE
          WHEN dur < 1000 THEN 1
          WHEN dur < 10000 THEN 10
          WHEN dur < 100000 THEN 100
          WHEN dur < 1000000 THEN 1000
          WHEN dur < 10000000 THEN 10000
          WHEN dur < 100000000 THEN 100000
          WHEN dur < 1000000000 THEN 1000000
          WHEN dur < 10000000000 THEN 10000000
          ELSE 100000000
        END) AS about_ns
      FROM events
      WHERE kind = 'mapping' AND NOT is_sample AND NOT is_disturbed AND dur IS NOT NULL
    ) AS cut_durations
    GROUP BY call_path, consumer, about_ns
  ) AS durations
) AS ranked
GROUP BY call_path, consumer
ORDER BY MIN(CASE WHEN 20 * place >= 19 * total THEN about_ns END) DESC, call_path, consumer
