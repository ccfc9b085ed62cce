import { checkOptions } from '../base/check.ts';
import { withCleanup } from '../base/cleanup.ts';
import { BufferCore } from '../heap/buffer-core.ts';
import { checkBufferName } from '../heap/buffer-name.ts';
import { DmaBuf } from '../heap/dma-buf.ts';
import { HeapBuffers } from '../heap/heap-buffers.ts';
import type { OwnedFd } from '../linux/fd.ts';
import { MappingBudget } from '../mapping/mapping-budget.ts';
import { borrowFd } from './borrow-fd.ts';
import { createBufferCalls } from './buffer-calls.ts';
import type { BufferCalls } from './buffer-calls.ts';
import { identifyBufferFile } from './buffer-file.ts';
import { FileBuffer } from './file-buffer.ts';
import { layoutOfDmaBuf } from './layout/dma-buf-layout.ts';
import { layoutOfMemfd } from './layout/memfd-layout.ts';
import { rememberLayout } from './layout/remember-layout.ts';
import type { MeasuredSize } from './layout/find-pages.ts';
import type { BufferLayout } from './contract.ts';
import { committedBytesOf } from '../linux/file-status.ts';
import type { BorrowedFd } from '../linux/fd.ts';
import { formatSize } from '../base/sizes.ts';
import type { HeapSurroundings } from './surroundings.ts';

/** Options of {@link importBuffer}. */
export interface ImportOptions {
  /** How messages call the buffer. Default: the name that the dma-buf has. */
  readonly name?: string | undefined;
}

/** Imported buffers belong to no heap; those of a thread share a count of mappings, and one place for what cannot go back yet. */
const imported = importedBuffers(createBufferCalls());

function importedBuffers({ system }: BufferCalls): HeapBuffers {
  return new HeapBuffers({ name: undefined, mapping: { calls: system, budget: new MappingBudget() } });
}

/**
 * Makes a buffer of a descriptor that came from elsewhere: a dma-buf of any exporter, or a memfd that is sealed against shrinking. The buffer has a
 * descriptor of its own: the caller's stays the caller's.
 *
 * @param fd as `exportFd()` gave it, or the number of one that stays open during the call
 * @throws {TypeError | RangeError} for what is no descriptor
 * @throws {DmaBufError} `EBADF` for a descriptor that is not open; `EINVAL` for a file of another kind, a memfd that could still shrink, or a
 *   length that is not whole pages; `EACCES` for one that was not opened for reading and writing
 */
export function importBuffer(fd: OwnedFd | number, options: ImportOptions = {}): DmaBuf {
  return importBufferWithin({}, fd, options);
}

/** As {@link importBuffer}, in other surroundings. @internal */
export function importBufferWithin(
  { raw }: HeapSurroundings,
  fd: OwnedFd | number,
  options: ImportOptions = {},
): DmaBuf {
  checkOptions(options, 'import the buffer', ['name']);
  const name = options.name === undefined ? undefined : checkBufferName(options.name);
  const calls = createBufferCalls(raw);
  const own = calls.system.duplicate(borrowFd(fd, 'import the buffer'));
  return withCleanup((cleanup) => {
    cleanup.defer(() => own.close());
    const { memory, nameFound } = bufferOf(calls, own);
    const shownName = name ?? nameFound;
    const label = shownName === '' ? 'the buffer' : `buffer "${shownName}"`;
    const buffers = raw === undefined ? imported : importedBuffers(calls);
    buffers.count += 1;
    return new DmaBuf(new BufferCore(memory, buffers, { label, creation: undefined }), shownName);
  });
}

/** Takes `own` over, once nothing can fail any more. */
function bufferOf(calls: BufferCalls, own: OwnedFd): { memory: FileBuffer; nameFound: string } {
  const fd = own.borrow();
  const { kind, exporter, name, length } = identifyBufferFile(calls, fd);
  const pageSize = calls.system.pageSize();
  const size = { length, pageSize };
  const layout =
    kind === 'memfd'
      ? () => layoutOfForeignMemfd(calls, fd, size)
      : rememberLayout(() => layoutOfDmaBuf(calls.system, fd, size));
  const files = kind === 'memfd' ? { memfd: own } : { dmaBuf: own };
  const setup = { ...size, exporter, layout };
  return { memory: new FileBuffer(calls.dmaBuf, files, setup), nameFound: name };
}

/** Looking at a page that is not there would commit it, in a memfd that is somebody else's. */
function layoutOfForeignMemfd(calls: BufferCalls, fd: BorrowedFd, size: MeasuredSize): BufferLayout {
  const committedBytes = committedBytesOf(fd);
  if (committedBytes >= size.length) return layoutOfMemfd(calls.system, fd, size);
  return {
    known: false,
    reason: `only ${formatSize(committedBytes)} of its ${formatSize(size.length)} have pages so far, and looking at the others would take memory for them`,
  };
}
