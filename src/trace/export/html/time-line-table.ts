import { formatAmount } from '../../../base/number-format.ts';
import { shortName } from './markup.ts';
import type { Markup } from './markup.ts';
import { table } from './page-parts.ts';
import { formatPercent, formatSpan, formatTime } from './report-numbers.ts';
import type { TimeLine } from './time-line.ts';
import type { TimeLineRow, TimeLineSlice } from './time-line-row.ts';

/** As long as a table of a page may be. */
const SLICES_MAX = 20;

/** The time line's picture in words: a row for each span of time, a column for each consumer. */
export function formatTimeLineTable(rows: readonly TimeLineRow[], timeLine: TimeLine): Markup {
  const binsEach = Math.ceil(timeLine.binCount / SLICES_MAX);
  const seconds = binsEach * timeLine.binSeconds;
  const cells = Array.from({ length: Math.ceil(timeLine.binCount / binsEach) }, (_, index) => [
    formatTime(timeLine.startSeconds + index * seconds, seconds / 10),
    ...rows.map((row) => describeSlice(row.slice(timeLine.firstBin + index * binsEach, binsEach), seconds)),
  ]);
  const columns = [
    { heading: 'From, in seconds', isNumber: true },
    ...rows.map(({ consumer }) => ({ heading: shortName(consumer), isNumber: true })),
  ];
  return table(`Mappings in steps of ${formatSpan(seconds)}: calls, and their share of a core`, columns, cells);
}

function describeSlice({ calls, totalNs }: TimeLineSlice, seconds: number): string {
  if (totalNs === 0) return calls === 0 ? '-' : formatAmount(calls, 'call', 'calls');
  return `${formatAmount(calls, 'call', 'calls')}, ${formatPercent((totalNs / 1e9 / seconds) * 100)}`;
}
