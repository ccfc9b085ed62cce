/** Memory in huge pages, compared with ordinary ones, and with C making the same calls. */

import { assert } from '../src/base/assert.ts';
import { CleanupStack } from '../src/base/cleanup.ts';
import { toByteLength } from '../src/base/quantities.ts';
import type { ByteLength } from '../src/base/quantities.ts';
import { formatSize, GiB, MiB } from '../src/base/sizes.ts';
import { openEmbeddedHeap } from '../src/backend/embedded/index.ts';
import type { EmbeddedHeap } from '../src/backend/embedded/index.ts';
import type { DmaBuf } from '../src/heap/dma-buf.ts';
import { addressOf } from '../src/linux/calls/kernel-calls.ts';
import { MemoryCalls } from '../src/linux/calls/memory-calls.ts';
import { thisMachine } from '../src/linux/machine.ts';
import { readAvailableMemory } from '../src/linux/proc/available-memory.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { median } from '../src/base/median.ts';
import { BufferConnection } from '../src/share/connection/buffer-connection.ts';
import { ShareContext } from '../src/share/connection/share-context.ts';
import { createFrameRing, joinFrameRing } from '../src/share/ring/index.ts';
import type { FrameRing } from '../src/share/ring/index.ts';
import { cannotAllowHugePages, withHugePageSetting } from './huge-page-setting.ts';
import type { JudgedRow } from './judged-row.ts';
import type { PeerProcess } from './peer-process.ts';
import { toBenchRow } from './row.ts';
import { openRunPeer } from './run-peer.ts';
import { medianOrNull, nsSince, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';
import { touchPages } from './touch-pages.ts';

export interface HugePagesBenchOptions {
  /** The program `huge-pages`, built. */
  readonly peer: CPeer;
  /**
   * The length of the buffers that are mapped and committed. Default: 2 GiB, or less where memory
   * is short.
   */
  readonly length?: ByteLength;
  readonly turns?: Partial<BenchTurns>;
  /** Why huge pages cannot be allowed. Default: where the machine's setting cannot be changed. */
  readonly missing?: string | false;
}

interface BenchTurns {
  readonly view: Turns;
  readonly commit: Turns;
  readonly join: Turns;
  readonly life: Turns;
}

/**
 * A round of committing follows one that gave the same amount back. Memory that was free for
 * seconds may first have to come from the host of a virtual machine, which takes ten times as long.
 */
const TURNS: BenchTurns = {
  view: { turns: 4, roundsPerTurn: 8, warmupRounds: 2 },
  commit: { turns: 3, roundsPerTurn: 1, warmupRounds: 1 },
  join: { turns: 5, roundsPerTurn: 3, warmupRounds: 1 },
  life: { turns: 20, roundsPerTurn: 15, warmupRounds: 3 },
};

const LENGTH_DEFAULT = toByteLength(2 * GiB);
/**
 * This package's buffer in huge pages, its buffer in ordinary ones, the C program's memory, and the
 * same again for other programs.
 */
const MEMORY_PER_LENGTH = 4;
const LIFE_LENGTH = toByteLength(8 * MiB);
const FRAME_BYTES: number = 16 * MiB;
const FRAME_COUNT = 16;

const VIEW_OVER_ORDINARY = 50;
const COMMIT_OVER_ORDINARY = 6;
/** The target: at most 1.15 times as long as C. */
const OVER_C = 1 / 1.15;
const JOIN_NS_MAX = 20e6;
const NOT_SLOWER = 1;

const IN_C = 'C with the same calls';

/** The same buffer in both kinds of pages. */
interface Kinds<Value> {
  readonly huge: Value;
  readonly ordinary: Value;
}

async function ofBothKinds<Value>(make: (hugePages: boolean) => Value | Promise<Value>): Promise<Kinds<Value>> {
  const huge = await withHugePageSetting('advise', () => make(true));
  return { huge, ordinary: await make(false) };
}

function timed(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return nsSince(start);
}

function mapPopulated(buffer: DmaBuf): () => number {
  return () => {
    const start = process.hrtime.bigint();
    const view = buffer.vmap({ populate: true });
    const took = nsSince(start);
    view.close();
    return took;
  };
}

/** As {@link mapPopulated}, by the kernel's own call where this package touches pages. */
function mapPopulatedByCall(buffer: DmaBuf): () => number {
  const calls = new MemoryCalls();
  return () => {
    const start = process.hrtime.bigint();
    const view = buffer.vmap();
    calls.populate({ address: addressOf(view.subarray(0, 1)), length: toByteLength(view.length) });
    const took = nsSince(start);
    view.close();
    return took;
  };
}

/** The layout of a buffer's runs. */
type Layout = 'scattered runs of 2 MiB' | 'one run';

/** With every page committed. */
function openCommitted(length: ByteLength, layout: Layout, cleanup: CleanupStack): (hugePages: boolean) => DmaBuf {
  return (hugePages) => {
    const fragmentation = layout === 'one run' ? undefined : ({ mix: 'huge', length } as const);
    const heap = openEmbeddedHeap({ capacity: length, cached: 0, fragmentation, hugePages });
    cleanup.defer(() => heap.close());
    const buffer = heap.allocate(length);
    cleanup.defer(() => buffer.close());
    buffer.vmap({ populate: true }).close();
    return buffer;
  };
}

async function* viewRows(
  peer: CPeer,
  wanted: { readonly length: ByteLength; readonly layout: Layout },
  turns: Turns,
): AsyncGenerator<JudgedRow, void, undefined> {
  const { length, layout } = wanted;
  const cleanup = new CleanupStack();
  try {
    const { huge, ordinary } = await ofBothKinds(openCommitted(length, layout, cleanup));
    const pages = huge.layout();
    assert(pages.known, 'The embedded heap knows where its pages are');
    const program = openRunPeer(peer, pages.table, cleanup);
    if (program !== undefined) await withHugePageSetting('advise', () => program.round('prepare'));
    const [ours, inOrdinary, byCall, inC] = await takeTurns(
      [mapPopulated(huge), mapPopulated(ordinary), mapPopulatedByCall(ordinary), roundInC(program, 'view')],
      turns,
    );
    const subject = `a view of every page, ${formatSize(length)} in ${layout} (${pages.table.runs().count})`;
    const inHuge = { subject, ours: 'huge pages', oursNs: median(ours) };
    const reaches = length === LENGTH_DEFAULT && layout !== 'one run';
    yield toBenchRow({
      ...inHuge,
      peer: 'ordinary pages',
      peerNs: median(inOrdinary),
      ...(reaches ? { target: VIEW_OVER_ORDINARY } : {}),
    });
    yield toBenchRow({ ...inHuge, peer: IN_C, peerNs: medianOrNull(inC), ...(reaches ? { target: OVER_C } : {}) });
    yield toBenchRow({
      subject,
      ours: 'ordinary pages, a byte touched in each 64 KiB',
      oursNs: median(inOrdinary),
      peer: 'ordinary pages, MADV_POPULATE_READ',
      peerNs: median(byCall),
    });
  } finally {
    cleanup.unwind();
  }
}

function roundInC(program: PeerProcess | undefined, order: string): (() => Promise<number>) | undefined {
  if (program === undefined) return undefined;
  return async () => {
    const [ns = 0] = await program.round(order);
    return ns;
  };
}

function commitIn(heap: EmbeddedHeap, length: ByteLength): () => number {
  return () => {
    const start = process.hrtime.bigint();
    const buffer = heap.allocate(length);
    const view = buffer.vmap({ populate: true });
    const took = nsSince(start);
    view.close();
    buffer.close();
    return took;
  };
}

async function* commitRows(peer: CPeer, length: ByteLength, turns: Turns): AsyncGenerator<JudgedRow, void, undefined> {
  const cleanup = new CleanupStack();
  try {
    const heaps = await ofBothKinds((hugePages) => {
      const heap = openEmbeddedHeap({ capacity: length, cached: 0, hugePages });
      cleanup.defer(() => heap.close());
      return heap;
    });
    const buffer = heaps.ordinary.allocate(length);
    const layout = buffer.layout();
    buffer.close();
    assert(layout.known, 'The embedded heap knows where its pages are');
    const commitInC = roundInC(openRunPeer(peer, layout.table, cleanup), 'commit');
    const inHuge = commitIn(heaps.huge, length);
    const [ours, inOrdinary, inC] = await takeTurns(
      [
        () => withHugePageSetting('advise', inHuge),
        commitIn(heaps.ordinary, length),
        commitInC === undefined ? undefined : () => withHugePageSetting('advise', commitInC),
      ],
      turns,
    );
    const row = {
      subject: `memory taken from the machine, ${formatSize(length)}`,
      ours: 'huge pages, allocated, mapped, populated',
      oursNs: median(ours),
    };
    const target = length === LENGTH_DEFAULT ? { target: COMMIT_OVER_ORDINARY } : {};
    yield toBenchRow({ ...row, peer: 'ordinary pages, the same', peerNs: median(inOrdinary), ...target });
    yield toBenchRow({ ...row, peer: IN_C, peerNs: medianOrNull(inC) });
  } finally {
    cleanup.unwind();
  }
}

/**
 * The ns until a consumer has mapped and faulted in every frame. In this process, which gives the
 * same result as another: nothing is mapped twice.
 */
function joinOnce(ring: FrameRing): () => Promise<number> {
  return async () => {
    const context = new ShareContext();
    const [ours, theirs] = context.sockets.createPair().map((socket) => new BufferConnection(context, socket));
    assert(ours !== undefined && theirs !== undefined, 'A pair has two ends');
    const start = process.hrtime.bigint();
    const [consumer] = await Promise.all([joinFrameRing(theirs, { mode: 'newest' }), ring.addConsumer(ours)]);
    const took = nsSince(start);
    consumer.close();
    return took;
  };
}

async function* joinRows(turns: Turns): AsyncGenerator<JudgedRow, void, undefined> {
  const cleanup = new CleanupStack();
  try {
    const { huge, ordinary } = await ofBothKinds((hugePages) => {
      using heap = openEmbeddedHeap({ hugePages });
      const ring = createFrameRing(heap, { frameLength: FRAME_BYTES, frameCount: FRAME_COUNT });
      cleanup.defer(() => ring.close());
      return ring;
    });
    const [ours, inOrdinary] = await takeTurns([joinOnce(huge), joinOnce(ordinary)], turns);
    yield {
      ...toBenchRow({
        subject: `a frame ring joined, ${FRAME_COUNT} frames of ${formatSize(FRAME_BYTES)}, every page there`,
        ours: 'huge pages',
        oursNs: median(ours),
        peer: 'ordinary pages',
        peerNs: median(inOrdinary),
      }),
      oursNsMax: JOIN_NS_MAX,
    };
  } finally {
    cleanup.unwind();
  }
}

function liveIn(heap: EmbeddedHeap): () => number {
  return () =>
    timed(() => {
      const buffer = heap.allocate(LIFE_LENGTH);
      const view = buffer.vmap();
      touchPages(view.bytes, heap.pageSize);
      view.close();
      buffer.close();
    });
}

async function* lifeRows(turns: Turns): AsyncGenerator<JudgedRow, void, undefined> {
  const cleanup = new CleanupStack();
  try {
    const { huge, ordinary } = await ofBothKinds((hugePages) => {
      const heap = openEmbeddedHeap({ capacity: LIFE_LENGTH, hugePages });
      cleanup.defer(() => heap.close());
      // Committed now, and cached from then on.
      liveIn(heap)();
      return heap;
    });
    const [ours, inOrdinary] = await takeTurns([liveIn(huge), liveIn(ordinary)], turns);
    yield toBenchRow({
      subject: `cached memory of ${formatSize(LIFE_LENGTH)}: allocated, mapped, written, closed`,
      ours: 'huge pages',
      oursNs: median(ours),
      peer: 'ordinary pages',
      peerNs: median(inOrdinary),
      target: NOT_SLOWER,
    });
  } finally {
    cleanup.unwind();
  }
}

/** 2 GiB, or the largest power of two that leaves memory for other programs. */
function lengthHere(): ByteLength {
  const fitting = 2 ** Math.floor(Math.log2(readAvailableMemory(thisMachine).bytes / MEMORY_PER_LENGTH));
  return toByteLength(Math.min(LENGTH_DEFAULT, fitting));
}

/** Huge pages are allowed only while memory is committed. */
export async function* hugePageRows(options: HugePagesBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  const { peer, length = lengthHere(), missing = cannotAllowHugePages() } = options;
  const turns = { ...TURNS, ...options.turns };
  if (missing !== false) {
    const nothing = { oursNs: null, peer: 'ordinary pages', peerNs: null };
    yield toBenchRow({ subject: 'huge pages', ours: `n/a: ${missing}`, ...nothing });
    return;
  }
  yield* viewRows(peer, { length, layout: 'scattered runs of 2 MiB' }, turns.view);
  yield* viewRows(peer, { length, layout: 'one run' }, turns.view);
  yield* commitRows(peer, length, turns.commit);
  yield* joinRows(turns.join);
  yield* lifeRows(turns.life);
}
