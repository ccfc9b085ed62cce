import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import UPlot from 'uplot';

import { formatAmount } from '../../base/number-format.ts';
import { sizeText } from '../../base/size-text.ts';
import { useDarkness } from './use-darkness.ts';

const HEIGHT = 180;

/** A reading of the machine. */
export interface GrowthPoint {
  /** Since 1970. */
  readonly seconds: number;
  readonly bufferCount: number;
  readonly bytes: number;
}

/** How much there is over time: what only grows is a leak. */
export function GrowthChart({ points }: { points: readonly GrowthPoint[] }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | undefined>(undefined);
  const isDark = useDarkness();
  useEffect(() => {
    if (place.current === null) return undefined;
    const stroke = isDark ? '#9aa4af' : '#59636e';
    const axis = { stroke, grid: { stroke: isDark ? '#38404a' : '#d1d9e0', width: 1 } };
    chart.current = new UPlot(
      {
        width: place.current.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        axes: [axis, { ...axis, size: 80, values: (_chart, values) => values.map((bytes) => sizeText(bytes)) }],
        scales: { y: { range: (_chart, _low, high) => [0, Math.max(1, high * 1.1)] } },
        series: [{}, { stroke: isDark ? '#6cb0ff' : '#0a5bc4', width: 2, label: 'bytes' }],
      },
      [[], []],
      place.current,
    );
    return () => chart.current?.destroy();
  }, [isDark]);
  useEffect(() => {
    chart.current?.setData([points.map(({ seconds }) => seconds), points.map(({ bytes }) => bytes)]);
  }, [points, isDark]);
  return (
    <figure>
      <div ref={place} role="img" aria-label={describe(points)} />
      <figcaption>{describe(points)}</figcaption>
    </figure>
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
