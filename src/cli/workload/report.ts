import { formatAmount, formatCount, formatDuration } from '../../base/number-format.ts';
import { formatSize } from '../../base/sizes.ts';
import type { MappingWay } from '../../workload/kernel/map-window.ts';
import type { TableCount } from '../../workload/kernel/table-counter.ts';
import type { WorkloadOutcome } from '../../workload/run-workload.ts';
import type { PacedLoad, Workload } from '../../workload/workload.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, formatTable, widthOf, wrapText } from '../table.ts';
import { formatTraceReport } from '../trace/report.ts';

/** What a run was made with. */
interface RunFacts {
  readonly heap: string;
  readonly backend: string;
  readonly caller: 'as-is' | 'fixed';
  readonly mix: string | null;
  readonly conversion: 'page' | 'entry';
  readonly mapping: MappingWay;
  readonly seconds: number;
}

const MADE_BY: Readonly<Record<MappingWay, string>> = { page: 'page', run: 'run', heap: 'the heap itself' };

const LOAD_COLUMNS = [
  { heading: 'CONSUMER', align: 'left' },
  { heading: 'STEPS', align: 'right' },
  { heading: 'LATE', align: 'right' },
  { heading: 'LONGEST', align: 'right' },
] as const;

/** Every workload, a line each. */
export function formatWorkloads(workloads: readonly Workload[], { columns }: ReportStyle): string[] {
  const width = widthOf(workloads.map(({ name }) => name));
  return workloads.flatMap(({ name, title }) => formatLabelled(`${name.padEnd(width)}  `, title, columns));
}

/** One workload: its consumers, and where its figures come from. */
export function formatWorkload({ name, title, basis, loads }: Workload, style: ReportStyle): string[] {
  return [
    ...wrapText(`${name}: ${title}`, style.columns).map(style.bold),
    ...wrapText(`Figures: ${basis}`, style.columns),
    ...loads.flatMap((load) => formatSection({ heading: load.consumer, lines: formatFacts(load, style) }, style)),
  ];
}

function formatFacts(load: PacedLoad, { columns }: ReportStyle): string[] {
  const { consumer: _consumer, ...facts } = load;
  return indentTexts(
    Object.entries(facts).map(([name, value]) => `${nameOf(name)}: ${valueOf(name, value)}`),
    columns,
  );
}

/** `lengthBytes` is "length". */
function nameOf(key: string): string {
  const words = key.replace(/(?:Bytes|Ms)(?=$|M)/u, '').replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
  return words.trim();
}

function valueOf(key: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => valueOf(key, each)).join(', ');
  if (typeof value === 'number' && /bytes/iu.test(key) && key !== 'bytesPerPixel') return formatSize(value);
  if (typeof value === 'number') return key.endsWith('Ms') ? `${value} ms` : formatCount(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([name, part]) => valueOf(name, part));
  return parts.join(' ');
}

/** How the consumers got on, the locks, and the report of a recording. */
export function formatRun(workload: Workload, facts: RunFacts, outcome: WorkloadOutcome, style: ReportStyle): string[] {
  const { loads, lockUse, tables, report } = outcome;
  const { holdCount, heldNs, heldNsMax, waitCount, waitedNs } = lockUse;
  const callers = facts.caller === 'as-is' ? 'drivers as they are' : 'drivers fixed';
  const ways = `converted by ${facts.conversion}, page-table entries made by ${MADE_BY[facts.mapping]}`;
  const place = `in ${workload.name}, on heap ${facts.heap} (${facts.backend}), ${callers}, ${ways}`;
  const table = formatTable(
    LOAD_COLUMNS,
    loads.map(({ consumer, stepCount, lateCount = 0, stepNsMax }) => [
      consumer,
      formatCount(stepCount),
      formatCount(lateCount),
      formatDuration(stepNsMax),
    ]),
    sectionColumns(style.columns),
  );
  const locks = `Reservation locks were held ${formatAmount(holdCount, 'time', 'times')}, ${formatDuration(heldNs)} in all, at most ${formatDuration(heldNsMax)}; ${formatAmount(waitCount, 'task', 'tasks')} waited ${formatDuration(waitedNs)}.`;
  return [
    ...formatTraceReport(report, place, style),
    ...formatSection({ heading: `Consumers, in ${facts.seconds} s`, lines: indentLines(table) }, style),
    ...formatSection({ heading: 'Buffers', lines: indentTexts(formatTables(tables, facts.mix), style.columns) }, style),
    ...formatSection({ heading: 'Locks', lines: indentTexts([locks], style.columns) }, style),
  ];
}

/** What the layouts of the mapped buffers say. */
function formatTables(
  { bufferCount, entryCount, runCount, orders, unseenCount }: TableCount,
  mix: string | null,
): string[] {
  const buffers = formatAmount(bufferCount, 'buffer', 'buffers');
  const entries = formatAmount(entryCount, 'entry', 'entries');
  const asked = mix === null ? '' : ` (mix ${mix})`;
  const parts = orders.map((each) => `${formatCount(each.entryCount)} of order ${each.order}`);
  const runs = formatAmount(runCount, 'run', 'runs');
  const seen = `${buffers}${asked}: ${entries} in ${runs}, ${parts.join(', ')}.`;
  const unseen = `The layout of ${formatAmount(unseenCount, 'buffer', 'buffers')} cannot be seen here: there is no conversion.`;
  return [...(bufferCount === 0 ? [] : [seen]), ...(unseenCount === 0 ? [] : [unseen])];
}
