/** Scatter-gather table to pages: this package and C, over mixes of orders and sizes of buffers. */

import { toByteLength } from '../src/base/quantities.ts';
import type { ByteLength } from '../src/base/quantities.ts';
import { formatSize, GiB, MiB } from '../src/base/sizes.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { measureConversionPeer } from '../src/measure/conversion-peer.ts';
import type { ConversionPeerTimes } from '../src/measure/conversion-peer.ts';
import { conversionRuns } from '../src/measure/conversion.ts';
import { median } from '../src/base/median.ts';
import { sample } from '../src/measure/sampling.ts';
import { scatteredTable } from '../src/measure/scattered-table.ts';
import { ORDER_MIX_NAMES } from '../src/pages/order-mixes.ts';
import type { OrderMixName } from '../src/pages/order-mixes.ts';
import type { SgTable } from '../src/sg/sg-table.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import type { BenchRow } from './row.ts';

/** The parameters of the measurement. */
export interface ConversionBenchOptions {
  /** The program `sg-to-pages`, built. */
  readonly peer: CPeer;
  /** The same, built for this processor. */
  readonly nativePeer: CPeer;
  /** Default all five. */
  readonly mixes?: readonly OrderMixName[];
  /** Default 64 MiB, 256 MiB, 1 GiB and 2 GiB. */
  readonly lengths?: readonly ByteLength[];
  /**
   * How many turns this package and C each take. The figures are medians over the turns' medians.
   * Default 21.
   */
  readonly turns?: number;
}

/**
 * Many short turns: other load on the machine's cores comes and goes, and should affect both sides
 * alike.
 */
const SAMPLING = { rounds: 25, warmupRounds: 5 };
const TURNS_DEFAULT = 21;
/**
 * Before the first turn: enough for the engine to have compiled the module with full optimization.
 */
const COMPILING = { rounds: 1, warmupRounds: 500 };
const LENGTHS_DEFAULT = [64 * MiB, 256 * MiB, GiB, 2 * GiB].map(toByteLength);

/** The target figures apply to this table. */
const HEADLINE = { mix: 'fresh', length: 2 * GiB } as const;
const HEADLINE_OVER_PAGE_ITERATOR = 30;
const HEADLINE_OVER_ENTRY_LOOP = 4;
const NOT_SLOWER = 1;
/** The loop that the compiler vectorizes, over the mixes that are long runs. */
const OF_NATIVE_LOOP = 0.9;
const NATIVE_LOOP_MIXES: ReadonlySet<OrderMixName> = new Set(['huge', 'fresh']);

interface Turn extends ConversionPeerTimes {
  readonly byEntryNs: number;
  readonly byEntry8Ns: number;
  /** The time of the program that is built for this processor. */
  readonly nativeByEntryNs: number | null;
  readonly nativeByEntry4Ns: number | null;
}

function measureNativeLoops(peer: CPeer, table: SgTable): Pick<Turn, 'nativeByEntryNs' | 'nativeByEntry4Ns'> {
  const { cByEntryNs, cByEntry4Ns } = measureConversionPeer(peer, table, SAMPLING);
  return { nativeByEntryNs: cByEntryNs, nativeByEntry4Ns: cByEntry4Ns };
}

function takeTurns(table: SgTable, { peer, nativePeer, turns = TURNS_DEFAULT }: ConversionBenchOptions): Turn[] {
  const runs = conversionRuns(table);
  sample(runs.byEntry, COMPILING);
  sample(runs.byEntry8, COMPILING);
  return Array.from({ length: turns }, () => ({
    byEntryNs: sample(runs.byEntry, SAMPLING).medianNs,
    ...measureConversionPeer(peer, table, SAMPLING),
    ...measureNativeLoops(nativePeer, table),
    byEntry8Ns: sample(runs.byEntry8, SAMPLING).medianNs,
  }));
}

function medianOf(turns: readonly Turn[], name: 'byEntryNs' | 'byEntry8Ns'): number {
  return median(turns.map((turn) => turn[name]));
}

function medianOfPeer(turns: readonly Turn[], name: Exclude<keyof Turn, 'byEntryNs' | 'byEntry8Ns'>): number | null {
  const times = turns.map((turn) => turn[name]).filter((time) => time !== null);
  return times.length === 0 ? null : median(times);
}

