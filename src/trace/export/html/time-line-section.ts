import { formatAmount, formatCount } from '../../../base/number-format.ts';
import { html, shortName } from './markup.ts';
import type { Markup } from './markup.ts';
import { legend, section } from './page-parts.ts';
import { formatPercent, formatSpan } from './report-numbers.ts';
import { drawTimeAxis, drawTimeLineRow } from './time-line-picture.ts';
import type { TimeLine } from './time-line.ts';
import type { TimeLineRow } from './time-line-row.ts';
import { scaleOf } from './time-line-scale.ts';
import type { TimeLineScale } from './time-line-scale.ts';
import { formatTimeLineTable } from './time-line-table.ts';
import { TIME_USES } from './time-use.ts';

/** The time lines of several sources: each has a clock of its own. */
export interface SourceTimeLine {
  /** Undefined where it has no name. */
  readonly file: string | undefined;
  readonly timeLine: TimeLine;
}

const ROWS_SHOWN = 12;

/** When who mapped: a picture for each source that has times, and the same as tables. */
export function formatTimeLines(sources: readonly SourceTimeLine[], otherFileCount: number): Markup {
  const timed = sources.filter(({ timeLine }) => timeLine.binCount > 0);
  if (timed.length === 0) return section('time', 'Time lines', html`<p>The source has no times.</p>`);
  const uses = TIME_USES.filter((_, index) =>
    timed.some(({ timeLine }) => timeLine.rows().some((row) => allOf(row, timeLine).nsByUse[index] !== 0)),
  );
  return section(
    'time',
    'Time lines',
    html`<p>
      For each consumer, how much of a core its mappings took, from moment to moment. Each line has a scale of its own:
      its highest value stands on the left, and a line on top marks bars that are cut. Where no durations are known, the
      bars are calls.
    </p>`,
    uses.length === 0 ? undefined : legend(uses),
    timed.map((source) => formatSource(source, timed.length > 1)),
    otherFileCount === 0
      ? undefined
      : html`<p>${formatAmount(otherFileCount, 'more file has', 'more files have')} no time line here.</p>`,
  );
}

function formatSource({ file, timeLine }: SourceTimeLine, isOneOfSeveral: boolean): Markup {
  const rows = timeLine.rows();
  const shown = rows.slice(0, ROWS_SHOWN);
  const notes = describeSteps(timeLine, rows.length - shown.length);
  return html`${isOneOfSeveral ? html`<h3>${shortName(file ?? 'without a name')}</h3>` : undefined}
    <div class="lines">
      ${shown.map((row) => formatRow(row, timeLine))}
      <div></div>
      ${drawTimeAxis(timeLine)}
    </div>
    <p><small>${notes.join(' ')}</small></p>
    <details>
      <summary>The time line as a table</summary>
      ${formatTimeLineTable(shown, timeLine)}
    </details> `;
}

function formatRow(row: TimeLineRow, timeLine: TimeLine): Markup {
  const bins = Array.from({ length: timeLine.binCount }, (_, index) => row.slice(timeLine.firstBin + index));
  const scale = scaleOf(bins);
  const calls = formatAmount(row.callCount, 'call', 'calls');
  return html`<div class="who">
      <b>${shortName(row.consumer)}</b><small>${calls}, ${describeScale(scale, timeLine.binSeconds)}</small>
    </div>
    ${drawTimeLineRow(row, timeLine, { bins, scale })}`;
}

function describeScale({ unit, peak, top }: TimeLineScale, binSeconds: number): string {
  const format = (height: number): string =>
    unit === 'ns' ? formatPercent((height / 1e9 / binSeconds) * 100) : formatCount(Math.round(height));
  const of = unit === 'ns' ? ' of a core' : ' in a step';
  return `at most ${format(peak)}${of}${top < peak ? `; bars are cut at ${format(top)}` : ''}`;
}

function describeSteps({ binSeconds, untimedCount }: TimeLine, hiddenCount: number): string[] {
  const more = formatAmount(hiddenCount, 'more consumer, the lightest, is', 'more consumers, the lightest, are');
  return [
    `Mappings are added up in steps of ${formatSpan(binSeconds)}.`,
    ...(hiddenCount === 0 ? [] : [`${more} not shown.`]),
    ...(untimedCount === 0 ? [] : [`${formatAmount(untimedCount, 'mapping has', 'mappings have')} no time.`]),
  ];
}

function allOf(row: TimeLineRow, { firstBin, binCount }: TimeLine): { readonly nsByUse: readonly number[] } {
  return row.slice(firstBin, binCount);
}
