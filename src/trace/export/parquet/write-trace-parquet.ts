import { throwIfAborted } from '../../../base/abort.ts';
import { wrongType } from '../../../base/argument-error.ts';
import { checkName, readOptions } from '../../../base/check.ts';
import { checkRecord } from '../../check-record.ts';
import type { TraceRecord } from '../../mapping-event.ts';
import { AtomicFile } from './atomic-file.ts';
import { EventRows } from './event-rows.ts';
import { ParquetFile } from './parquet-file.ts';

const ACTION = 'write a Parquet file';

/** For {@link writeTraceParquet}. */
export interface WriteTraceParquetOptions {
  /** Which machine the records are of: the column `device`. Default: it stays unknown. */
  readonly device?: string | undefined;
  /** Which software that machine ran: the column `build`. Default: it stays unknown. */
  readonly build?: string | undefined;
  /** Gives up between two records, and removes what was written. */
  readonly signal?: AbortSignal | undefined;
}

/** Records of one trace or of several, one behind the other. */
export type TraceRecords = AsyncIterable<TraceRecord> | Iterable<TraceRecord>;

/**
 * Writes records of {@link readTrace} as a Parquet file of events, for {@link reportFleet} and for
 * other engines: a row for each mapping and unmapping, and one for each summary, which ends a
 * recording. docs/guide/fleets.md has the columns. The file appears when it is complete; memory
 * stays the same however many records there are.
 *
 * It needs the package `hyparquet-writer` beside this one.
 *
 * @example
 * ```ts
 * import { unlinkSync } from 'node:fs';
 * import { readTrace, writeTraceParquet } from 'dmabuf/trace';
 *
 * const log = '[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130\n[ 6.689861] aov_core_init+0x310/0x718 [mtk_aov]\n';
 * const records = readTrace([Buffer.from(log)]);
 * const rowCount = await writeTraceParquet('camera-7.parquet', records, { device: 'camera-7', build: '2026.11' });
 * console.log(rowCount); // 2
 * unlinkSync('camera-7.parquet');
 * ```
 *
 * @returns how many rows it has
 * @throws {TypeError} for records that are none
 * @throws {DmaBufError} with code ENOENT and the package's name in `values.package`, where that is
 *   missing; ENOEXEC where it cannot be loaded; EINVAL where `path` is no ordinary file; what the
 *   kernel refuses
 */
export async function writeTraceParquet(
  path: string,
  records: TraceRecords,
  options: WriteTraceParquetOptions = {},
): Promise<number> {
  const checkedPath = checkName(path, { action: ACTION, name: 'path' });
  const { device, build, signal } = readOptions(options, ACTION, ['device', 'build', 'signal']);
  const labels = { device: checkLabel(device, 'device'), build: checkLabel(build, 'build') };
  checkIterable(records);
  return await writeCheckedParquet(checkedPath, checkRecords(records), { ...labels, signal });
}

/** As {@link writeTraceParquet}, of records that were made here. */
export async function writeCheckedParquet(
  path: string,
  records: TraceRecords,
  { device, build, signal }: WriteTraceParquetOptions,
): Promise<number> {
  const openParquet = await ParquetFile.loadWriter();
  const file = await AtomicFile.create(path);
  try {
    const rows = new EventRows({ device, build });
    const parquet = openParquet(file);
    for await (const record of records) {
      throwIfAborted(signal);
      if (parquet.add(rows.toRow(record))) await parquet.writeGroup();
    }
    throwIfAborted(signal);
    await parquet.finish();
    await file.commit();
    return parquet.rowCount;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** A label of recordings: a name that people gave. Undefined: none was given. */
function checkLabel(value: unknown, name: string): string | undefined {
  return value === undefined ? undefined : checkName(value, { action: ACTION, name });
}

function checkIterable(value: unknown): void {
  const isIterable =
    typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
  if (!isIterable) throw wrongType({ action: ACTION, name: 'records' }, { must: 'be iterable', received: value });
}

async function* checkRecords(records: TraceRecords): AsyncGenerator<TraceRecord, void, undefined> {
  for await (const record of records) yield checkRecord(record, { action: ACTION, name: 'record' });
}
