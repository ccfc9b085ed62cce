import { formatAmount, formatDuration } from '../../../base/number-format.ts';
import { html } from './markup.ts';
import type { Markup } from './markup.ts';
import { formatPercent, formatTime } from './report-numbers.ts';
import type { TimeLine } from './time-line.ts';
import type { TimeLineRow, TimeLineSlice } from './time-line-row.ts';
import { heightOf } from './time-line-scale.ts';
import type { TimeLineScale } from './time-line-scale.ts';
import { TIME_USES } from './time-use.ts';

/** The height of a row, in the units of its picture. */
const HEIGHT = 100;
/** Lower bars would not be seen. */
const BAR_HEIGHT_MIN = 2;
const CUT_HEIGHT = 6;
const TICKS_MAX = 6;
/** Places that tell their numbers under the pointer. */
const HINTS_MAX = 60;

/** One consumer's bars, by what their time went into; calls where it has no times. */
export function drawTimeLineRow(
  row: TimeLineRow,
  timeLine: TimeLine,
  { bins, scale }: { readonly bins: readonly TimeLineSlice[]; readonly scale: TimeLineScale },
): Markup {
  const bars = scale.unit === 'calls' ? [drawCalls(bins, scale)] : drawTimes(bins, scale);
  return html`<svg class="line" viewBox="0 0 ${bins.length} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    ${bars}${markCuts(bins, scale)}${drawHints(row, timeLine)}
  </svg> `;
}

function drawCalls(bins: readonly TimeLineSlice[], { top }: TimeLineScale): Markup {
  const bars = bins.map(({ calls }, index) =>
    bar(index, { from: 0, to: Math.min(calls / top, 1) * HEIGHT, isLowest: true }),
  );
  return html`<path class="u-calls" d="${bars.join('')}" />`;
}

function drawTimes(bins: readonly TimeLineSlice[], { top }: TimeLineScale): Markup[] {
  const reached = bins.map(() => 0);
  return TIME_USES.flatMap((use, field) => {
    const bars = bins.map(({ nsByUse }, index) => {
      const from = reached[index] ?? 0;
      const to = from + ((nsByUse[field] ?? 0) / top) * HEIGHT;
      reached[index] = to;
      return bar(index, { from, to: Math.min(to, HEIGHT), isLowest: from === 0 });
    });
    const shape = bars.join('');
    return shape === '' ? [] : [html`<path class="u-${use}" d="${shape}" />`];
  });
}

/** A line over each bar that goes on above the picture. */
function markCuts(bins: readonly TimeLineSlice[], { unit, top }: TimeLineScale): Markup | undefined {
  const marks = bins.map((bin, index) => (heightOf(bin, unit) > top ? `M${index} 0h1v${CUT_HEIGHT}h-1z` : ''));
  const shape = marks.join('');
  return shape === '' ? undefined : html`<path class="cut" d="${shape}" />`;
}

/** From the bottom up. */
function bar(
  index: number,
  { from, to, isLowest }: { readonly from: number; readonly to: number; readonly isLowest: boolean },
): string {
  if (to <= from) return '';
  const top = HEIGHT - (isLowest ? Math.max(to, BAR_HEIGHT_MIN) : to);
  const height = HEIGHT - from - top;
  return `M${index} ${round(top)}h1v${round(height)}h-1z`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function drawHints(row: TimeLineRow, { firstBin, binCount, startSeconds, binSeconds }: TimeLine): Markup[] {
  const binsEach = Math.ceil(binCount / HINTS_MAX);
  const seconds = binsEach * binSeconds;
  return Array.from({ length: Math.ceil(binCount / binsEach) }, (_, index) => {
    const { calls, totalNs } = row.slice(firstBin + index * binsEach, binsEach);
    if (calls === 0 && totalNs === 0) return html``;
    const from = formatTime(startSeconds + index * seconds, seconds / 10);
    const share = formatPercent((totalNs / 1e9 / seconds) * 100);
    const time = totalNs === 0 ? '' : `, ${formatDuration(totalNs)}, ${share} of a core`;
    const hint = `from ${from} s: ${formatAmount(calls, 'call', 'calls')}${time}`;
    return html`<rect class="hint" x="${index * binsEach}" width="${binsEach}" height="${HEIGHT}"
      ><title>${hint}</title></rect
    >`;
  });
}

/** Times below the rows, at round numbers of seconds. */
export function drawTimeAxis({ startSeconds, binSeconds, binCount }: TimeLine): Markup {
  const seconds = binCount * binSeconds;
  const step = roundStep(seconds / TICKS_MAX);
  const first = Math.ceil(startSeconds / step);
  const ticks: Markup[] = [];
  for (let index = first; index * step < startSeconds + seconds && ticks.length <= TICKS_MAX * 2; index += 1) {
    const percent = ((index * step - startSeconds) / seconds) * 100;
    const anchor = percent > 92 ? 'end' : percent < 4 ? 'start' : 'middle';
    ticks.push(
      html`<line x1="${percent.toFixed(2)}%" x2="${percent.toFixed(2)}%" y2="5" /><text
          x="${percent.toFixed(2)}%"
          y="18"
          text-anchor="${anchor}"
          >${formatTime(index * step, step)} s</text
        >`,
    );
  }
  return html`<svg class="axis" width="100%" height="22" aria-hidden="true">${ticks}</svg> `;
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10);
}
