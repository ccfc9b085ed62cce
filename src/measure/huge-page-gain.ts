import { roundUp } from '../base/quantities.ts';
import { MiB } from '../base/sizes.ts';
import { openEmbeddedHeap } from '../backend/embedded/index.ts';
import type { HugePageUse } from '../heap/backend.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { Heap } from '../heap/heap.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';
import { median } from '../base/median.ts';

/** The cost of memory in pages of one kind, in ns for the whole buffer. */
interface PageKindTimes {
  /** Taken from the machine: allocated, mapped, every page committed. */
  readonly commitNs: number;
  /** Mapped again, every page faulted in. */
  readonly viewNs: number;
}

/** Whether heaps of this machine come in huge pages, and the gain. */
export interface HugePageGain {
  readonly use: HugePageUse;
  /** Undefined where they do not: no setting is changed to find out. */
  readonly compared: ComparedPages | undefined;
}

interface ComparedPages {
  /** In bytes, whole huge pages. */
  readonly length: number;
  readonly huge: PageKindTimes;
  readonly ordinary: PageKindTimes;
}

/** Enough for a measurement, and committed within a second in ordinary pages. */
const LENGTH_MAX: number = 512 * MiB;
const ROUND_COUNT = 5;

/**
 * Allocates and maps memory, in scattered huge pages and in ordinary ones, where the machine's
 * settings allow huge pages.
 *
 * @param lengthWanted in bytes; at most 512 MiB are measured
 */
export function measureHugePageGain(lengthWanted: number, machine: Machine = thisMachine): HugePageGain {
  const use = readUse(machine);
  if (use.pageBytes === undefined) return { use, compared: undefined };
  const length = roundUp(Math.min(lengthWanted, LENGTH_MAX), use.pageBytes);
  return {
    use,
    compared: { length, huge: measure(length, true, machine), ordinary: measure(length, false, machine) },
  };
}

function readUse(machine: Machine): HugePageUse {
  using heap = openEmbeddedHeap({ capacity: MiB }, machine);
  return heap.stats().hugePages;
}

function commit(heap: Heap, length: number): DmaBuf {
  const buffer = heap.allocate(length);
  buffer.vmap({ populate: true }).close();
  return buffer;
}

function measure(length: number, hugePages: boolean, machine: Machine): PageKindTimes {
  const fragmentation = { mix: 'huge', length } as const;
  using heap = openEmbeddedHeap({ capacity: length, cached: 0, fragmentation, hugePages }, machine);
  // Taken and given back once before: memory that was free for long may first have to come from the
  // host of a virtual machine.
  commit(heap, length).close();
  const start = performance.now();
  using buffer = commit(heap, length);
  const commitMs = performance.now() - start;
  const viewsMs = Array.from({ length: ROUND_COUNT }, () => {
    const viewStart = performance.now();
    const view = buffer.vmap({ populate: true });
    const tookMs = performance.now() - viewStart;
    view.close();
    return tookMs;
  });
  return { commitNs: Math.round(commitMs * 1e6), viewNs: Math.round(median(viewsMs) * 1e6) };
}
