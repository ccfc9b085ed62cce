import { formatAmount, formatCount, formatDuration } from '../../base/number-format.ts';
import { formatSize } from '../../base/sizes.ts';
import { addLockUses } from '../../workload/contention/workload-parties.ts';
import type { PartyOutcome } from '../../workload/contention/workload-parties.ts';
import type { LockUse } from '../../workload/kernel/kernel-lock.ts';
import type { MappingWay } from '../../workload/kernel/map-window.ts';
import type { TableCount } from '../../workload/kernel/table-counter.ts';
import type { VariantOutcome } from '../../workload/compare-workload.ts';
import type { WorkloadOutcome } from '../../workload/run-workload.ts';
import type { PacedLoad, Workload } from '../../workload/workload.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, formatTable, widthOf, wrapText } from '../table.ts';
import { formatTraceReport } from '../trace/report.ts';
import { formatVariants } from './variants-table.ts';

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

const LOCK_COLUMNS = [
  { heading: 'CONSUMER', align: 'left' },
  { heading: 'LOCK', align: 'left' },
  { heading: 'HELD', align: 'right' },
  { heading: 'WAITS', align: 'right' },
  { heading: 'MEDIAN', align: 'right' },
  { heading: '99 %', align: 'right' },
  { heading: 'LONGEST', align: 'right' },
] as const;
const LOAD_COLUMNS = [
  { heading: 'CONSUMER', align: 'left' },
  { heading: 'STEPS', align: 'right' },
  { heading: 'LATE', align: 'right' },
  { heading: 'LONGEST', align: 'right' },
] as const;
const PLACED_COLUMNS = [
  ...LOAD_COLUMNS,
  { heading: 'MAPPINGS', align: 'right' },
  { heading: 'IN ALL', align: 'right' },
] as const;

const VARIANTS_LEGEND =
  'the time of a step, the range of short runs; PAGES: the sg table is converted by page or by entry; PTES: page-table entries are made by page or by run; --compare takes all combinations, and longer';

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

/** A run, and shorter ones: of the same choices first, then with each made otherwise. */
interface ComparedOutcome extends WorkloadOutcome {
  readonly variants: readonly VariantOutcome[];
  /** Why there are none, where the machine refuses one of them. */
  readonly refusal: string | undefined;
}

/** How the consumers got on, the locks, and the report of a recording. */
export function formatRun(workload: Workload, facts: RunFacts, outcome: ComparedOutcome, style: ReportStyle): string[] {
  const { loads, tables, report } = outcome;
  const callers = facts.caller === 'as-is' ? 'drivers as they are' : 'drivers fixed';
  const ways = `converted by ${facts.conversion}, page-table entries made by ${MADE_BY[facts.mapping]}`;
  const place = `in ${workload.name}, on heap ${facts.heap} (${facts.backend}), ${callers}, ${ways}`;
  return [
    ...formatTraceReport(report, place, style),
    ...formatSection(
      { heading: `Consumers, in ${facts.seconds} s`, lines: indentLines(formatLoads(workload, loads, style)) },
      style,
    ),
    ...formatSection({ heading: 'Buffers', lines: indentTexts(formatTables(tables, facts.mix), style.columns) }, style),
    ...formatLocks(workload, loads, style),
    ...formatSection({ heading: 'Locks', lines: indentTexts(lockTexts(outcome), style.columns) }, style),
    ...formatOtherChoices(outcome, style),
  ];
}

function formatOtherChoices({ variants, refusal }: ComparedOutcome, style: ReportStyle): string[] {
  if (variants.length === 0 && refusal === undefined) return [];
  const width = sectionColumns(style.columns);
  const lines =
    refusal === undefined
      ? [...formatVariants(variants, width), ...wrapText(VARIANTS_LEGEND, width)]
      : wrapText(`not told: ${refusal}`, width);
  return formatSection({ heading: 'The same with each choice made otherwise', lines: indentLines(lines) }, style);
}

type LoadOutcomes = WorkloadOutcome['loads'];

/** With what each has mapped, where any has a thread or a process of its own. */
function formatLoads(workload: Workload, loads: LoadOutcomes, { columns }: ReportStyle): string[] {
  const cells = loads.map((load, index) => {
    const { stepCount, lateCount = 0, stepNsMax } = load;
    const mapped = 'locks' in load ? [formatCount(load.mappingCount), formatSize(load.mappedBytes)] : ['-', '-'];
    const facts = [formatCount(stepCount), formatCount(lateCount), formatDuration(stepNsMax)];
    return [labelOf(workload, index), ...facts, ...mapped];
  });
  if (loads.some((load) => 'locks' in load)) return formatTable(PLACED_COLUMNS, cells, sectionColumns(columns));
  return formatTable(
    LOAD_COLUMNS,
    cells.map((row) => row.slice(0, LOAD_COLUMNS.length)),
    sectionColumns(columns),
  );
}

/** Of those in threads and processes of their own: a row for each kind of lock that each used. */
function formatLocks(workload: Workload, loads: LoadOutcomes, style: ReportStyle): string[] {
  const rows = loads.flatMap((load, index) =>
    'locks' in load ? load.locks.map((use) => [labelOf(workload, index), ...lockCells(use)]) : [],
  );
  if (rows.length === 0) return [];
  const lines = indentLines(formatTable(LOCK_COLUMNS, rows, sectionColumns(style.columns)));
  return formatSection({ heading: 'Who had to wait', lines }, style);
}

function lockCells({ lock, heldNs, waitCount, waitNs }: PartyOutcome['locks'][number]): string[] {
  const times = waitNs === undefined ? ['-', '-', '-'] : [waitNs.median, waitNs.high99, waitNs.max].map(formatDuration);
  return [lock, formatDuration(heldNs), formatCount(waitCount), ...times];
}

/** All locks of a kind together. Exporters and drivers: of loads in threads and processes alone. */
function lockTexts({ loads, lockUse }: WorkloadOutcome): string[] {
  const placed = loads.flatMap((load) => ('locks' in load ? load.locks : []));
  const ofKind = (kind: PartyOutcome['locks'][number]['lock']): LockUse =>
    addLockUses(placed.filter(({ lock }) => lock === kind));
  const others = [
    ["Exporters'", ofKind('exporter')],
    ["Drivers'", ofKind('driver')],
  ] as const;
  return [
    lockText('Reservation', lockUse),
    ...others.filter(([, { holdCount }]) => holdCount > 0).map(([whose, use]) => lockText(whose, use)),
  ];
}

function lockText(whose: string, { holdCount, heldNs, heldNsMax, waitCount, waitedNs }: LockUse): string {
  return `${whose} locks were held ${formatAmount(holdCount, 'time', 'times')}, ${formatDuration(heldNs)} in all, at most ${formatDuration(heldNsMax)}; ${formatAmount(waitCount, 'task', 'tasks')} waited ${formatDuration(waitedNs)}.`;
}

/** Users of one buffer are told apart by what they do with it. */
function labelOf({ loads }: Workload, index: number): string {
  const load = loads[index];
  if (load === undefined) return '';
  return 'use' in load ? load.use : load.consumer;
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
