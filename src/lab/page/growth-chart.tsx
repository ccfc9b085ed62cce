import type { JSX } from 'preact';

import { formatAmount } from '../../base/number-format.ts';
import { sizeText } from '../../base/size-text.ts';
import { LineChart } from './line-chart.tsx';

/** A reading of the machine. */
export interface GrowthPoint {
  /** Since 1970. */
  readonly seconds: number;
  readonly bufferCount: number;
  readonly bytes: number;
}

/** How much there is over time: what only grows is a leak. */
export function GrowthChart({ points }: { points: readonly GrowthPoint[] }): JSX.Element {
  return (
    <LineChart
      times={points.map(({ seconds }) => seconds)}
      lines={[{ name: 'bytes', values: points.map(({ bytes }) => bytes) }]}
      format={sizeText}
      description={describe(points)}
      isClockTime
    />
  );
}

function describe(points: readonly GrowthPoint[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return 'Growth: nothing was read yet.';
  const seconds = Math.round(last.seconds - first.seconds);
  const growth = last.bytes - first.bytes;
  const sign = growth < 0 ? '−' : '+';
  return `Growth in ${formatAmount(seconds, 'second', 'seconds')}: ${sign}${sizeText(Math.abs(growth))}, from ${first.bufferCount} to ${formatAmount(last.bufferCount, 'buffer', 'buffers')}.`;
}
