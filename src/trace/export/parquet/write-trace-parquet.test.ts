/** What is written as Parquet is what two other readers find in the file. */

import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

import { importDuckdb, lackOfDuckdb } from '../../../../test/support/traces/duckdb.ts';
import { readTraceFixture, readTraceText } from '../../../../test/support/traces/read-text.ts';
import { repositoryRoot } from '../../../../test/support/runner/source-files.ts';
import { temporaryFolder } from '../../../../test/support/runner/temporary-folder.ts';
import { Duckdb } from '../../fleet/duckdb.ts';
import type { MappingEvent, TraceRecord, TraceSummary } from '../../mapping-event.ts';
import { writeTraceParquet } from './write-trace-parquet.ts';
import type { TraceRecords, WriteTraceParquetOptions } from './write-trace-parquet.ts';

type Row = Readonly<Record<string, unknown>>;

async function writeAndRead(
  t: TestContext,
  records: TraceRecords,
  options: WriteTraceParquetOptions = {},
): Promise<Row[]> {
  const path = join(temporaryFolder(t), 'events.parquet');
  const rowCount = await writeTraceParquet(path, records, options);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
  assert.equal(rows.length, rowCount);
  return rows;
}

/** What a row says that is known, without the number of its recording, which is random. */
function knownOf(row: Row | undefined): Row {
  const entries = Object.entries(row ?? {}).filter(
    ([name, value]) => value !== null && value !== undefined && name !== 'recording',
  );
  return Object.fromEntries(entries);
}

const SUMMARY: TraceSummary = { kind: 'summary', mappings: 0, unmappings: 0, unreadableLines: [], lostEvents: 0 };

const WHOLE: MappingEvent = {
  kind: 'mapping',
  form: 'function_graph',
  file: 'trace.txt',
  line: 12,
  time: 1_764_322_222.123456,
  timeText: 'Nov 28 09:30:22',
  cpu: 3,
  task: { comm: 'cam;era', pid: 4711 },
  path: ['dma_buf_vmap_unlocked', 'mtk_cam_vb2_vaddr', 'odd name;'],
  modules: [
    { name: 'system_heap', buildId: '8d35', functions: ['system_heap_vmap'] },
    { name: 'mtk_cam', buildId: '0cf9', functions: ['mtk_cam_vb2_vaddr'] },
  ],
  sizeBytes: 8_388_608,
  exporter: 'system',
  buffer: '00000000deadbeef',
  durationNs: 100,
  parts: [
    { name: 'system_heap_vmap', depth: 1, ns: 90 },
    { name: 'vmalloc', depth: 2, ns: 10 },
    { name: 'vmap', depth: 2, ns: 50 },
    { name: 'kvfree', depth: 2, ns: 5 },
  ],
  result: -12,
  count: 2,
  marks: ['preempted', 'parts-cut'],
};

test('writeTraceParquet has all that is known of an event in its columns', async (t) => {
  const [row] = await writeAndRead(t, [WHOLE], { device: 'cam-1', build: '2026.11' });
  assert.deepEqual(knownOf(row), {
    id: 0n,
    kind: 'mapping',
    device: 'cam-1',
    build: '2026.11',
    form: 'function_graph',
    file: 'trace.txt',
    line: 12n,
    ts: 1_764_322_222_123_456_000n,
    time_text: 'Nov 28 09:30:22',
    dur: 100n,
    name: 'dma_buf_vmap_unlocked',
    category: 'dma-buf',
    cpu: 3n,
    tid: 4711n,
    thread_name: 'cam;era',
    call_path: 'odd_name_;mtk_cam_vb2_vaddr;dma_buf_vmap_unlocked',
    consumer: 'mtk_cam, mtk_cam_vb2_vaddr',
    driver: 'mtk_cam',
    origin: 'out-of-tree',
    module: 'mtk_cam',
    module_build_id: '0cf9',
    size_bytes: 8_388_608n,
    exporter: 'system',
    buffer: '00000000deadbeef',
    result: -12n,
    count: 2n,
    page_array_ns: 10n,
    sg_to_pages_ns: 25n,
    vmap_ns: 50n,
    free_ns: 5n,
    lock_wait_ns: 0n,
    other_ns: 10n,
    marks: 'preempted;parts-cut',
    is_sample: false,
    is_disturbed: true,
  });
});

