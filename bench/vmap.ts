/**
 * A buffer's contiguous view: mapped run by run, compared with page by page, and with C making the
 * same calls.
 */

import { assert } from '../src/base/assert.ts';
import { CleanupStack } from '../src/base/cleanup.ts';
import { MAPPINGS_KEPT_FREE } from '../src/base/limits.ts';
import { toByteLength } from '../src/base/quantities.ts';
import type { ByteLength } from '../src/base/quantities.ts';
import { formatSize, GiB, MiB } from '../src/base/sizes.ts';
import type { DmaBuf } from '../src/heap/dma-buf.ts';
import { kernelCalls } from '../src/linux/calls/kernel-calls.ts';
import { readAvailableMemory } from '../src/linux/proc/available-memory.ts';
import { readMaxMapCount } from '../src/linux/proc/process-mappings.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { openMeasuredHeap } from '../src/measure/measured-heap.ts';
import type { MeasuredHeap } from '../src/measure/measured-heap.ts';
import { PageByPageWindow } from '../src/measure/page-by-page-window.ts';
import { median } from '../src/base/median.ts';
import type { MappedView } from '../src/measure/vmap-measurement.ts';
import type { OrderMixName } from '../src/pages/order-mixes.ts';
import { pagesByPage } from '../src/sg/pages-by-page.ts';
import type { SgTable } from '../src/sg/sg-table.ts';
import type { JudgedRow } from './judged-row.ts';
import type { PeerProcess } from './peer-process.ts';
import { toBenchRow } from './row.ts';
import { openRunPeer } from './run-peer.ts';
import { medianOrNull, nsSince, takeTurns } from './take-turns.ts';
import type { Round, Turns } from './take-turns.ts';
import { touchPages } from './touch-pages.ts';

export interface VmapBenchOptions {
  /** The program `vmap`, built. */
  readonly peer: CPeer;
  /**
   * The length of the buffer that is mapped page by page as well, in mix fresh. Default: 2 GiB, or
   * less where memory is short.
   */
  readonly length?: ByteLength;
  /** The length of the buffers in the other mixes. Default: 256 MiB. */
  readonly curveLength?: ByteLength;
}

/** The times of one round. */
interface Times {
  readonly mapNs: number;
  /** One byte of each page written: a page fault each. */
  readonly touchNs: number;
  readonly closeNs: number;
}

/** A buffer in one mix, with everything that maps it. */
interface Subject {
  readonly subject: string;
  readonly measured: MeasuredHeap;
  readonly buffer: DmaBuf;
  readonly table: SgTable;
  /** C, with runs and a file of its own. */
  readonly peer: PeerProcess | undefined;
}

const HEADLINE_LENGTH = toByteLength(2 * GiB);
const CURVE_LENGTH_DEFAULT = toByteLength(256 * MiB);
/** A shorter buffer for E: 65,536 runs are more than the kernel's default of `vm.max_map_count`. */
const CURVE: readonly { mix: OrderMixName; share: number }[] = [
  { mix: 'fresh', share: 1 },
  { mix: 'aged', share: 1 },
  { mix: 'fragmented', share: 1 },
  { mix: 'single-pages', share: 0.75 },
];
/** The arena's and the C program's memory, and the same again for other programs. */
const MEMORY_PER_LENGTH = 4;

const HEADLINE_TURNS = 5;
/**
 * Rounds in each turn. Mapping takes milliseconds. With half a million page faults, or calls, it
 * takes half a second and more.
 */
const TURNS_MAPPED: Turns = { turns: 4, roundsPerTurn: 8, warmupRounds: 2 };
const TURNS_TOUCHED: Turns = { turns: 1, roundsPerTurn: 2, warmupRounds: 1 };
const TURNS_PAGE_BY_PAGE: Turns = { turns: 1, roundsPerTurn: 1, warmupRounds: 0 };
/** Up to 0.1 s per round. */
const TURNS_CURVE: Turns = { turns: 5, roundsPerTurn: 4, warmupRounds: 1 };

