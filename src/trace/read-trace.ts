import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { types } from 'node:util';

import { checkSignal, throwIfAborted } from '../base/abort.ts';
import { wrongType } from '../base/argument-error.ts';
import { checkName, checkString, optionName, readOptions } from '../base/check.ts';
import { withFileRefusals } from './file-refusal.ts';
import type { TraceRecord } from './mapping-event.ts';
import { TraceImporter } from './import/trace-importer.ts';

const ACTION = 'read a trace';
const SIGNAL = { action: ACTION, name: optionName('signal') };

/** Read at once: larger pieces are no faster. */
const CHUNK_BYTES = 1_048_576;
/** Cut into lines at once: what these give is all that waits to be handed out. */
const SLICE_BYTES = 65_536;

/** For {@link readTrace}. */
export interface ReadTraceOptions {
  /** What the records name as their file. Default: they name none. */
  readonly file?: string;
  /** Gives up between two pieces. */
  readonly signal?: AbortSignal;
}

/** Where a trace comes from: a stream, or pieces of bytes, however they are cut. */
export type TraceSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Reads who maps dma-bufs out of a kernel's log or a trace: call traces of logs (x86-64, arm64,
 * 32-bit Arm; through dmesg, journalctl, syslog, logcat, mails and pages), ftrace's text (function,
 * function_graph with whatever columns, events with stacks and returns), what `trace-cmd report`
 * and
 * `perf script` print, bpftrace's stacks, systrace's pages, collapsed stacks, and what this package
 * writes. The form is told by content, and may change within one source.
 *
 * Records come as they are read; the last one is the summary. What cannot be read is counted there,
 * with its lines. Memory stays the same however long the source is.
 *
 * @example
 * ```ts
 * import { readTrace } from 'dmabuf/trace';
 *
 * const log = '[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130\n[ 6.689861] aov_core_init+0x310/0x718 [mtk_aov]\n';
 * for await (const record of readTrace([Buffer.from(log)])) {
 *   if (record.kind === 'mapping') console.log(record.path.join(' < ')); // dma_buf_vmap_unlocked < aov_core_init
 * }
 * ```
 *
 * @throws {TypeError} for a source that is not iterable or gives something else than bytes
 */
export function readTrace(
  source: TraceSource,
  options: ReadTraceOptions = {},
): AsyncGenerator<TraceRecord, void, undefined> {
  const { file, signal } = readOptions(options, ACTION, ['file', 'signal']);
  if (file !== undefined) checkString(file, { action: ACTION, name: 'file' });
  checkSource(source);
  return readChunks(source, file, checkSignal(signal, SIGNAL));
}

async function* readChunks(
  source: TraceSource,
  file: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<TraceRecord, void, undefined> {
  const records: TraceRecord[] = [];
  const importer = new TraceImporter(file, (record) => void records.push(record));
  for await (const chunk of source) {
    throwIfAborted(signal);
    if (!types.isUint8Array(chunk))
      throw wrongType({ action: ACTION, name: 'source' }, { must: 'give Uint8Arrays', received: chunk });
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      importer.push(chunk.subarray(at, at + SLICE_BYTES));
      yield* records.splice(0);
    }
  }
  const summary = importer.end();
  yield* records.splice(0);
  yield summary;
}

/**
 * As {@link readTrace}, of a file.
 *
 * @example
 * ```ts
 * import { writeFileSync, unlinkSync } from 'node:fs';
 * import { readTraceFile } from 'dmabuf/trace';
 *
 * writeFileSync('dmesg.txt', '[ 6.689859] dma_buf_vmap_unlocked+0xb8/0x130\n');
 * for await (const record of readTraceFile('dmesg.txt')) {
 *   if (record.kind === 'mapping') console.log(record.file, record.line); // dmesg.txt 1
 * }
 * unlinkSync('dmesg.txt');
 * ```
 *
 * @throws {TypeError} for a path that is no string, is empty or has NUL in it
 * @throws {DmaBufError} as the kernel refuses the file: ENOENT, EACCES, EISDIR
 */
export function readTraceFile(
  path: string,
  options: Pick<ReadTraceOptions, 'signal'> = {},
): AsyncGenerator<TraceRecord, void, undefined> {
  const checked = checkName(path, { action: ACTION, name: 'path' });
  const { signal } = readOptions(options, ACTION, ['signal']);
  return readFile(checked, checkSignal(signal, SIGNAL));
}

async function* readFile(path: string, signal: AbortSignal | undefined): AsyncGenerator<TraceRecord, void, undefined> {
  const handle = await withFileRefusals({ action: 'read', path }, async () => await open(path, 'r'));
  try {
    yield* readChunks(chunksOf(handle, path), path, signal);
  } finally {
    await handle.close();
  }
}

/** Reads into one buffer over and over: what outlives a piece, the importer copies. */
async function* chunksOf(handle: FileHandle, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await withFileRefusals(
      { action: 'read', path },
      async () => await handle.read(buffer, 0, CHUNK_BYTES, null),
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function checkSource(source: unknown): void {
  const isIterable =
    typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);
  if (!isIterable) throw wrongType({ action: ACTION, name: 'source' }, { must: 'be iterable', received: source });
}
