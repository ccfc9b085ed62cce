/** Scatter-gather table to pages: ours beside C, over the mixes of orders and sizes of buffers. */

import { toByteLength } from '../src/base/quantities.ts';
import type { ByteLength } from '../src/base/quantities.ts';
import { formatSize, GiB, MiB } from '../src/base/sizes.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { measureConversionPeer } from '../src/measure/conversion-peer.ts';
import type { ConversionPeerTimes } from '../src/measure/conversion-peer.ts';
import { conversionRuns } from '../src/measure/conversion.ts';
import { median, sample } from '../src/measure/sampling.ts';
import { scatteredTable } from '../src/measure/scattered-table.ts';
import { ORDER_MIX_NAMES } from '../src/pages/order-mixes.ts';
import type { OrderMixName } from '../src/pages/order-mixes.ts';
import type { SgTable } from '../src/sg/sg-table.ts';
import { toBenchRow } from './row.ts';
import type { BenchRow } from './row.ts';

/** What is measured. */
export interface ConversionBenchOptions {
  /** The program `sg-to-pages`, built. */
  readonly peer: CPeer;
  /** Default all five. */
  readonly mixes?: readonly OrderMixName[];
  /** Default 64 MiB, 256 MiB, 1 GiB and 2 GiB. */
  readonly lengths?: readonly ByteLength[];
  /** How often ours and C take turns; the figures are medians over the turns' medians. Default 21. */
  readonly turns?: number;
}

/** Short turns, many of them: what else runs on the machine's cores comes and goes, and should meet both sides alike. */
const SAMPLING = { rounds: 25, warmupRounds: 5 };
const TURNS_DEFAULT = 21;
/** Before the first turn: enough for the engine to have compiled the module for good. */
const COMPILING = { rounds: 1, warmupRounds: 500 };
const LENGTHS_DEFAULT = [64 * MiB, 256 * MiB, GiB, 2 * GiB].map(toByteLength);

/** The numbers to reach are stated for this table. */
const HEADLINE = { mix: 'B', length: 2 * GiB } as const;
const HEADLINE_OVER_PAGE_ITERATOR = 30;
const HEADLINE_OVER_ENTRY_LOOP = 4;
const NOT_SLOWER = 1;

interface Turn extends ConversionPeerTimes {
  readonly byEntryNs: number;
  readonly byEntry8Ns: number;
}

function takeTurns(table: SgTable, peer: CPeer, turns: number): Turn[] {
  const runs = conversionRuns(table);
  sample(runs.byEntry, COMPILING);
  sample(runs.byEntry8, COMPILING);
  return Array.from({ length: turns }, () => ({
    byEntryNs: sample(runs.byEntry, SAMPLING).medianNs,
    ...measureConversionPeer(peer, table, SAMPLING),
    byEntry8Ns: sample(runs.byEntry8, SAMPLING).medianNs,
  }));
}

function medianOf(turns: readonly Turn[], name: 'byEntryNs' | 'byEntry8Ns'): number {
  return median(turns.map((turn) => turn[name]));
}

function medianOfPeer(turns: readonly Turn[], name: keyof ConversionPeerTimes): number | null {
  const times = turns.map((turn) => turn[name]).filter((time) => time !== null);
  return times.length === 0 ? null : median(times);
}

function rowsOfTable(subject: string, turns: readonly Turn[], isHeadline: boolean): BenchRow[] {
  const pfns = { subject, ours: 'pagesByEntry, 4-byte pfns', oursNs: medianOf(turns, 'byEntryNs') };
  const addresses = { subject, ours: 'pagesByEntry, 8-byte addresses', oursNs: medianOf(turns, 'byEntry8Ns') };
  return [
    toBenchRow({
      ...pfns,
      peer: 'C page iterator as the kernel has it, 8-byte pointers',
      peerNs: medianOfPeer(turns, 'cByPageNs'),
      ...(isHeadline ? { target: HEADLINE_OVER_PAGE_ITERATOR } : {}),
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
    toBenchRow({ ...pfns, peer: 'C memset of 4 bytes a page', peerNs: medianOfPeer(turns, 'cFill4Ns') }),
    toBenchRow({ ...addresses, peer: 'C memset of 8 bytes a page', peerNs: medianOfPeer(turns, 'cFill8Ns') }),
  ];
}

/** What the patch gains by itself, beside the 6.2x that its mail reports of another machine. */
function patchRow(subject: string, turns: readonly Turn[]): BenchRow[] {
  const oursNs = medianOfPeer(turns, 'cByEntryNs');
  if (oursNs === null) return [];
  const peerNs = medianOfPeer(turns, 'cByPageNs');
  const ours = 'the patch itself, C nested loop (its mail: 6.2x)';
  return [toBenchRow({ subject, ours, oursNs, peer: 'C page iterator', peerNs })];
}

/** The rows, table by table as they are measured. The `memset` rows say how near an array can be written at all. */
export function* conversionRows(options: ConversionBenchOptions): Generator<BenchRow, void, undefined> {
  for (const mix of options.mixes ?? ORDER_MIX_NAMES) {
    for (const length of options.lengths ?? LENGTHS_DEFAULT) {
      const table = scatteredTable(mix, length);
      const turns = takeTurns(table, options.peer, options.turns ?? TURNS_DEFAULT);
      const subject = `sg to pages, ${formatSize(length)}, mix ${mix} (${table.entryCount} entries)`;
      const isHeadline = mix === HEADLINE.mix && length === HEADLINE.length;
      yield* rowsOfTable(subject, turns, isHeadline);
      if (isHeadline) yield* patchRow(subject, turns);
    }
  }
}