const OVER_PAGE_BY_PAGE = 200;
/** The target: at most 1.15 times as long as C. */
const OVER_C = 1 / 1.15;
/** The same for 7,500 runs and more, mapped by one call of the addon. */
const OVER_C_BY_ONE_CALL = 1 / 1.02;
const MANY_RUNS = 7500;

function openSubject(peer: CPeer, wanted: { mix: OrderMixName; length: ByteLength }, cleanup: CleanupStack): Subject {
  const { mix, length } = wanted;
  const measured = openMeasuredHeap({ length, mix, seed: 0, raw: kernelCalls });
  cleanup.defer(() => measured.heap.close());
  const buffer = measured.heap.allocate(length);
  cleanup.defer(() => buffer.close());
  const layout = buffer.layout();
  assert(layout.known, 'The embedded heap knows where its pages are');
  const { table } = layout;
  const subject = `vmap, ${formatSize(length)}, mix ${mix} (${table.runs().count} runs)`;
  return { subject, measured, buffer, table, peer: openRunPeer(peer, table, cleanup) };
}

function roundOf(map: () => MappedView, pageSize: number, touches: boolean): Round<Times> {
  return () => {
    const start = process.hrtime.bigint();
    const view = map();
    const mapNs = nsSince(start);
    const touchStart = process.hrtime.bigint();
    if (touches) touchPages(view.subarray(0, view.length), pageSize);
    const touchNs = nsSince(touchStart);
    const closeStart = process.hrtime.bigint();
    view.close();
    return { mapNs, touchNs, closeNs: nsSince(closeStart) };
  };
}

function roundInC(peer: PeerProcess | undefined, touches: boolean): Round<Times> | undefined {
  if (peer === undefined) return undefined;
  return async () => {
    const [mapNs = 0, touchNs = 0, closeNs = 0] = await peer.round(touches ? 'touch' : 'map');
    return { mapNs, touchNs, closeNs };
  };
}

/** This package and C. */
type TimesWithC = [Times[], Times[]];

function takeTurnsWithC({ buffer, table, peer }: Subject, turns: Turns, touches: boolean): Promise<TimesWithC> {
  const ours = roundOf(() => buffer.vmap(), table.pageSize, touches);
  return takeTurns([ours, roundInC(peer, touches)], turns);
}

const IN_C = { peer: 'C with the same calls' };
const MAPPED = { what: 'mapped', time: ({ mapNs }: Times): number => mapNs };
const MAPPED_AND_TOUCHED = {
  what: 'mapped and touched',
  time: ({ mapNs, touchNs }: Times): number => mapNs + touchNs,
};
const CLOSED_UNTOUCHED = { what: 'untouched, closed', time: ({ closeNs }: Times): number => closeNs };
const CLOSED_TOUCHED = { what: 'touched, closed', time: ({ closeNs }: Times): number => closeNs };

/** The value of `time` in the rounds of this package and of the peer. */
function rowAgainst(
  { subject }: Subject,
  [ours, theirs]: TimesWithC,
  row: { peer: string; what: string; time: (times: Times) => number; target?: number },
): JudgedRow {
  const { peer, what, time, target } = row;
  return toBenchRow({
    subject,
    ours: `by run, ${what}`,
    oursNs: median(ours.map(time)),
    peer: `${peer}, ${what}`,
    peerNs: medianOrNull(theirs.map(time)),
    ...(target === undefined ? {} : { target }),
  });
}

/** The times of every way to map the buffer of the target figures. */
interface HeadlineTimes {
  readonly mapped: TimesWithC;
  readonly touched: TimesWithC;
  readonly byPage: Times[];
}

/**
 * All 524,288 calls are made: the kernel merges mappings of adjacent pages, so that only as many
 * remain as there are runs.
 */
function pageByPageRound({ measured, table }: Subject): Round<Times> {
  const window = new PageByPageWindow(measured.mapping, {
    fd: measured.arenaFd,
    pages: pagesByPage(table),
    pageSize: table.pageSize,
    joined: true,
  });
  return roundOf(() => window.map(), table.pageSize, true);
}

