import { importBuffer } from '../backend/import-buffer.ts';
import { openHeap } from '../backend/open-heap.ts';
import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { parseSize } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { PidfdCalls } from '../linux/pidfd-calls.ts';
import type { ForeignDescriptor } from '../linux/pidfd-calls.ts';
import { UsageError } from './command.ts';

/** A buffer that the command line names: a descriptor of ours, one of another process, or one to be allocated. */
type LayoutTarget =
  | { readonly kind: 'own'; readonly fd: number }
  | ({ readonly kind: 'foreign' } & ForeignDescriptor)
  | { readonly kind: 'new'; readonly length: number; readonly heap: string };

export const LAYOUT_NAME = 'dmabuf layout';
const HEAP_DEFAULT = 'system';
const PHYSICAL = 'physical memory';
/** Descriptors and processes are C's `int`. */
const INT_MAX = 2 ** 31 - 1;

/** @throws {UsageError} for what names no buffer */
export function parseTarget(text: string | undefined, heap: string | undefined): LayoutTarget {
  if (text === undefined)
    throw new UsageError(`Cannot tell whose layout is meant: give FD, PID:FD or new:SIZE, see "${LAYOUT_NAME} --help"`);
  if (text.startsWith('new:')) return { kind: 'new', length: parseLength(text), heap: heap ?? HEAP_DEFAULT };
  if (heap !== undefined) throw new UsageError('Cannot use --heap with a buffer that exists: it is for new:SIZE');
  const { pid, fd } = /^(?:(?<pid>\d+):)?(?<fd>\d+)$/u.exec(text)?.groups ?? {};
  if (fd === undefined || [pid, fd].some((digits) => Number(digits ?? 0) > INT_MAX)) {
    throw new UsageError(
      `Cannot use "${text}" as a buffer as it must be FD, PID:FD or new:SIZE: see "${LAYOUT_NAME} --help"`,
    );
  }
  return pid === undefined ? { kind: 'own', fd: Number(fd) } : { kind: 'foreign', pid: Number(pid), fd: Number(fd) };
}

function parseLength(text: string): number {
  try {
    const length = parseSize(text.slice('new:'.length));
    if (length >= 1) return length;
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}; for example new:64MiB`, { cause });
  }
  throw new UsageError(`Cannot use "${text}" as a buffer has at least one byte: try new:64MiB`);
}

/** A buffer to be shown. */
export interface OpenTarget {
  readonly buffer: DmaBuf;
  /** What its pfns number. */
  readonly memory: string;
  /** Which heap it was allocated from, and why that; undefined for a buffer that was there already. */
  readonly origin: string | undefined;
}

/** @throws {DmaBufError} when there is no such descriptor for us, it is no buffer, or none can be allocated */
export function openTarget(target: LayoutTarget): OpenTarget {
  if (target.kind === 'new') return allocateTarget(target);
  const buffer = target.kind === 'own' ? importOwn(target.fd) : importForeign(target);
  return { buffer, memory: PHYSICAL, origin: undefined };
}

function allocateTarget({ heap: name, length }: { readonly heap: string; readonly length: number }): OpenTarget {
  using heap = openHeap(name);
  const buffer = heap.allocate(length, { name: LAYOUT_NAME, traceLayout: true });
  const origin = `allocated from heap "${heap.name}", ${heap.backend} backend: ${heap.chosenBecause}`;
  return { buffer, memory: heap.backend === 'embedded' ? 'the arena of this process' : PHYSICAL, origin };
}

function importOwn(fd: number): DmaBuf {
  try {
    return importBuffer(fd);
  } catch (cause) {
    if (!isDmaBufError(cause, 'EBADF')) throw cause;
    const message = `Cannot use descriptor ${fd} as this command was started without one: give PID:FD for another process's`;
    throw new DmaBufError(message, { code: 'EBADF', values: { fd }, cause });
  }
}

function importForeign(foreign: ForeignDescriptor): DmaBuf {
  using fd = new PidfdCalls().duplicateFrom(foreign);
  return importBuffer(fd);
}
