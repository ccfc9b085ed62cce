/** The questions to a fleet, asked through DuckDB, and answered by a naive twin. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { importDuckdb, lackOfDuckdb } from '../../../test/support/traces/duckdb.ts';
import { inAnyOrder, naiveFleet, naiveGrowth } from '../../../test/support/traces/naive-fleet.ts';
import { SEEDED_BUILDS, seededFleet } from '../../../test/support/traces/seeded-fleet.ts';
import type { SeededRecording } from '../../../test/support/traces/seeded-fleet.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { writeTraceParquet } from '../export/parquet/write-trace-parquet.ts';
import type { MappingEvent, TraceSummary } from '../mapping-event.ts';
import { FLEET_QUESTIONS } from './fleet-rows.ts';
import { reportFleet, reportFleetWith } from './report-fleet.ts';
import type { FleetReport, ReportFleetOptions } from './report-fleet.ts';

const skip = lackOfDuckdb;

async function report(
  t: TestContext,
  recordings: readonly SeededRecording[],
  options: ReportFleetOptions = {},
): Promise<FleetReport> {
  const folder = temporaryFolder(t);
  for (const [index, { records, device, build }] of recordings.entries())
    await writeTraceParquet(join(folder, `${index}.parquet`), records, { device, build });
  return await reportFleetWith(importDuckdb, [folder], options);
}

for (const seed of [1, 2, 3, 4]) {
  test(`reportFleet answers every question as a naive twin does, seed ${seed}`, { skip }, async (t) => {
    const fleet = seededFleet(seed, 400);
    const answers = await report(t, fleet, { since: SEEDED_BUILDS.from });
    const expected = naiveFleet(fleet);
    for (const name of FLEET_QUESTIONS) {
      assert.ok(answers[name].length > 0, name);
      assert.deepEqual(inAnyOrder(answers[name]), inAnyOrder(expected[name] ?? []), name);
    }
    const { buildFrom, buildTo, drivers } = answers.growth ?? assert.fail();
    assert.deepEqual([buildFrom, buildTo], [SEEDED_BUILDS.from, SEEDED_BUILDS.to]);
    assert.deepEqual(inAnyOrder(drivers), inAnyOrder(naiveGrowth(fleet, SEEDED_BUILDS)));
    assert.equal(answers.fileCount, fleet.length);
    assert.deepEqual(answers.cutAnswers, []);
  });
}

function mapping(caller: string, durationNs: number, time = 0): MappingEvent {
  return { kind: 'mapping', form: 'event', line: 1, time, path: ['dma_buf_vmap', caller], durationNs };
}

const SUMMARY: TraceSummary = { kind: 'summary', mappings: 0, unmappings: 0, unreadableLines: [], lostEvents: 0 };

function summary(timeSpanSeconds: number): TraceSummary {
  return { ...SUMMARY, timeSpanSeconds };
}

test('reportFleet puts first what takes the most time, and what grew the most', { skip }, async (t) => {
  const older = [mapping('steady', 500), mapping('steady', 500), mapping('grown', 10), mapping('gone', 20), summary(2)];
  const newer = [mapping('steady', 500), ...Array.from({ length: 9 }, () => mapping('grown', 30)), summary(1)];
  const { callers, growth } = await report(
    t,
    [
      { build: 'older', device: 'a', records: older },
      { build: 'newer', device: 'a', records: newer },
      { build: 'newer', device: 'b', records: [mapping('untimed', 5), SUMMARY] },
    ],
    { since: 'older' },
  );
  assert.deepEqual(
    callers.map(({ consumer, calls, totalNs }) => [consumer, calls, totalNs]),
    [
      ['steady', 3, 1500],
      ['grown', 10, 280],
      ['gone', 1, 20],
      ['untimed', 1, 5],
    ],
  );
  assert.deepEqual(
    growth?.drivers.map((row) => [row.driverName, row.fromCallsPerSecond, row.toCallsPerSecond, row.callsRatio]),
    [
      ['grown', 0.5, 9, 18],
      // How often it is called, its recording does not say.
      ['untimed', 0, undefined, undefined],
      ['steady', 1, 1, 1],
      ['gone', 0.5, 0, 0],
    ],
  );
});

test('reportFleet counts the time of mappings of a buffer after its first one', { skip }, async (t) => {
  const use = (caller: string, buffer: string, durationNs?: number): MappingEvent => ({
    kind: 'mapping',
    form: 'event',
    line: 1,
    path: ['dma_buf_vmap', caller],
    buffer,
    ...(durationNs === undefined ? {} : { durationNs }),
  });
  const records = [
    use('known', '1', 1000),
    use('known', '2', 70),
    use('known', '1', 8),
    use('known', '1', 9),
    use('first', '1', 5),
    use('first', '1'),
    use('later', '1'),
    use('later', '1', 7),
    use('once', '1', 1),
    use('once', '2', 1),
  ];
  // The same pointer in another recording is another buffer.
  const { repeats } = await report(t, [{ records }, { records: [use('once', '1', 1)] }]);
  assert.deepEqual(
    repeats.map((row) => [row.consumer, row.calls, row.buffers, row.repeats, row.repeatNs]),
    [
      ['known', 4, 2, 2, 17],
      ['later', 2, 1, 1, 7],
      ['first', 2, 1, 1, undefined],
    ],
  );
});

test('reportFleet compares nothing where a build is not there or not the only other one', { skip }, async (t) => {
  const recordings = ['1', '2', '3'].map((build) => ({ build, records: [mapping('a', 1), summary(1)] }));
  const list = 'the files have 1, 2, 3';
  for (const [options, message] of [
    [{ since: '4' }, `Cannot compare builds as no file is of the build 4: ${list}`],
    [{ since: '1' }, `Cannot compare builds as the newer one of them has to be named: ${list}`],
    [{ since: '1', build: '1' }, `Cannot compare builds as no file is of another build 1: ${list}`],
  ] as const)
    await assert.rejects(report(t, recordings, options), { code: 'EINVAL', message });
  const { growth } = await report(t, recordings, { since: '1', build: '3' });
  assert.deepEqual([growth?.buildFrom, growth?.buildTo], ['1', '3']);
});

test('reportFleet gives up when it is told to', { skip }, async (t) => {
  const reason = new Error('given up');
  const recordings = [{ records: [mapping('a', 1), summary(1)] }];
  await assert.rejects(report(t, recordings, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
});

test('reportFleet refuses sources, builds and options that are none', async () => {
  await assert.rejects(reportFleet([]), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(reportFleet('folder' as unknown as string[]), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(reportFleet(['a\0b']), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(reportFleet(['a'], { build: '2' }), { code: 'ERR_INCOMPATIBLE_OPTION_PAIR' });
  await assert.rejects(reportFleet(['a'], { since: '' }), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('reportFleet names the command that installs its engine where that is missing', async () => {
  await assert.rejects(reportFleet(['*.parquet']), {
    code: 'ENOENT',
    values: { package: '@duckdb/node-api' },
    message:
      'Cannot read Parquet files as the package @duckdb/node-api is not installed beside dmabuf: npm install @duckdb/node-api',
  });
});
