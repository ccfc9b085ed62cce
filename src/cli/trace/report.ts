import type { CallerStatistics } from '../../trace/analysis/caller-statistics.ts';
import type { PartKind } from '../../trace/analysis/part-times.ts';
import type { TraceReport } from '../../trace/analysis/trace-analysis.ts';
import type { Saving, Savings } from '../../trace/analysis/what-if.ts';
import type { TraceSummary } from '../../trace/mapping-event.ts';
import { writeJsonLine } from '../json-line.ts';
import type { Terminal } from '../terminal.ts';
import { formatCallers } from '../callers/report.ts';
import { formatAmount, formatDuration } from '../../base/number-format.ts';
import { formatName } from '../../base/printable-text.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatTable } from '../table.ts';

const PART_NAMES: Readonly<Record<PartKind, string>> = {
  'page-array': 'allocating the page array',
  'sg-to-pages': 'sg table to pages',
  vmap: 'vmap itself',
  free: 'freeing the page array',
  'lock-wait': 'locks',
  other: 'the rest',
};

const SAVING_NAMES: Readonly<Record<keyof Savings, string>> = {
  byEntry: 'Conversion by entry',
  batched: 'Mapping runs at once',
  mappedOnce: 'Mapping each buffer once',
};

/** Who maps, what was found, what the time goes into, and what could be saved. */
export function formatTraceReport(report: TraceReport, place: string, style: ReportStyle): string[] {
  const { callers, findings, savings } = report;
  const divided = callers.filter(({ partTimes }) => partTimes !== undefined);
  const savingLines = Object.entries(savings) as [keyof Savings, Saving][];
  return [
    ...formatCallers(report, place, style),
    ...(findings.length === 0
      ? []
      : formatSection(
          {
            heading: 'Findings',
            lines: indentTexts(
              findings.map(({ text }) => formatName(text)),
              style.columns,
            ),
          },
          style,
        )),
    ...divided.flatMap((caller) => formatParts(caller, style)),
    ...(savingLines.length === 0
      ? []
      : formatSection(
          {
            heading: 'What could be saved',
            lines: savingLines.flatMap(([name, saving]) => formatSaving(SAVING_NAMES[name], saving, style.columns)),
          },
          style,
        )),
  ];
}

function formatParts(caller: CallerStatistics, style: ReportStyle): string[] {
  const { consumer, partTimes, dividedCount } = caller;
  if (partTimes === undefined) return [];
  const total = Object.values(partTimes).reduce((sum, ns) => sum + ns, 0);
  const rows = (Object.entries(partTimes) as [PartKind, number][])
    .filter(([, ns]) => ns > 0)
    .toSorted(([, one], [, other]) => other - one)
    .map(([kind, ns]) => [
      formatDuration(ns / dividedCount),
      `${total === 0 ? 0 : Math.round((ns / total) * 100)} %`,
      partName(kind, caller),
    ]);
  const table = formatTable(
    [
      { heading: 'EACH', align: 'right' },
      { heading: 'SHARE', align: 'right' },
      { heading: 'ON', align: 'left' },
    ],
    rows,
    sectionColumns(style.columns),
  );
  const mappings = formatAmount(dividedCount, 'mapping', 'mappings');
  return formatSection(
    { heading: `What ${formatName(consumer.name)} spends its time on (${mappings})`, lines: indentLines(table) },
    style,
  );
}

/** What has no function of its own has the tracer's cost in it, where there was a tracer. */
function partName(kind: PartKind, { tracedCount }: CallerStatistics): string {
  return kind === 'sg-to-pages' && tracedCount > 0 ? `${PART_NAMES[kind]} (with the tracer)` : PART_NAMES[kind];
}

function formatSaving(name: string, { lowNs, highNs, ofNs, basis }: Saving, columns: number): string[] {
  const low = formatDuration(lowNs);
  const high = formatDuration(highNs);
  const range = low === high ? low : `${low} to ${high}`;
  const of = ofNs === undefined || ofNs === 0 ? '' : ` of ${formatDuration(ofNs)}`;
  return [
    ...indentTexts([`${name}: ${range}${of}`], columns),
    ...indentLines(indentTexts(basis, sectionColumns(columns))),
  ];
}

/** The same as one object, of the format dmabuf-trace. */
export function writeReportJson(
  facts: object,
  { unreadableLines }: Pick<TraceSummary, 'unreadableLines'>,
  { writeJson }: Pick<Terminal, 'writeJson'>,
): void {
  writeJsonLine({ format: 'dmabuf-trace', version: 1, ...facts, unreadableLines }, writeJson);
}
