-- Which driver's mappings grew between two builds: calls for each second that a device was recorded
-- and the share of a processor that they took. The relation `compared` has one row, with the names
-- of the builds: build_from, build_to. Rates are of the recordings whose length is known, and not
-- known where all calls are in others. Where the driver is not known, its subsystem or its consumer
-- stands for it.
WITH lengths AS (
  SELECT recording, build, SUM(recorded_ns) AS length_ns
  FROM events
  WHERE build IS NOT NULL
  GROUP BY recording, build
),
recorded AS (
  SELECT
    SUM(CASE WHEN build = build_from THEN length_ns END) AS from_ns,
    SUM(CASE WHEN build = build_to THEN length_ns END) AS to_ns
  FROM lengths CROSS JOIN compared
),
work AS (
  SELECT
    recording AS work_recording,
    COALESCE(driver, subsystem, consumer) AS driver_name,
    SUM(count) AS calls,
    SUM(dur) AS busy_ns
  FROM events
  WHERE kind = 'mapping' AND NOT is_sample AND build IS NOT NULL
  GROUP BY recording, COALESCE(driver, subsystem, consumer)
),
sides AS (
  SELECT
    driver_name,
    SUM(CASE WHEN build = build_from THEN calls ELSE 0 END) AS from_calls,
    SUM(CASE WHEN build = build_to THEN calls ELSE 0 END) AS to_calls,
    SUM(CASE WHEN build = build_from AND length_ns > 0 THEN calls ELSE 0 END) AS from_timed_calls,
    SUM(CASE WHEN build = build_to AND length_ns > 0 THEN calls ELSE 0 END) AS to_timed_calls,
    SUM(CASE WHEN build = build_from AND length_ns > 0 THEN busy_ns END) AS from_busy_ns,
    SUM(CASE WHEN build = build_to AND length_ns > 0 THEN busy_ns END) AS to_busy_ns
  FROM work
  JOIN lengths ON work_recording = recording
  CROSS JOIN compared
  WHERE build = build_from OR build = build_to
  GROUP BY driver_name
),
rates AS (
  SELECT
    driver_name,
    from_calls,
    to_calls,
    CASE WHEN from_timed_calls > 0 OR from_calls = 0
      THEN CAST(from_timed_calls AS DOUBLE) * 1e9 / NULLIF(from_ns, 0) END AS from_calls_per_second,
    CASE WHEN to_timed_calls > 0 OR to_calls = 0
      THEN CAST(to_timed_calls AS DOUBLE) * 1e9 / NULLIF(to_ns, 0) END AS to_calls_per_second,
    CAST(from_busy_ns AS DOUBLE) / NULLIF(from_ns, 0) AS from_busy_share,
    CAST(to_busy_ns AS DOUBLE) / NULLIF(to_ns, 0) AS to_busy_share
  FROM sides CROSS JOIN recorded
)
SELECT
  driver_name,
  from_calls,
  to_calls,
  from_calls_per_second,
  to_calls_per_second,
  to_calls_per_second / NULLIF(from_calls_per_second, 0) AS calls_ratio,
  from_busy_share,
  to_busy_share,
  to_busy_share / NULLIF(from_busy_share, 0) AS busy_ratio
FROM rates
ORDER BY
  COALESCE(to_calls_per_second - from_calls_per_second, CAST(to_calls - from_calls AS DOUBLE)) DESC,
  driver_name
