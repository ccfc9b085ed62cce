import type { Heap } from '../../heap/heap.ts';
import { ORDER_TABLE_SYSTEM_HEAP } from '../../pages/order-table.ts';
import type { MappingEvent } from '../../trace/mapping-event.ts';
import type { CallerVariant } from '../loads/load.ts';
import { runWorkload } from '../run-workload.ts';
import type { PacedLoad, Workload } from '../workload.ts';

/** Pages in chunks of one order. */
interface OrderPages {
  readonly order: number;
  readonly pageCount: number;
}

/** What is mapped. Of a step, these are means. */
export interface MappingDemand {
  /** Calls of `dma_buf_vmap`. */
  readonly callCount: number;
  /** Those at which the exporter maps: the first users'. */
  readonly mappingCount: number;
  /** What it maps, in pages of 4 KiB, as the system heap allocates where all orders are free. */
  readonly pages: readonly OrderPages[];
}

/** What one consumer has mapped. */
export interface LoadDemand {
  readonly load: PacedLoad;
  /** Until each buffer has had its turn, in all. */
  readonly start: MappingDemand;
  /** In each step from then on. */
  readonly step: MappingDemand;
}

interface DemandOptions {
  readonly heap: Heap;
  readonly caller: CallerVariant;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (() => void) | undefined;
}

const PAGE_BYTES = 4096;
/** Behind the first. */
const ROUND_COUNT = 2;

export function pagesOfBytes(lengthBytes: number): number {
  return Math.ceil(lengthBytes / PAGE_BYTES);
}

/**
 * Counts what a workload has mapped, by a replay as fast as this machine can: the counts are those
 * of any machine.
 *
 * @throws as {@link runWorkload}
 */
export async function countDemand(workload: Workload, options: DemandOptions): Promise<LoadDemand[]> {
  const demands: LoadDemand[] = [];
  for (const load of workload.loads) demands.push(await countLoad({ ...workload, loads: [load] }, load, options));
  return demands;
}

async function countLoad(workload: Workload, load: PacedLoad, options: DemandOptions): Promise<LoadDemand> {
  const { heap, caller, seed, signal, onStep } = options;
  const inRound = 'bufferCount' in load ? load.bufferCount : 1;
  const first: MappingEvent[] = [];
  const later: MappingEvent[] = [];
  let stepCount = 0;
  await runWorkload(workload, {
    heap,
    caller,
    conversion: 'page',
    seed,
    extent: { stepCount: (1 + ROUND_COUNT) * inRound },
    signal,
    onRecord: (record) => {
      if (record.kind === 'mapping') (stepCount < inRound ? first : later).push(record);
    },
    onStep: () => {
      stepCount += 1;
      onStep?.();
    },
  });
  return { load, start: demandOf(first, 1), step: demandOf(later, ROUND_COUNT * inRound) };
}

function demandOf(events: readonly MappingEvent[], stepCount: number): MappingDemand {
  // Parts are those of the exporter.
  const mappings = events.filter(({ parts }) => parts !== undefined);
  const pages = ORDER_TABLE_SYSTEM_HEAP.map((order) => ({
    order,
    pageCount: mappings.reduce((sum, { sizeBytes = 0 }) => sum + pagesInOrder(pagesOfBytes(sizeBytes), order), 0),
  }));
  return {
    callCount: events.length / stepCount,
    mappingCount: mappings.length / stepCount,
    pages: pages.map(({ order, pageCount }) => ({ order, pageCount: pageCount / stepCount })),
  };
}

/** How many pages of a buffer are in chunks of an order, where the largest that fits is taken. */
function pagesInOrder(pageCount: number, wanted: number): number {
  let left = pageCount;
  for (const order of ORDER_TABLE_SYSTEM_HEAP) {
    const inOrder = left - (left % 2 ** order);
    if (order === wanted) return inOrder;
    left -= inOrder;
  }
  return 0;
}