test('writeTraceParquet invents nothing: what a source does not say is null', async (t) => {
  const records: TraceRecord[] = [
    { kind: 'mapping', form: 'collapsed', line: 1, path: ['dma_buf_vmap'], durationNs: null, marks: ['sample'] },
    { kind: 'unmapping', form: 'event', line: 2, path: ['dma_buf_vunmap'], buffer: '1' },
    { ...SUMMARY, unreadableLines: [{ line: 1 }], unreadableLineCount: 2000, lostEvents: 3, timeSpanSeconds: 1.5 },
    { kind: 'unmapping', form: 'event', line: 1, path: ['dma_buf_vunmap'] },
  ];
  const rows = await writeAndRead(t, records);
  const event = { category: 'dma-buf', count: 1n, is_disturbed: false };
  assert.deepEqual(rows.map(knownOf), [
    {
      ...event,
      id: 0n,
      kind: 'mapping',
      form: 'collapsed',
      line: 1n,
      name: 'dma_buf_vmap',
      call_path: 'dma_buf_vmap',
      consumer: 'unknown caller',
      origin: 'unknown',
      marks: 'sample',
      is_sample: true,
    },
    {
      ...event,
      id: 1n,
      kind: 'unmapping',
      form: 'event',
      line: 2n,
      name: 'dma_buf_vunmap',
      call_path: 'dma_buf_vunmap',
      buffer: '1',
      is_sample: false,
    },
    {
      id: 2n,
      kind: 'summary',
      is_sample: false,
      is_disturbed: false,
      recorded_ns: 1_500_000_000n,
      lost_events: 3n,
      unreadable_lines: 2000n,
    },
    // After a summary, another recording begins.
    {
      ...event,
      id: 0n,
      kind: 'unmapping',
      form: 'event',
      line: 1n,
      name: 'dma_buf_vunmap',
      call_path: 'dma_buf_vunmap',
      is_sample: false,
    },
  ]);
  const recordings = rows.map(({ recording }) => recording);
  assert.deepEqual(new Set(recordings).size, 2);
  assert.deepEqual([recordings[0], recordings[0]], [recordings[1], recordings[2]]);
});

for (const name of readdirSync(join(repositoryRoot, 'test/fixtures/trace'))) {
  test(`writeTraceParquet writes what was read of ${name}`, async (t) => {
    const { mappings, unmappings, summary } = readTraceText(readTraceFixture(name));
    const rows = await writeAndRead(t, [...mappings, ...unmappings, summary]);
    assert.ok(mappings.length > 0);
    assert.equal(rows.length, mappings.length + unmappings.length + 1);
    for (const [index, { path, durationNs, sizeBytes, time, task }] of mappings.entries()) {
      const row = rows[index];
      assert.equal(row?.['call_path'], path.toReversed().join(';'));
      assert.equal(row['dur'] ?? null, typeof durationNs === 'number' ? BigInt(Math.round(durationNs)) : null);
      assert.equal(row['size_bytes'] ?? null, sizeBytes === undefined ? null : BigInt(sizeBytes));
      assert.equal(row['thread_name'] ?? null, task?.comm ?? null);
      assert.equal(row['ts'] === null || row['ts'] === undefined, time === undefined);
    }
  });
}

test('writeTraceParquet keeps each digit of a time, and takes any number that an event may have', async (t) => {
  const times = [0, 6.689849, 116.181643001, 1e-7, 4_294_967_296.5, 1e290];
  const events = times.map((time): MappingEvent => Object.assign({}, WHOLE, { time, durationNs: time * 1.5 }));
  const rows = await writeAndRead(t, events);
  assert.deepEqual(
    rows.map(({ ts }) => ts ?? null),
    [0n, 6_689_849_000n, 116_181_643_001n, 100n, 4_294_967_296_500_000_000n, null],
  );
  assert.deepEqual(
    rows.map(({ dur }) => dur ?? null),
    [0n, 10n, 174n, 0n, 6_442_450_945n, null],
  );
});

test('writeTraceParquet writes any text, and any number of rows in groups', async (t) => {
  const path = join(temporaryFolder(t), 'events.parquet');
  const odd = ['', '\0', '\u{1F600}', '\uD800', '\u202E', 'x'.repeat(100_000)];
  function* records(): Generator<TraceRecord> {
    for (const comm of odd) yield { ...WHOLE, task: { comm } };
    for (let line = 0; line < 70_000; line += 1) yield { ...WHOLE, line };
  }
  assert.equal(await writeTraceParquet(path, records()), 70_006);
  const file = await asyncBufferFromFile(path);
  const { row_groups: groups, key_value_metadata: facts } = await parquetMetadataAsync(file);
  assert.deepEqual(
    groups.map(({ num_rows }) => num_rows),
    [65_536n, 4470n],
  );
  assert.deepEqual(facts, [{ key: 'dmabuf.events.version', value: '1' }]);
  const rows = await parquetReadObjects({ file, columns: ['thread_name', 'line'] });
  assert.deepEqual(
    rows.slice(0, odd.length).map((row) => row['thread_name'] as unknown),
    odd.with(3, '\uFFFD'),
  );
  assert.equal(rows.at(-1)?.['line'], 69_999n);
});

