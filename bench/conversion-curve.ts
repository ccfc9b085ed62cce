/** The cost of converting a page, by the size of the buffer: one panel per mix. */

import { toByteLength } from '../src/base/quantities.ts';
import { GiB, MiB } from '../src/base/sizes.ts';
import type { CPeer } from '../src/measure/c-peer.ts';
import { measureConversionPeer } from '../src/measure/conversion-peer.ts';
import type { ConversionPeerTimes } from '../src/measure/conversion-peer.ts';
import { measureConversion } from '../src/measure/conversion.ts';
import type { ConversionTimes } from '../src/measure/conversion.ts';
import { scatteredTable } from '../src/measure/scattered-table.ts';
import { ORDER_MIX_NAMES } from '../src/pages/order-mixes.ts';
import type { OrderMixName } from '../src/pages/order-mixes.ts';
import type { Chart, ChartPanel } from './chart.ts';

const LENGTHS = [16 * MiB, 64 * MiB, 256 * MiB, GiB, 2 * GiB].map(toByteLength);
/**
 * Enough for the engine to have compiled the walks with full optimization: short tables take a
 * microsecond, and show the difference for longest.
 */
const SAMPLING = { rounds: 31, warmupRounds: 200 };

type Times = ConversionTimes & ConversionPeerTimes;

/** This package's first. */
const SERIES: readonly { readonly name: string; readonly time: keyof Times }[] = [
  { name: 'ours by entry, 4-byte pfns', time: 'byEntryNs' },
  { name: 'ours page by page, 4-byte pfns', time: 'byPageNs' },
  { name: 'C nested loop, 4-byte pfns', time: 'cByEntry4Ns' },
  { name: 'C nested loop (the patch), 8-byte pointers', time: 'cByEntryNs' },
  { name: 'C page iterator (the kernel), 8-byte pointers', time: 'cByPageNs' },
];

const PANEL_TITLES: Readonly<Record<OrderMixName, string>> = {
  huge: 'mix huge: order 9',
  fresh: 'mix fresh: order 8',
  aged: 'mix aged: orders 8, 4, 0 (60, 30, 10 %)',
  fragmented: 'mix fragmented: orders 4, 0 (60, 40 %)',
  'single-pages': 'mix single-pages: order 0',
};

interface CurvePoint {
  readonly lengthBytes: number;
  readonly pageCount: number;
  readonly times: Times;
}

function measurePoints(mix: OrderMixName, peer: CPeer): CurvePoint[] {
  return LENGTHS.map((length) => {
    const table = scatteredTable(mix, length);
    const times = { ...measureConversion(table, SAMPLING), ...measureConversionPeer(peer, table, SAMPLING) };
    return { lengthBytes: length, pageCount: table.pageCount, times };
  });
}

function toPanel(mix: OrderMixName, points: readonly CurvePoint[]): ChartPanel {
  const series = SERIES.map(({ name, time }) => ({
    name,
    points: points.flatMap(({ lengthBytes, pageCount, times }) => {
      const ns = times[time];
      return ns === null ? [] : [{ x: lengthBytes, y: ns / pageCount }];
    }),
  }));
  return { title: PANEL_TITLES[mix], series };
}

/** Measures every mix at every size. `peer`: the program `sg-to-pages`. */
export function measureConversionCurve(peer: CPeer): Chart {
  return {
    title: 'Scatter-gather table to pages: ns per page',
    description:
      'Median time per page against the size of the buffer, one panel for each mix of orders; lower is better. Both axes are logarithmic.',
    panels: ORDER_MIX_NAMES.map((mix) => toPanel(mix, measurePoints(mix, peer))),
  };
}
