/**
 * A buffer's whole life: allocated, mapped, one byte written per page, closed. Compared with a
 * fresh memfd that lives the same life.
 */

import { assert } from '../src/base/assert.ts';
import { CleanupStack } from '../src/base/cleanup.ts';
import { toByteLength } from '../src/base/quantities.ts';
import { formatSize, MiB } from '../src/base/sizes.ts';
import { openEmbeddedHeap } from '../src/backend/embedded/embedded-heap.ts';
import type { OrderMixName } from '../src/pages/order-mixes.ts';
import type { Heap } from '../src/heap/heap.ts';
import { MemoryCalls } from '../src/linux/calls/memory-calls.ts';
import { reserveWindowMemory } from '../src/mapping/window-memory.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { median } from '../src/base/median.ts';
import { createFramePool } from '../src/pool/index.ts';
import type { JudgedRow } from './judged-row.ts';
import { PeerProcess } from './peer-process.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull, ninetiethPercentile, nsSince, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';
import { touchPages } from './touch-pages.ts';

export interface AllocationBenchOptions {
  /** The program `memfd`, built. */
  readonly peer: CPeer;
  readonly turns?: Turns;
}

const LENGTH = toByteLength(8 * MiB);
const SUBJECT = `a buffer of ${formatSize(LENGTH)}: allocated, mapped, written, closed`;
/** Enough rounds for V8 to collect closed buffers' windows several times in between. */
const TURNS_DEFAULT: Turns = { turns: 20, roundsPerTurn: 15, warmupRounds: 3 };
const HEAP_RATIO = 6;
const POOL_RATIO = 20;
/** Heaps that were in use for a while, whose buffers are not one run. */
const SCATTERED_MIXES: readonly OrderMixName[] = ['fresh', 'aged'];
const MEMFD_IN_C = 'fresh memfd, C';
const MEMFD_IN_JS = 'fresh memfd, the same calls through our border';

/** A way to get a buffer, write each of its pages, and dispose of it. */
interface Contestant {
  readonly name: string;
  /** The target ratio to a fresh memfd. */
  readonly target?: number;
  /** The time of one round, in ns. */
  readonly round: () => number;
  readonly close: () => void;
}

function timed(live: () => void): () => number {
  return () => {
    const start = process.hrtime.bigint();
    live();
    return nsSince(start);
  };
}

function liveInHeap(heap: Heap): () => void {
  return () => {
    const buffer = heap.allocate(LENGTH);
    const view = buffer.vmap();
    touchPages(view.bytes, heap.pageSize);
    view.close();
    buffer.close();
  };
}

function openHeapContestant(): Contestant {
  const heap = openEmbeddedHeap({ capacity: LENGTH });
  const name = `allocate() from cached memory, ${runCountOf(heap)}`;
  return { name, target: HEAP_RATIO, round: timed(liveInHeap(heap)), close: () => heap.close() };
}

function openScatteredContestant(mix: OrderMixName): Contestant {
  const heap = openEmbeddedHeap({ capacity: LENGTH, fragmentation: { mix, length: LENGTH } });
  const name = `allocate() from cached memory, mix ${mix}, ${runCountOf(heap)}`;
  return { name, round: timed(liveInHeap(heap)), close: () => heap.close() };
}

function runCountOf(heap: Heap): string {
  const buffer = heap.allocate(LENGTH);
  const layout = buffer.layout();
  buffer.close();
  assert(layout.known, 'The embedded heap knows where its pages are');
  const { count } = layout.table.runs();
  return count === 1 ? '1 run' : `${count} runs`;
}

function openPoolContestant(): Contestant {
  const heap = openEmbeddedHeap({ capacity: 2 * LENGTH });
  const pool = createFramePool(heap, { length: LENGTH, count: 2 });
  const live = (): void => {
    const frame = pool.acquire();
    touchPages(frame.bytes, heap.pageSize);
    frame.release();
  };
  const close = (): void => {
    pool.close();
    heap.close();
  };
  return { name: 'createFramePool(), acquire() to release()', target: POOL_RATIO, round: timed(live), close };
}

/**
 * As the C program does it, but always at the same address: JavaScript sees memory only where V8
 * has reserved it.
 */
function openMemfdContestant(): Contestant {
  const calls = new MemoryCalls();
  const pageSize = calls.pageSize();
  const memory = reserveWindowMemory(LENGTH, pageSize);
  const bytes = new Uint8Array(memory.shared, memory.byteOffset, LENGTH);
  const live = (): void => {
    const fd = calls.createSealedMemfd('peer-buffer', LENGTH);
    calls.mapFileAt(memory.address, { fd: fd.borrow(), offset: 0, length: LENGTH });
    touchPages(bytes, pageSize);
    calls.mapZeros(memory);
    fd.close();
  };
  return { name: MEMFD_IN_JS, round: timed(live), close: () => {} };
}

/** Medians, compared with both peers. Only the last row includes the cost of garbage collection. */
function rowsOf(ours: Contestant, oursNs: readonly number[], memfdNs: MemfdTimes): JudgedRow[] {
  const { name, target } = ours;
  const atMedian = {
    subject: SUBJECT,
    ours: name,
    oursNs: median(oursNs),
    ...(target === undefined ? {} : { target }),
  };
  return [
    toBenchRow({ ...atMedian, peer: MEMFD_IN_C, peerNs: medianOrNull(memfdNs.inC) }),
    toBenchRow({ ...atMedian, peer: MEMFD_IN_JS, peerNs: medianOrNull(memfdNs.inJs) }),
    toBenchRow({
      subject: SUBJECT,
      ours: `${name}; p90`,
      oursNs: ninetiethPercentile(oursNs),
      peer: `${MEMFD_IN_C}; p90`,
      peerNs: memfdNs.inC.length === 0 ? null : ninetiethPercentile(memfdNs.inC),
    }),
  ];
}

interface MemfdTimes {
  /** Empty without a C compiler. */
  readonly inC: readonly number[];
  readonly inJs: readonly number[];
}

function openMemfdPeer(peer: CPeer, cleanup: CleanupStack): (() => Promise<number>) | undefined {
  if (!peer.built) return undefined;
  const program = new PeerProcess(peer.path, [String(LENGTH)]);
  cleanup.defer(() => program.close());
  return async () => (await program.round())[0] ?? 0;
}

export async function* allocationRows(options: AllocationBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  const { peer, turns = TURNS_DEFAULT } = options;
  const cleanup = new CleanupStack();
  const open = (contestant: Contestant): Contestant => {
    cleanup.defer(contestant.close);
    return contestant;
  };
  try {
    const contestants = [
      open(openHeapContestant()),
      open(openPoolContestant()),
      ...SCATTERED_MIXES.map((mix) => open(openScatteredContestant(mix))),
    ];
    const inC = openMemfdPeer(peer, cleanup);
    const inJs = open(openMemfdContestant()).round;
    const rounds = contestants.map(({ round }) => round);
    const [inCNs, inJsNs, ...oursNs] = await takeTurns([inC, inJs, ...rounds], turns);
    yield* contestants.flatMap((contestant, index) =>
      rowsOf(contestant, oursNs[index] ?? [], { inC: inCNs, inJs: inJsNs }),
    );
  } finally {
    cleanup.unwind();
  }
}
