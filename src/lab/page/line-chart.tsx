import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import UPlot from 'uplot';

import { useDarkness } from './use-darkness.ts';

const HEIGHT = 180;
const LIGHT = { axis: '#59636e', grid: '#d1d9e0', lines: ['#0a5bc4', '#9a4b00'] };
const DARK = { axis: '#9aa4af', grid: '#38404a', lines: ['#6cb0ff', '#f0a25c'] };

interface LineChartProps {
  /** In seconds, rising. */
  readonly times: readonly number[];
  /** Each as long as the times; null where there is no value. At most two. */
  readonly lines: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly format: (value: number) => string;
  /** What it shows, in words. */
  readonly description: string;
  /** Whether times are of the clock, and not since a beginning. */
  readonly isClockTime: boolean;
}

/** Values over time, from 0 up. */
export function LineChart({ times, lines, format, description, isClockTime }: LineChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | undefined>(undefined);
  const isDark = useDarkness();
  const names = lines.map(({ name }) => name).join();
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const { axis: stroke, grid, lines: colors } = isDark ? DARK : LIGHT;
    const axis = { stroke, grid: { stroke: grid, width: 1 } };
    const drawn = new UPlot(
      {
        width: current.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        axes: [axis, { ...axis, size: 80, values: (_chart, values) => values.map(format) }],
        scales: { x: { time: isClockTime }, y: { range: (_chart, _low, high) => [0, Math.max(1, high * 1.1)] } },
        series: [{}, ...names.split(',').map((label, index) => ({ label, stroke: colors[index] ?? stroke, width: 2 }))],
      },
      [[], ...lines.map(() => [])],
      current,
    );
    chart.current = drawn;
    const resizing = new ResizeObserver(() => drawn.setSize({ width: current.clientWidth, height: HEIGHT }));
    resizing.observe(current);
    return () => {
      resizing.disconnect();
      drawn.destroy();
    };
  }, [isDark, names]);
  useEffect(() => {
    chart.current?.setData([[...times], ...lines.map(({ values }) => [...values])]);
  }, [times, lines, isDark]);
  return (
    <figure>
      <div ref={place} role="img" aria-label={description} />
      <figcaption>{description}</figcaption>
    </figure>
  );
}