interface MeasuredTable {
  readonly subject: string;
  readonly turns: readonly Turn[];
  readonly isHeadline: boolean;
  /** Whether the target is the speed of the compiler's vectorized loop. */
  readonly isLongRuns: boolean;
}

function rowsOfTable({ subject, turns, isHeadline, isLongRuns }: MeasuredTable): JudgedRow[] {
  const nativeTarget = isLongRuns ? { target: OF_NATIVE_LOOP } : {};
  const fastestNs = medianOfPeer(turns, 'cFill4Ns');
  const pfns = { subject, ours: 'pagesByEntry, 4-byte pfns', oursNs: medianOf(turns, 'byEntryNs') };
  const addresses = { subject, ours: 'pagesByEntry, 8-byte addresses', oursNs: medianOf(turns, 'byEntry8Ns') };
  return [
    toBenchRow({
      ...pfns,
      peer: 'C page iterator as the kernel has it, 8-byte pointers',
      peerNs: medianOfPeer(turns, 'cByPageNs'),
      ...(isHeadline ? { target: HEADLINE_OVER_PAGE_ITERATOR, fastestNs } : {}),
    }),
    toBenchRow({
      ...pfns,
      peer: 'C nested loop as the patch has it, 8-byte pointers',
      peerNs: medianOfPeer(turns, 'cByEntryNs'),
      ...(isHeadline ? { target: HEADLINE_OVER_ENTRY_LOOP } : {}),
    }),
    toBenchRow({
      ...pfns,
      peer: 'C nested loop, 4-byte pfns',
      peerNs: medianOfPeer(turns, 'cByEntry4Ns'),
      target: NOT_SLOWER,
    }),
    toBenchRow({
      ...addresses,
      peer: 'C nested loop, 8-byte pointers',
      peerNs: medianOfPeer(turns, 'cByEntryNs'),
      target: NOT_SLOWER,
    }),
    toBenchRow({
      ...pfns,
      peer: 'C nested loop, 4-byte pfns, built with -O3 -march=native',
      peerNs: medianOfPeer(turns, 'nativeByEntry4Ns'),
      ...nativeTarget,
    }),
    toBenchRow({
      ...addresses,
      peer: 'C nested loop, 8-byte pointers, built with -O3 -march=native',
      peerNs: medianOfPeer(turns, 'nativeByEntryNs'),
      ...nativeTarget,
    }),
    toBenchRow({ ...pfns, peer: 'C memset of 4 bytes a page', peerNs: medianOfPeer(turns, 'cFill4Ns') }),
    toBenchRow({ ...addresses, peer: 'C memset of 8 bytes a page', peerNs: medianOfPeer(turns, 'cFill8Ns') }),
  ];
}

/** The gain of the patch itself, beside the 6.2x that its mail reports of another machine. */
function patchRow(subject: string, turns: readonly Turn[]): BenchRow[] {
  const oursNs = medianOfPeer(turns, 'cByEntryNs');
  if (oursNs === null) return [];
  const peerNs = medianOfPeer(turns, 'cByPageNs');
  const ours = 'the patch itself, C nested loop (its mail: 6.2x)';
  return [toBenchRow({ subject, ours, oursNs, peer: 'C page iterator', peerNs })];
}

/**
 * The rows, table by table as they are measured. The `memset` rows show the least time for writing
 * such an array.
 */
export function* conversionRows(options: ConversionBenchOptions): Generator<JudgedRow, void, undefined> {
  for (const mix of options.mixes ?? ORDER_MIX_NAMES) {
    for (const length of options.lengths ?? LENGTHS_DEFAULT) {
      const table = scatteredTable(mix, length);
      const turns = takeTurns(table, options);
      const subject = `sg to pages, ${formatSize(length)}, mix ${mix} (${table.entryCount} entries)`;
      const isHeadline = mix === HEADLINE.mix && length === HEADLINE.length;
      const isLongRuns = NATIVE_LOOP_MIXES.has(mix) && length === HEADLINE.length;
      yield* rowsOfTable({ subject, turns, isHeadline, isLongRuns });
      if (isHeadline) yield* patchRow(subject, turns);
    }
  }
}