test('writeTraceParquet holds no more rows than a certain length of names', async (t) => {
  const path = join(temporaryFolder(t), 'events.parquet');
  function* records(): Generator<TraceRecord> {
    for (let line = 0; line < 80; line += 1)
      yield { ...WHOLE, line, path: ['dma_buf_vmap', `f${line}`.padEnd(1_000_000, 'x')] };
  }
  await writeTraceParquet(path, records());
  const { row_groups: groups } = await parquetMetadataAsync(await asyncBufferFromFile(path));
  assert.ok(groups.length > 2, `${groups.length} groups`);
});

test('DuckDB finds the same rows and types', { skip: lackOfDuckdb }, async (t) => {
  const path = join(temporaryFolder(t), 'events.parquet');
  await writeTraceParquet(path, [WHOLE, SUMMARY]);
  const duckdb = await Duckdb.open(await importDuckdb(), undefined);
  t.after(() => duckdb.close());
  const { rows } = await duckdb.ask(`SELECT * FROM '${path}' ORDER BY id`, 10);
  const [row, summary] = rows;
  assert.deepEqual(
    [row?.['ts'], row?.['call_path'], row?.['is_disturbed'], row?.['sg_to_pages_ns'], row?.['device']],
    [1_764_322_222_123_456_000n, 'odd_name_;mtk_cam_vb2_vaddr;dma_buf_vmap_unlocked', true, 25n, null],
  );
  assert.deepEqual([summary?.['kind'], summary?.['lost_events'], summary?.['recorded_ns']], ['summary', 0n, null]);
  const types = await duckdb.ask(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${path}')`, 100);
  const typeOf = new Map(types.rows.map(({ column_name, column_type }) => [column_name, column_type]));
  assert.deepEqual(
    ['id', 'kind', 'ts', 'is_sample', 'marks'].map((name) => typeOf.get(name)),
    ['BIGINT', 'VARCHAR', 'BIGINT', 'BOOLEAN', 'VARCHAR'],
  );
});

async function* failing(): AsyncGenerator<TraceRecord, void, undefined> {
  yield WHOLE;
  throw new Error('the source fails');
}

test('writeTraceParquet leaves what was there, and nothing else, where it fails or is given up', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'events.parquet');
  writeFileSync(path, 'older');
  await assert.rejects(writeTraceParquet(path, failing()), /the source fails/u);
  await assert.rejects(writeTraceParquet(path, [{ kind: 'no such' } as unknown as TraceRecord]), TypeError);
  const reason = new Error('given up');
  const signal = AbortSignal.abort(reason);
  await assert.rejects(writeTraceParquet(path, [WHOLE], { signal }), (error) => error === reason);
  await assert.rejects(writeTraceParquet(path, [], { signal }), (error) => error === reason);
  assert.deepEqual(readdirSync(folder), ['events.parquet']);
  assert.equal(readFileSync(path, 'utf8'), 'older');
  assert.equal(await writeTraceParquet(path, []), 0);
  assert.equal(readFileSync(path).toString('latin1', 0, 4), 'PAR1');
});

test('writeTraceParquet follows a link, and replaces nothing but files', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'other'));
  symlinkSync('other/events.parquet', join(folder, 'link.parquet'));
  writeFileSync(join(folder, 'other/events.parquet'), 'older');
  await writeTraceParquet(join(folder, 'link.parquet'), [WHOLE]);
  assert.ok(lstatSync(join(folder, 'link.parquet')).isSymbolicLink());
  assert.equal(readFileSync(join(folder, 'other/events.parquet')).toString('latin1', 0, 4), 'PAR1');
  for (const path of ['/dev/null', folder])
    await assert.rejects(writeTraceParquet(path, [WHOLE]), {
      code: 'EINVAL',
      message: `Cannot write to ${path} as it is no ordinary file: name another one`,
    });
  assert.ok(lstatSync('/dev/null').isCharacterDevice());
  const nowhere = join(folder, 'no-such/events.parquet');
  await assert.rejects(writeTraceParquet(nowhere, [WHOLE]), { code: 'ENOENT', syscall: 'open' });
  assert.ok(!existsSync(nowhere));
});

test('writeTraceParquet refuses labels and records that are none', async (t) => {
  const path = join(temporaryFolder(t), 'events.parquet');
  await assert.rejects(writeTraceParquet(path, [], { device: '' }), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(writeTraceParquet(path, [], { build: 'a\0' }), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(writeTraceParquet(path, 7 as unknown as TraceRecord[]), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.ok(!existsSync(path));
});
