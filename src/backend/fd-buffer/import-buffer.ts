import { checkInteger, checkOneOf, readOptions } from '../../base/check.ts';
import { collector } from '../../base/collector.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { TABLE_PAGE_COUNT_MAX } from '../../base/limits.ts';
import { toByteLength } from '../../base/quantities.ts';
import type { ByteLength } from '../../base/quantities.ts';
import { checkBufferName } from '../../heap/buffer-name.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { HeapBuffers } from '../../heap/heap-buffers.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { borrowFd } from '../../linux/calls/given-fd.ts';
import { MappingBudget } from '../../mapping/mapping-budget.ts';
import { createBufferCalls } from '../buffer-calls.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import { identifyFd } from './identify-fd.ts';
import type { IdentifiedFd, FdUse } from './identify-fd.ts';
import { FdBuffer } from './fd-buffer.ts';
import { layoutOfDmaBuf } from '../layout/dma-buf-layout.ts';
import { layoutOfMemfd } from '../layout/memfd-layout.ts';
import { rememberLayout } from '../layout/remember-layout.ts';
import type { MeasuredSize } from '../layout/find-pages.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import { committedBytesOf } from '../../linux/calls/file-status.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import { formatSize } from '../../base/sizes.ts';
import { Machine, thisMachine } from '../../linux/machine.ts';

/** Options of {@link importBuffer}. */
export interface ImportOptions {
  /** The buffer's name in messages. Default: the name of the dma-buf. */
  readonly name?: string | undefined;
  /**
   * `read`: for reading only. Also accepts descriptors that were opened for reading, and memfds
   * that are sealed against writing: see `DmaBuf.readOnly`. Default: `readwrite`.
   */
  readonly mode?: ImportMode | undefined;
  /**
   * In bytes, from 1 to the file's length: how much of a memfd to import, from its start. Default:
   * all of it.
   */
  readonly length?: number | undefined;
}

const IMPORT = 'import the buffer';

/** The purpose of an imported buffer. */
export type ImportMode = 'read' | 'readwrite';

/**
 * Imported buffers belong to no heap. Those of a thread share one mapping budget and one reclaimer.
 */
const callsOfThisMachine = createBufferCalls();
const imported = importedBuffers(callsOfThisMachine);

function importedBuffers({ memory }: BufferCalls): HeapBuffers {
  return new HeapBuffers({ name: undefined, mapping: { calls: memory, budget: new MappingBudget() } });
}

/**
 * Makes a buffer from a descriptor from elsewhere: a dma-buf of any exporter, or a memfd that is
 * sealed against shrinking. The buffer has a descriptor of its own, and the caller keeps the given
 * one. A memfd may have any length: its buffer has that length, too.
 *
 * @param fd a result of `exportFd()`, or the number of a descriptor that stays open during the call
 * @throws {TypeError | RangeError} for an invalid descriptor or option
 * @throws {DmaBufError} `EBADF` for a descriptor that is not open; `EINVAL` for a file of another
 *   kind, a memfd that could still shrink, an empty one, one shorter than `length`; `EACCES` for
 *   one that was not opened for reading and writing, or is sealed against writing, unless it is
 *   imported for reading
 *
 * @example
 * ```ts
 * import { KiB, importBuffer, openHeap } from 'dmabuf';
 *
 * const heap = openHeap('system');
 * const buffer = heap.allocate(64 * KiB, { shareable: true });
 * const fd = buffer.exportFd();
 * const imported = importBuffer(fd); // or the number of a descriptor that a camera gave
 * fd.close();
 * imported.accessSync('write', (bytes) => bytes.fill(7));
 * console.log(buffer.accessSync('read', (bytes) => bytes[0])); // 7
 * for (const each of [imported, buffer, heap]) each.close();
 * ```
 */
export function importBuffer(fd: OwnedFd | number, options?: ImportOptions): DmaBuf;
/** @internal */
export function importBuffer(fd: OwnedFd | number, options: ImportOptions, machine: Machine): DmaBuf;
export function importBuffer(fd: OwnedFd | number, options: ImportOptions = {}, hidden?: unknown): DmaBuf {
  const machine = Machine.hiddenIn(hidden);
  const plain = readOptions(options, IMPORT, ['name', 'mode', 'length']);
  const { name, mode = 'readwrite' } = plain;
  if (name !== undefined) checkBufferName(name, { action: IMPORT, name: 'name' });
  checkOneOf(mode, { action: IMPORT, name: 'mode', allowed: ['read', 'readwrite'] });
  const length = plain.length === undefined ? undefined : checkLength(plain.length);
  return importFile(machine, borrowFd(fd, { action: IMPORT, name: 'fd' }), { name, use: { mode, length } });
}

/**
 * Makes a buffer from a descriptor that a peer has sent: writable where the descriptor allows it,
 * and otherwise read-only. The buffer is as long as the file.
 *
 * @internal
 */
export function importSentBuffer(machine: Machine, fd: BorrowedFd, name: string): DmaBuf {
  return importFile(machine, fd, { name: name === '' ? undefined : name, use: { mode: 'as sent' } });
}

/** Checked arguments. */
interface ImportRequest {
  readonly name: string | undefined;
  readonly use: FdUse;
}

function importFile({ raw }: Machine, fd: BorrowedFd, { name, use }: ImportRequest): DmaBuf {
  const calls = raw === thisMachine.raw ? callsOfThisMachine : createBufferCalls(raw);
  const own = collector.collectBeforeRefusing(() => calls.memory.duplicate(fd));
  const file = identifyOrClose(calls, own, use);
  return withCleanup((cleanup) => {
    cleanup.defer(() => own.close());
    const memory = bufferOf(calls, own, file);
    const buffers = raw === thisMachine.raw ? imported : importedBuffers(calls);
    return buffers.adopt(memory, name ?? file.name);
  });
}

function checkLength(length: number): ByteLength {
  const max = TABLE_PAGE_COUNT_MAX * callsOfThisMachine.memory.pageSize();
  return toByteLength(checkInteger(length, { action: IMPORT, name: 'length', min: 1, max, unit: 'bytes' }));
}

/** The close of an unidentified file may block. */
function identifyOrClose(calls: BufferCalls, own: OwnedFd, use: FdUse): IdentifiedFd {
  try {
    return identifyFd(calls, own.borrow(), use);
  } catch (error) {
    own.closeAside();
    throw error;
  }
}

/** Takes ownership of `own`, once nothing can fail any more. */
function bufferOf(calls: BufferCalls, own: OwnedFd, file: IdentifiedFd): FdBuffer {
  const { kind, exporter, length, isPart, readOnly } = file;
  const fd = own.borrow();
  const pageSize = calls.memory.pageSize();
  const size = { length, pageSize };
  const layout =
    kind === 'memfd'
      ? () => layoutOfForeignMemfd(calls, fd, size)
      : rememberLayout(() => layoutOfDmaBuf(calls.memory, fd, size));
  const files = kind === 'memfd' ? { memfd: own } : { dmaBuf: own };
  return new FdBuffer(calls.dmaBuf, files, { length, pageSize, exporter, isPart, readOnly, layout });
}

/** Reading a missing page would commit it, in a memfd that belongs to another process. */
function layoutOfForeignMemfd(calls: BufferCalls, fd: BorrowedFd, size: MeasuredSize): BufferLayout {
  const committedBytes = committedBytesOf(fd);
  if (committedBytes >= size.length) return layoutOfMemfd(calls.memory, fd, size);
  return {
    known: false,
    reason: `only ${formatSize(committedBytes)} of its ${formatSize(size.length)} have pages so far, and looking at the others would take memory for them`,
  };
}
