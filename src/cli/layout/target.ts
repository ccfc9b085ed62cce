import { importBuffer } from '../../backend/fd-buffer/import-buffer.ts';
import { openHeap } from '../../backend/open-heap.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import { explainRefusedDescriptor } from '../../diagnosis/process-access.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { PidfdCalls } from '../../linux/calls/pidfd-calls.ts';
import type { ForeignDescriptor } from '../../linux/calls/pidfd-calls.ts';
import { parseBufferLength } from '../buffer-length.ts';
import { checkHeapName } from '../heap-name.ts';
import { UsageError } from '../parse-arguments.ts';

/**
 * A buffer on the command line: a descriptor of this process, one of another process, or a buffer
 * to allocate.
 */
type LayoutTarget =
  | { readonly kind: 'own'; readonly fd: number }
  | ({ readonly kind: 'foreign' } & ForeignDescriptor)
  | { readonly kind: 'new'; readonly length: number; readonly heap: string };

const LAYOUT_NAME = 'dmabuf layout';
const NEW = 'new:';
const HEAP_DEFAULT = 'system';
const PHYSICAL = 'physical memory';
/** Descriptors and processes are C's `int`. */
const INT_MAX = 2 ** 31 - 1;

/** @throws {UsageError} when it does not name a buffer */
export function parseTarget(text: string | undefined, heap: string | undefined): LayoutTarget {
  if (text === undefined)
    throw new UsageError(`Cannot tell whose layout is meant: give FD, PID:FD or new:SIZE, see "${LAYOUT_NAME} --help"`);
  if (text.startsWith(NEW))
    return {
      kind: 'new',
      length: parseBufferLength(text.slice(NEW.length), `${NEW}64MiB`),
      heap: heap ?? HEAP_DEFAULT,
    };
  if (heap !== undefined) throw new UsageError('Cannot use --heap with a buffer that exists: it is for new:SIZE');
  const { pid, fd } = /^(?:(?<pid>\d+):)?(?<fd>\d+)$/u.exec(text)?.groups ?? {};
  if (fd === undefined || [pid, fd].some((digits) => Number(digits ?? 0) > INT_MAX)) {
    throw new UsageError(
      `Cannot use "${text}" as a buffer as it must be FD, PID:FD or new:SIZE: see "${LAYOUT_NAME} --help"`,
    );
  }
  return pid === undefined ? { kind: 'own', fd: Number(fd) } : { kind: 'foreign', pid: Number(pid), fd: Number(fd) };
}

/** A buffer to show. */
export interface OpenTarget {
  readonly buffer: DmaBuf;
  /** The memory that its pfns count. */
  readonly memory: string;
  /**
   * The heap that allocated it, and the reason for that heap; undefined for a buffer that existed
   * before.
   */
  readonly origin: string | undefined;
}

/**
 * @throws {DmaBufError} when the descriptor does not exist for this process or is not a buffer, or
 *   when the allocation fails
 */
export function openTarget(target: LayoutTarget): OpenTarget {
  if (target.kind === 'new') return allocateTarget(target);
  const buffer = target.kind === 'own' ? importOwn(target.fd) : importForeign(target);
  return { buffer, memory: PHYSICAL, origin: undefined };
}

function allocateTarget({ heap: name, length }: { readonly heap: string; readonly length: number }): OpenTarget {
  using heap = openHeap(checkHeapName(name));
  const buffer = allocateFrom(heap, length);
  const origin = `allocated from heap "${heap.name}", ${heap.backend} backend: ${heap.chosenBecause}`;
  return { buffer, memory: heap.backend === 'embedded' ? 'the arena of this process' : PHYSICAL, origin };
}

/** A program can give its heap more capacity. The user of this command can ask for less. */
function allocateFrom(heap: Heap, length: number): DmaBuf {
  try {
    return heap.allocate(length, { name: LAYOUT_NAME, traceLayout: true });
  } catch (cause) {
    const { capacityBytes } = heap.stats();
    if (!isDmaBufError(cause, 'ENOMEM') || capacityBytes === undefined || length <= capacityBytes) throw cause;
    const message = `Cannot allocate ${formatSize(length)} as heap "${heap.name}" has room for ${formatSize(capacityBytes)}: take a smaller size`;
    throw new DmaBufError(message, { code: 'ENOMEM', values: { length, capacityBytes }, cause });
  }
}

function importOwn(fd: number): DmaBuf {
  try {
    return importBuffer(fd, { mode: 'read' });
  } catch (cause) {
    if (!isDmaBufError(cause, 'EBADF')) throw withHolders(cause);
    const message = `Cannot use descriptor ${fd} as this command was started without one: give PID:FD for another process's`;
    throw new DmaBufError(message, { code: 'EBADF', values: { fd }, cause });
  }
}

function importForeign(foreign: ForeignDescriptor): DmaBuf {
  using fd = takeForeign(foreign);
  try {
    return importBuffer(fd, { mode: 'read' });
  } catch (cause) {
    throw withHolders(cause);
  }
}

function takeForeign(foreign: ForeignDescriptor): OwnedFd {
  try {
    return new PidfdCalls().duplicateFrom(foreign);
  } catch (cause) {
    if (!isDmaBufError(cause, 'EPERM')) throw cause;
    const { code, reason } = explainRefusedDescriptor(foreign);
    const message = `Cannot take descriptor ${foreign.fd} of process ${foreign.pid} as ${reason}`;
    throw new DmaBufError(message, { code, syscall: 'pidfd_getfd', values: { ...foreign }, cause });
  }
}

/** A file of another kind: the number of the descriptor is wrong. */
function withHolders(cause: unknown): unknown {
  if (!isDmaBufError(cause, 'EINVAL') || !/neither a dma-buf nor a memfd/u.test(cause.message)) return cause;
  const message = `${cause.message}: "dmabuf ls" lists dma-bufs with the descriptors of those who hold them`;
  return new DmaBufError(message, { code: 'EINVAL', values: cause.values, cause });
}
