-- Each device with each of its builds. Rates are of the recordings whose length is known: a row of
-- kind 'summary' has it in recorded_ns.
SELECT
  device,
  build,
  COUNT(*) AS recordings,
  SUM(recording_calls) AS calls,
  SUM(busy_ns) AS total_ns,
  SUM(refusals) AS failures,
  SUM(lost) AS lost_total,
  SUM(length_ns) AS recorded_total_ns,
  CAST(SUM(CASE WHEN length_ns > 0 THEN recording_calls ELSE 0 END) AS DOUBLE) * 1e9
    / NULLIF(SUM(length_ns), 0) AS calls_per_second,
  CAST(SUM(CASE WHEN length_ns > 0 THEN busy_ns END) AS DOUBLE)
    / NULLIF(SUM(length_ns), 0) AS busy_share
FROM (
  SELECT
    recording,
    device,
    build,
    SUM(CASE WHEN kind = 'mapping' AND NOT is_sample THEN count ELSE 0 END) AS recording_calls,
    SUM(CASE WHEN kind = 'mapping' AND NOT is_sample THEN dur END) AS busy_ns,
    SUM(CASE WHEN kind = 'mapping' AND NOT is_sample AND result < 0 THEN count ELSE 0 END) AS refusals,
    SUM(lost_events) AS lost,
    SUM(recorded_ns) AS length_ns
  FROM events
  GROUP BY recording, device, build
) AS recordings_of_devices
GROUP BY device, build
ORDER BY SUM(recording_calls) DESC, device, build
