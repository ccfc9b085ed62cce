import { DmaBufError } from '../../base/errors.ts';
import { toAddress, toByteLength } from '../../base/quantities.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { BufferView } from '../../heap/view.ts';
import { addressOf } from '../../linux/calls/kernel-calls.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { MemoryRange } from '../../linux/calls/memory-calls.ts';

/**
 * How page-table entries are made: one `page` at a time, as mainline's `vmap` does; for a whole
 * `run` of pages, as it does with the batching series; or as the `heap` does it by itself.
 */
export type MappingWay = 'page' | 'run' | 'heap';

/** The ways that can be chosen on a heap. */
export interface MappingWays {
  /** The first is the default: mainline's. Without a choice: `heap` alone. */
  readonly ways: readonly [MappingWay, ...MappingWay[]];
  /** Why there is no choice: completes "as …". */
  readonly reason?: string;
  /** A clause. */
  readonly remedy?: string;
}

/** Mainline's, and the series'. */
const CHOICE: MappingWays = { ways: ['page', 'run'] };
const NEEDS_EMBEDDED = 'use the embedded heap';

/**
 * Maps a buffer with all its page-table entries, which the kernel's `vmap` makes before it returns.
 *
 * Either way maps each run of pages by one call, since a window of user space consists of mappings,
 * and then makes its entries:
 *
 * - `page`: each by a write fault of its own, in one call of the kernel for all
 *   (MADV_POPULATE_WRITE), as `vmap` goes over an array of pages in one call. An mmap for each page
 *   would do more than mainline does: it makes a mapping each.
 * - `run`: up to 16 by a fault, which is the most that the kernel makes at a time of ordinary
 *   shared memory (fault-around). The series makes 16 or 512 on arm64; on x86-64 512 or one.
 *
 * Measured on 8 MiB in 1 MiB runs (x86-64, Linux 6.18), in ns for each page: `page` 960, `run` 260,
 * an mmap for each page 2,900 and its entries besides. The series' own figures are 48 and 5.8
 * (vmap of 100 MiB, RK3588). In single pages, both take 4,700: the mappings are what it takes, so
 * nothing is gained where nothing lies together, as with the series.
 *
 * Entries that the heap has moved into the window from elsewhere are dropped, and made anew.
 *
 * @throws {DmaBufError} as mapping fails; the kernel's refusal where it cannot make them that way:
 *   nothing stays mapped
 */
export function mapWindow(buffer: DmaBuf, way: MappingWay, calls: MemoryCalls = new MemoryCalls()): BufferView {
  if (way === 'heap') return buffer.vmap({ populate: true });
  const view = buffer.vmap();
  try {
    calls.dropEntries(rangeOf(view));
    if (way === 'page') makeByPage(view, calls);
    // The same window, with one more user.
    else buffer.vmap({ populate: true }).close();
    return view;
  } catch (error) {
    view.close();
    throw error;
  }
}

/** Which ways a heap's buffers leave to choose from. The heap is tried with a buffer of a page. */
export function mappingWaysOf(heap: Heap, calls: MemoryCalls = new MemoryCalls()): MappingWays {
  // Who allocates a udmabuf maps its memfd, and could choose; who imports it could not.
  if (heap.backend !== 'embedded')
    return heapAlone(`the driver of heap "${heap.name}" makes page-table entries`, NEEDS_EMBEDDED);
  if (heap.stats().hugePages.pageBytes !== undefined)
    return heapAlone('huge pages are mapped whole', 'open the heap with { hugePages: false }');
  if (!calls.mapsAroundFaults)
    return heapAlone('this processor needs a write fault for each entry that serves writes', 'use an x86-64 machine');
  const buffer = heap.allocate(heap.pageSize);
  const view = buffer.vmap();
  const isPossible = calls.populateByPage(rangeOf(view));
  view.close();
  buffer.close();
  return isPossible ? CHOICE : heapAlone('the kernel is older than 5.14', 'use a newer one');
}

function heapAlone(reason: string, remedy: string): MappingWays {
  return { ways: ['heap'], reason, remedy };
}

function makeByPage(view: BufferView, calls: MemoryCalls): void {
  if (calls.populateByPage(rangeOf(view))) return;
  throw new DmaBufError('Cannot make page-table entries one at a time as the kernel refuses', {
    code: 'ENOMEM',
    syscall: 'madvise',
  });
}

/** Views begin on a page. */
function rangeOf(view: BufferView): MemoryRange {
  return { address: toAddress(addressOf(view.subarray(0, 1))), length: toByteLength(view.length) };
}
