/** The table of the costs of each step, for people. */

import { GiB, MiB } from '../../base/sizes.ts';
import type { MeasuredConversion } from '../../measure/conversion-job.ts';
import type { MainJobReport } from '../../measure/main-job.ts';
import type { MappedReport, RefusedReport } from '../../measure/vmap-job.ts';
import { formatCount, formatRatio } from '../../base/number-format.ts';
import { costUnitOf } from './cost-unit.ts';
import type { CostUnit } from './cost-unit.ts';
import type { ReportStyle, Section } from '../report-section.ts';
import type { Column } from '../table.ts';
import { formatRowGroups, MAIL_GAIN, toLabel } from './step-table.ts';

function columnsFor({ heading, perPageHeading }: CostUnit): Column[] {
  const [first, ...others] = ['', 'mmap calls', heading, perPageHeading, 'gain'];
  return [
    { heading: first ?? '', align: 'left' },
    ...others.map((text) => ({ heading: text, align: 'right' }) as const),
  ];
}

/** A line of the table. `null` was not measured. */
interface Step {
  readonly label: string;
  readonly ns: number | null;
  /** The baseline of the gain. For the first step of its kind, the step itself. */
  readonly againstNs: number | null;
  readonly callCount?: number;
}

/** The steps of one kind below their title, and the notes on them. */
interface StepGroup {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

/** The table and its notes, line by line. */
export function formatTimes(report: MainJobReport, style: ReportStyle): Section {
  const pageCount = report.length / report.pageSize;
  const unit = costUnitOf(report.instructionNs);
  const groups = [...conversionGroups(report), ...vmapGroups(report, unit)].map(({ title, steps, notes }) => ({
    title,
    rows: steps.filter(({ ns }) => ns !== null).map((step) => toCells(step, pageCount, unit)),
    notes,
  }));
  return formatRowGroups({ title: unit.title, columns: columnsFor(unit), groups }, style);
}

function toCells({ label, ns, againstNs, callCount }: Step, pageCount: number, unit: CostUnit): (string | undefined)[] {
  if (ns === null) return [];
  return [
    toLabel(label),
    callCount === undefined ? undefined : formatCount(callCount),
    unit.format(ns),
    unit.formatPerPage(ns / pageCount),
    againstNs === null ? undefined : formatRatio(againstNs / ns),
  ];
}

function conversionGroups({ conversion }: MainJobReport): StepGroup[] {
  if (conversion.measured) return [hereGroup(conversion), peerGroup(conversion)];
  const { reason, remedy } = conversion;
  const note = `not measured, as ${reason}${remedy === undefined ? '' : `: ${remedy}`}`;
  return [{ title: CONVERSION_TITLE, steps: [], notes: [note] }];
}

const CONVERSION_TITLE = 'sg table → array of pages';

function hereGroup({ times }: MeasuredConversion): StepGroup {
  const { byPageNs, byEntryNs, byEntry8Ns } = times;
  return {
    title: CONVERSION_TITLE,
    steps: [
      { label: 'page by page, 4-byte pfns', ns: byPageNs, againstNs: byPageNs },
      { label: 'entry by entry, 4-byte pfns', ns: byEntryNs, againstNs: byPageNs },
      { label: 'entry by entry, 8-byte addresses', ns: byEntry8Ns, againstNs: byPageNs },
    ],
    notes: [],
  };
}

function peerGroup({ times, peer }: MeasuredConversion): StepGroup {
  const { cByPageNs, cByEntryNs, cByEntry4Ns } = times;
  if (cByPageNs === null || cByEntryNs === null || cByEntry4Ns === null) {
    return { title: 'the same in C', steps: [], notes: [`not measured: ${peer.description}`] };
  }
  const { byEntryNs, byEntry8Ns } = times;
  return {
    title: `the same table in C (${peer.description})`,
    steps: [
      { label: 'page iterator, 8-byte pointers', ns: cByPageNs, againstNs: cByPageNs },
      { label: 'entry loop, 8-byte pointers', ns: cByEntryNs, againstNs: cByPageNs },
      { label: 'entry loop, 4-byte pfns', ns: cByEntry4Ns, againstNs: cByPageNs },
    ],
    notes: [
      `C's entry loop gains ${formatRatio(cByPageNs / cByEntryNs)} on its iterator; in the kernel patch's mail, ` +
        formatRatio(MAIL_GAIN),
      `entry by entry here against C's page iterator: ${formatRatio(cByPageNs / byEntryNs)}`,
      `entry by entry here against C's entry loop: ${formatRatio(cByEntry4Ns / byEntryNs)} (4 bytes), ` +
        `${formatRatio(cByEntryNs / byEntry8Ns)} (8 bytes)`,
    ],
  };
}

function vmapGroups(report: MainJobReport, unit: CostUnit): StepGroup[] {
  return report.vmap.mapped ? mappedGroups(report.vmap, report, unit) : [refusedGroup(report.vmap, report)];
}

function mappedGroups(vmap: MappedReport, { heap }: MainJobReport, unit: CostUnit): StepGroup[] {
  const { byRun, byPage } = vmap;
  const pages = byPage.measured ? byPage : undefined;
  const whole = heap.backend === 'embedded' ? 'run by run' : 'one mapping';
  const stepsOf = (byPageNs: number | null, byRunNs: number): Step[] => [
    { label: 'page by page', ns: byPageNs, againstNs: byPageNs, callCount: pages?.callCount ?? 0 },
    { label: whole, ns: byRunNs, againstNs: byPageNs, callCount: byRun.callCount },
  ];
  return [
    {
      title: 'one contiguous view (vmap), mapped',
      steps: stepsOf(pages?.mappedNs ?? null, byRun.mappedNs),
      notes: describePageByPage(vmap, unit),
    },
    {
      title: 'mapped and touched (a byte of each page read)',
      steps: stepsOf(pages?.mappedAndTouchedNs ?? null, byRun.mappedAndTouchedNs),
      notes: [...describeTouches(vmap, heap, unit), describeReading(vmap, unit)],
    },
  ];
}

function describePageByPage({ byPage }: MappedReport, unit: CostUnit): string[] {
  if (!byPage.measured)
    return [
      `page by page is left out: it would take about ${unit.describe(byPage.expectedNs)}, and nobody waits that long`,
    ];
  if (byPage.partCount === 1) return [];
  return [
    `page by page in ${byPage.partCount} parts, one after the other: every page is a mapping of its own, and vm.max_map_count ` +
      'allows fewer',
  ];
}

function describeTouches(
  { firstTouchNs, secondTouchNs }: MappedReport,
  { backend }: MainJobReport['heap'],
  unit: CostUnit,
): string[] {
  const first =
    backend === 'embedded'
      ? `before, the first touch committed and zeroed the memory in ${unit.describe(firstTouchNs)}`
      : `before, the first view was mapped and touched in ${unit.describe(firstTouchNs)}`;
  return [first, `every page of that view touched again in ${unit.describe(secondTouchNs)}`];
}

/** A clock of instructions says nothing about the speed of memory. */
function describeReading({ readSpeed }: MappedReport, { isTime }: CostUnit): string {
  const { bytesPerSecond, ordinaryBytesPerSecond } = readSpeed;
  const ratio = `${formatRatio(bytesPerSecond / ordinaryBytesPerSecond)} the speed of ordinary memory`;
  return isTime ? `read at ${(bytesPerSecond / GiB).toFixed(1)} GiB/s: ${ratio}` : `read at ${ratio}`;
}

function refusedGroup({ refusal, callCount, lengthThatMaps }: RefusedReport, { mix }: MainJobReport): StepGroup {
  const when = callCount === 0 ? 'before the first call of mmap' : `after ${formatCount(callCount)} calls of mmap`;
  const smaller =
    lengthThatMaps === undefined || mix === undefined
      ? []
      : [`a smaller buffer of this mix can be mapped: dmabuf vmap ${lengthThatMaps / MiB}MiB --mix ${mix}`];
  return { title: 'one contiguous view (vmap)', steps: [], notes: [`refused ${when}: ${refusal}`, ...smaller] };
}
