/**
 * Mappings of many devices added up by call path: from Parquet files through DuckDB, and from JSON
 * Lines in a loop. Times are of the processor: DuckDB uses every core that there is.
 */

import { copyFileSync, createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { assert } from '../src/base/assert.ts';
import { formatCount } from '../src/base/number-format.ts';
import { writeCheckedParquet } from '../src/trace/export/parquet/write-trace-parquet.ts';
import { Duckdb } from '../src/trace/fleet/duckdb.ts';
import type { DuckdbModule } from '../src/trace/fleet/duckdb.ts';
import { preludeFor, readSql } from '../src/trace/fleet/sql-text.ts';
import type { MappingEvent } from '../src/trace/mapping-event.ts';
import type { JudgedRow } from './judged-row.ts';
import { mappingEvents } from './mapping-events.ts';
import { toBenchRow } from './row.ts';

export interface FleetBenchOptions {
  /** In one file. */
  readonly eventCount?: number;
  /** Copies of that file: as many devices. */
  readonly fileCount?: number;
}

const EVENT_COUNT = 1_000_000;
const FILE_COUNT = 10;
/** The longest acceptable time for ten million events. */
const GOAL_NS = 1e9;
const ROUNDS = 3;
const CALL_PATHS_MAX = 10_000;

/** What a call path took, by the loop and by DuckDB. */
type Totals = ReadonlyMap<string, { readonly calls: number; readonly ns: number }>;

async function cpuNs(body: () => Promise<void>): Promise<number> {
  const begin = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) * 1000;
}

async function writeJsonLines(path: string, eventCount: number): Promise<void> {
  const stream = createWriteStream(path);
  for (const event of mappingEvents(eventCount))
    if (!stream.write(`${JSON.stringify(event)}\n`)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'finish');
}

async function addUpLines(path: string): Promise<Totals> {
  const totals = new Map<string, { calls: number; ns: number }>();
  for await (const line of createInterface({ input: createReadStream(path, { highWaterMark: 1 << 20 }) })) {
    const event = JSON.parse(line) as MappingEvent | { readonly kind: 'summary' };
    if (event.kind !== 'mapping') continue;
    const key = event.path.toReversed().join(';');
    const total = totals.get(key) ?? { calls: 0, ns: 0 };
    total.calls += event.count ?? 1;
    total.ns += event.durationNs ?? 0;
    totals.set(key, total);
  }
  return totals;
}

async function addUpParquet(engine: DuckdbModule, files: readonly string[]): Promise<Totals> {
  const duckdb = await Duckdb.open(engine, undefined);
  try {
    await duckdb.run(preludeFor('duckdb', { files }));
    const { rows } = await duckdb.ask(readSql('callers'), CALL_PATHS_MAX);
    return new Map(
      rows.map((row) => [String(row['call_path']), { calls: Number(row['calls']), ns: Number(row['total_ns']) }]),
    );
  } finally {
    duckdb.close();
  }
}

/** The fastest of some rounds: the first one also loads the engine. */
async function fastestNs(body: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await cpuNs(body));
  return Math.min(...times);
}

export async function* fleetRows({
  eventCount = EVENT_COUNT,
  fileCount = FILE_COUNT,
}: FleetBenchOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  // Only here: it is fetched, and is large.
  const { importDuckdb, lackOfDuckdb } = await import('../test/support/traces/duckdb.ts');
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-bench-fleet-'));
  try {
    const [lines, first] = [join(folder, 'events.jsonl'), join(folder, '0.parquet')];
    const events = formatCount(eventCount);
    const linesNs = await cpuNs(async () => await writeJsonLines(lines, eventCount));
    const parquetNs = await cpuNs(async () => void (await writeCheckedParquet(first, mappingEvents(eventCount), {})));
    const writing = { subject: `a fleet, ${events} events written`, ours: 'as Parquet', oursNs: parquetNs };
    yield toBenchRow({ ...writing, peer: 'as JSON Lines', peerNs: linesNs });
    if (lackOfDuckdb !== false) {
      const missing = { ours: `n/a: ${lackOfDuckdb}`, oursNs: null, peer: 'a loop over JSON Lines', peerNs: null };
      yield toBenchRow({ subject: `a fleet, ${events} events by call path`, ...missing });
      return;
    }
    const engine = await importDuckdb();
    yield await aggregationRow(engine, { first, lines, eventCount });
    yield await largeRow(engine, { first, folder, fileCount, eventCount });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function aggregationRow(
  engine: DuckdbModule,
  { first, lines, eventCount }: { readonly first: string; readonly lines: string; readonly eventCount: number },
): Promise<JudgedRow> {
  const found: Totals[] = [];
  const oursNs = await fastestNs(async () => void found.push(await addUpParquet(engine, [first])));
  const peerNs = await cpuNs(async () => void found.push(await addUpLines(lines)));
  assertEqual(found);
  return toBenchRow({
    subject: `a fleet, ${formatCount(eventCount)} events by call path`,
    ours: 'DuckDB over Parquet',
    oursNs,
    peer: 'a loop over JSON Lines',
    peerNs,
  });
}

async function largeRow(
  engine: DuckdbModule,
  {
    first,
    folder,
    fileCount,
    eventCount,
  }: { readonly first: string; readonly folder: string; readonly fileCount: number; readonly eventCount: number },
): Promise<JudgedRow> {
  const files = Array.from({ length: fileCount }, (_, index) => join(folder, `${index}.parquet`));
  for (const file of files.slice(1)) copyFileSync(first, file);
  const found: Totals[] = [];
  const oursNs = await fastestNs(async () => void found.push(await addUpParquet(engine, files)));
  const calls = [...(found[0]?.values() ?? [])].reduce((sum, total) => sum + total.calls, 0);
  assert(calls === fileCount * eventCount, () => `${calls} events were found`);
  return toBenchRow({
    subject: `a fleet, ${formatCount(fileCount * eventCount)} events in ${fileCount} files by call path`,
    ours: 'DuckDB over Parquet',
    oursNs,
    peer: 'the time it may take',
    peerNs: GOAL_NS,
    target: 1,
  });
}

function assertEqual([one, ...others]: readonly Totals[]): void {
  const sorted = (totals: Totals | undefined): string =>
    JSON.stringify([...(totals ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  for (const other of others) assert(sorted(other) === sorted(one), 'Both find the same');
}
