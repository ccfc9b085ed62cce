import { formatSize } from '../../base/sizes.ts';
import type { CallerStatistics } from '../../trace/analysis/caller-statistics.ts';
import type { Consumer } from '../../trace/analysis/consumer.ts';
import type { TraceReport } from '../../trace/analysis/trace-analysis.ts';
import type { TraceSummary } from '../../trace/mapping-event.ts';
import { formatAmount, formatCount, formatDuration } from '../../base/number-format.ts';
import { formatName } from '../../base/printable-text.ts';
import { indentLines, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, formatTable, wrapText } from '../table.ts';
import type { Column } from '../table.ts';

const UNREADABLE_SHOWN = 5;
const BUILD_ID_SHOWN = 12;

const COLUMNS: readonly Column[] = [
  { heading: '', align: 'right' },
  { heading: 'CALLS', align: 'right' },
  { heading: 'SIZE', align: 'right' },
  { heading: 'MEDIAN', align: 'right' },
  { heading: 'IN ALL', align: 'right' },
  { heading: 'WHO', align: 'left' },
];

/** Where mappings were looked for in files. */
export function describeFiles(files: readonly string[]): string {
  return files.length === 1 ? `in ${formatName(files[0] ?? '')}` : `in ${files.length} files`;
}

/**
 * Who maps: a table, and the call paths that its rows stand for.
 *
 * @param place where mappings were looked for: `in log.txt`
 */
export function formatCallers(report: TraceReport, place: string, style: ReportStyle): string[] {
  const { callers, mappingCount } = report;
  const paths = formatAmount(callers.length, 'call path', 'call paths');
  const heading = `${formatAmount(mappingCount, 'mapping', 'mappings')} by ${paths} ${place}`;
  if (callers.length === 0) return wrapText(`No mapping of a dma-buf was found ${place}`, style.columns);
  return [
    ...wrapText(heading, style.columns).map(style.bold),
    '',
    ...formatTable(COLUMNS, callers.map(toCells), style.columns).map((line) => cutLine(line, style.columns)),
    ...callers.flatMap((caller, index) => formatPath(caller, index, style)),
  ];
}

/** What could not be read, and what the source lost. */
export function formatGaps(summary: TraceSummary, columns: number): string[] {
  const { unreadableLines, unreadableLineCount = unreadableLines.length, lostEvents } = summary;
  const shown = unreadableLines.slice(0, UNREADABLE_SHOWN).map(({ file, line }) => `${formatName(file ?? '')}:${line}`);
  const more = unreadableLineCount > shown.length ? ', …' : '';
  return [
    ...(unreadableLineCount === 0
      ? []
      : wrapText(
          `${formatAmount(unreadableLineCount, 'line', 'lines')} could not be read: ${shown.join(', ')}${more}`,
          columns,
        )),
    ...(lostEvents === 0 ? [] : wrapText(`The source lost ${formatAmount(lostEvents, 'event', 'events')}`, columns)),
  ];
}

function toCells({ callCount, sizeBytes, medianNs, totalNs, consumer }: CallerStatistics, index: number): string[] {
  return [
    String(index + 1),
    formatCount(callCount),
    sizeBytes === undefined ? '-' : formatSizes(sizeBytes),
    medianNs === undefined ? '-' : formatDuration(medianNs),
    totalNs === undefined ? '-' : formatDuration(totalNs),
    formatName(consumer.name),
  ];
}

function formatSizes({ min, max }: { readonly min: number; readonly max: number }): string {
  return min === max ? formatSize(min) : `to ${formatSize(max)}`;
}

/** Names may be long; the path below has them whole. */
function cutLine(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
}

function formatPath(
  { path, consumer, exporters, tasks, sampleCount }: CallerStatistics,
  index: number,
  style: ReportStyle,
): string[] {
  const width = sectionColumns(style.columns);
  const exporter = exporters.length === 0 ? [] : [`exporter: ${exporters.map(formatName).join(', ')}`];
  const by = tasks.length === 0 ? [] : [`by ${tasks.map(formatName).join(', ')}`];
  const samples = sampleCount === undefined ? [] : [formatAmount(sampleCount, 'sample', 'samples')];
  const asides = [describeOrigin(consumer), ...exporter, ...by, ...samples].join('; ');
  return [
    '',
    ...formatLabelled(`${index + 1}  `, formatName(consumer.name), style.columns).map(style.bold),
    ...indentLines([...wrapText(asides, width), ...wrapText(path.map(formatName).join(' ← '), width)]),
  ];
}

/** Where its driver is from, as far as is known. */
function describeOrigin({ origin, driver, buildId }: Consumer): string {
  const build = buildId === undefined ? '' : `, build id ${buildId.slice(0, BUILD_ID_SHOWN)}…`;
  const name = driver === undefined ? '' : `${formatName(driver)}: `;
  if (origin === 'in-tree') return `${name}in the kernel's tree${build}`;
  return origin === 'out-of-tree' ? `${name}out of tree${build}` : `${name}of unknown origin${build}`;
}