/** Each way once, and then again. The touched ones first, because they commit the memory. */
async function takeHeadlineTurns(subject: Subject): Promise<HeadlineTimes> {
  const pageByPage = pageByPageRound(subject);
  const times: HeadlineTimes = { mapped: [[], []], touched: [[], []], byPage: [] };
  for (let turn = 0; turn < HEADLINE_TURNS; turn += 1) {
    const touched = await takeTurnsWithC(subject, TURNS_TOUCHED, true);
    const mapped = await takeTurnsWithC(subject, TURNS_MAPPED, false);
    const [byPage] = await takeTurns([pageByPage], TURNS_PAGE_BY_PAGE);
    for (const index of [0, 1] as const) {
      times.touched[index].push(...touched[index]);
      times.mapped[index].push(...mapped[index]);
    }
    times.byPage.push(...byPage);
  }
  return times;
}

/** The buffer of the target figures, or a shorter one without targets. */
async function* headlineRows(peer: CPeer, length: ByteLength): AsyncGenerator<JudgedRow, void, undefined> {
  const reaches = length === HEADLINE_LENGTH;
  const overPageByPage = reaches ? { target: OVER_PAGE_BY_PAGE } : {};
  const overC = reaches ? { target: OVER_C } : {};
  const cleanup = new CleanupStack();
  try {
    const subject = openSubject(peer, { mix: 'fresh', length }, cleanup);
    const { mapped, touched, byPage } = await takeHeadlineTurns(subject);
    const pageByPage = { peer: `page by page (${subject.table.pageCount} calls)` };
    yield rowAgainst(subject, [mapped[0], byPage], { ...pageByPage, ...MAPPED, ...overPageByPage });
    yield rowAgainst(subject, [touched[0], byPage], { ...pageByPage, ...MAPPED_AND_TOUCHED });
    yield rowAgainst(subject, mapped, { ...IN_C, ...MAPPED, ...overC });
    yield rowAgainst(subject, touched, { ...IN_C, ...MAPPED_AND_TOUCHED, ...overC });
    yield rowAgainst(subject, mapped, { ...IN_C, ...CLOSED_UNTOUCHED });
    yield rowAgainst(subject, touched, { ...IN_C, ...CLOSED_TOUCHED });
  } finally {
    cleanup.unwind();
  }
}

/** The growth of the cost of mapping: with the runs, not with the bytes. */
async function* curveRows(peer: CPeer, lengthMax: ByteLength): AsyncGenerator<JudgedRow, void, undefined> {
  for (const { mix, share } of CURVE) {
    const cleanup = new CleanupStack();
    try {
      const subject = openSubject(peer, { mix, length: toByteLength(lengthMax * share) }, cleanup);
      // A machine may allow fewer mappings than the kernel's default.
      if (subject.table.runs().count > readMaxMapCount() - 2 * MAPPINGS_KEPT_FREE) continue;
      const mapped = await takeTurnsWithC(subject, TURNS_CURVE, false);
      const overC = subject.table.runs().count >= MANY_RUNS ? { target: OVER_C_BY_ONE_CALL } : {};
      yield rowAgainst(subject, mapped, { ...IN_C, ...MAPPED, ...overC });
      yield rowAgainst(subject, mapped, { ...IN_C, ...CLOSED_UNTOUCHED });
    } finally {
      cleanup.unwind();
    }
  }
}

/** 2 GiB, or the largest power of two that leaves memory for other programs. */
function headlineLength(): ByteLength {
  const fitting = 2 ** Math.floor(Math.log2(readAvailableMemory().bytes / MEMORY_PER_LENGTH));
  return toByteLength(Math.min(HEADLINE_LENGTH, fitting));
}

export async function* vmapRows(options: VmapBenchOptions): AsyncGenerator<JudgedRow, void, undefined> {
  yield* headlineRows(options.peer, options.length ?? headlineLength());
  yield* curveRows(options.peer, options.curveLength ?? CURVE_LENGTH_DEFAULT);
}
