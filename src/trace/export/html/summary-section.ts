import { formatAmount, formatCount, formatDuration } from '../../../base/number-format.ts';
import { formatSize } from '../../../base/sizes.ts';
import type { CallerStatistics } from '../../analysis/caller-statistics.ts';
import type { TraceReport } from '../../analysis/trace-analysis.ts';
import { html, shortName } from './markup.ts';
import type { Markup } from './markup.ts';
import { formatPercent, formatSpan } from './report-numbers.ts';

const FILES_SHOWN = 5;

/** What was read, and the numbers that tell how much there is to look at. */
export function formatSummary(report: TraceReport, files: readonly string[]): Markup {
  const facts = summaryFacts(report).map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return html`<header>
    <h1>Who maps dma-bufs, and what it costs</h1>
    <p>Read from ${formatFiles(files)}.</p>
    <dl class="facts">${facts}</dl>
  </header> `;
}

/** `a.txt, b.txt and 3 more files`. */
export function formatFiles(files: readonly string[]): string {
  const shown = files.slice(0, FILES_SHOWN).map((file) => (file === '-' ? 'standard input' : shortName(file)));
  const more = files.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${formatAmount(more, 'more file', 'more files')}`;
}

function summaryFacts(report: TraceReport): (readonly [string, string])[] {
  const { callers, mappingCount, lostEvents, unreadableLineCount, timeSpanSeconds } = report;
  const totalNs = sumKnown(callers, ({ totalNs: ns }) => ns);
  const totalBytes = sumKnown(callers, ({ totalBytes: bytes }) => bytes);
  const consumers = new Set(callers.map(({ consumer }) => consumer.name)).size;
  const facts: (readonly [string, string | undefined])[] = [
    ['Mappings', formatCount(mappingCount)],
    ['Consumers', formatCount(consumers)],
    ['Call paths', formatCount(callers.length)],
    ['Mapped in all', totalBytes === undefined ? undefined : formatSize(totalBytes)],
    ['Time in mappings', totalNs === undefined ? undefined : formatDuration(totalNs)],
    ['Of one core', shareOfCore(totalNs, timeSpanSeconds)],
    ['Length of the trace', timeSpanSeconds === undefined ? undefined : formatSpan(timeSpanSeconds)],
    ['Events lost', lostEvents === 0 ? undefined : formatCount(lostEvents)],
    ['Lines not read', unreadableLineCount === 0 ? undefined : formatCount(unreadableLineCount)],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function shareOfCore(totalNs: number | undefined, seconds: number | undefined): string | undefined {
  if (totalNs === undefined || seconds === undefined || seconds <= 0) return undefined;
  return formatPercent((totalNs / 1e9 / seconds) * 100);
}

/** Undefined where no caller knows it. */
function sumKnown(
  callers: readonly CallerStatistics[],
  select: (caller: CallerStatistics) => number | undefined,
): number | undefined {
  const known = callers.flatMap((caller) => select(caller) ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}
