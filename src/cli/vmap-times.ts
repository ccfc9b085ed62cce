/** The table of what each step costs, for people. */

import { MiB, formatSize } from '../base/sizes.ts';
import type { MainJobReport } from '../measure/main-job.ts';
import { PAGE_BY_PAGE_BYTES_MAX } from '../measure/vmap-job.ts';
import type { MappedReport, RefusedReport } from '../measure/vmap-job.ts';
import { formatCount, formatDuration, formatNsPerPage, formatRatio } from './number-format.ts';
import type { ReportStyle, Section } from './report-section.ts';
import { formatTable, wrapText } from './table.ts';
import type { Column } from './table.ts';
import { WIDTH } from './terminal.ts';

/** In the mail with the kernel patch, 2 GiB take 1,440,000 ns by the page iterator and 232,000 ns by the loop over entries. */
const MAIL_GAIN = 6.2;

const COLUMNS: readonly Column[] = [
  { heading: '', align: 'left' },
  { heading: 'mmap calls', align: 'right' },
  { heading: 'time', align: 'right' },
  { heading: 'ns/page', align: 'right' },
  { heading: 'gain', align: 'right' },
];

/** So that the columns of one report stand where those of the next do. */
const LABEL_WIDTH = 38;
const NOTE_INDENT = '    ';

/** A line of the table. `null` was not measured. */
interface Step {
  readonly label: string;
  readonly ns: number | null;
  /** What the gain is reckoned against; the step itself, for the first of its kind. */
  readonly againstNs: number | null;
  readonly callCount?: number;
}

/** The steps of one kind under their title, and what is to be said of them. */
interface StepGroup {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

/** The table and its notes, line by line. */
export function formatTimes(report: MainJobReport, style: ReportStyle): Section {
  const { pageCount } = report.table;
  const groups = [conversionGroup(report), peerGroup(report), ...vmapGroups(report)];
  const rows = groups.map(({ steps }) => steps.filter(({ ns }) => ns !== null).map((step) => toCells(step, pageCount)));
  const [columns = '', ...lines] = formatTable(COLUMNS, rows.flat());
  let taken = 0;
  const grouped = groups.flatMap(({ title, notes }, index) => {
    const count = rows[index]?.length ?? 0;
    taken += count;
    return wrapText(`  ${title}`, WIDTH).concat(
      lines.slice(taken - count, taken),
      notes.flatMap(formatNote).map(style.dim),
    );
  });
  return { heading: `What each step costs${columns.slice('What each step costs'.length)}`, lines: grouped };
}

function toCells({ label, ns, againstNs, callCount }: Step, pageCount: number): (string | undefined)[] {
  if (ns === null) return [];
  return [
    `    ${label}`.padEnd(LABEL_WIDTH),
    callCount === undefined ? undefined : formatCount(callCount),
    formatDuration(ns),
    formatNsPerPage(ns / pageCount),
    againstNs === null ? undefined : formatRatio(againstNs / ns),
  ];
}

function formatNote(note: string): string[] {
  return wrapText(note, WIDTH - NOTE_INDENT.length).map((line) => `${NOTE_INDENT}${line}`);
}

function conversionGroup({ conversion }: MainJobReport): StepGroup {
  const { byPageNs, byEntryNs, byEntry8Ns } = conversion.times;
  return {
    title: 'sg table → array of pages',
    steps: [
      { label: 'page by page, 4-byte pfns', ns: byPageNs, againstNs: byPageNs },
      { label: 'entry by entry, 4-byte pfns', ns: byEntryNs, againstNs: byPageNs },
      { label: 'entry by entry, 8-byte addresses', ns: byEntry8Ns, againstNs: byPageNs },
    ],
    notes: [],
  };
}

function peerGroup({ conversion }: MainJobReport): StepGroup {
  const { times, peer } = conversion;
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

function vmapGroups(report: MainJobReport): StepGroup[] {
  return report.vmap.mapped ? mappedGroups(report.vmap) : [refusedGroup(report.vmap, report)];
}

function mappedGroups({ byRun, byPage, firstTouchNs }: MappedReport): StepGroup[] {
  const leftOut = `page by page is left out above ${formatSize(PAGE_BY_PAGE_BYTES_MAX)}: it takes too long`;
  const callCounts = { byPage: byPage?.callCount ?? 0, byRun: byRun.callCount };
  return [
    {
      title: 'one contiguous view (vmap), mapped',
      steps: vmapSteps(byPage?.mappedNs ?? null, byRun.mappedNs, callCounts),
      notes: byPage === undefined ? [leftOut] : [],
    },
    {
      title: 'mapped and touched (a byte of each page read)',
      steps: vmapSteps(byPage?.mappedAndTouchedNs ?? null, byRun.mappedAndTouchedNs, callCounts),
      notes: [`before, the first touch committed and zeroed the memory in ${formatDuration(firstTouchNs)}`],
    },
  ];
}

function vmapSteps(
  byPageNs: number | null,
  byRunNs: number,
  callCounts: { readonly byPage: number; readonly byRun: number },
): Step[] {
  return [
    { label: 'page by page', ns: byPageNs, againstNs: byPageNs, callCount: callCounts.byPage },
    { label: 'run by run', ns: byRunNs, againstNs: byPageNs, callCount: callCounts.byRun },
  ];
}

function refusedGroup({ refusal, callCount, lengthThatMaps }: RefusedReport, { mix }: MainJobReport): StepGroup {
  const when = callCount === 0 ? 'before the first call of mmap' : `after ${formatCount(callCount)} calls of mmap`;
  const smaller =
    lengthThatMaps === undefined
      ? []
      : [`a smaller buffer of this mix can be mapped: dmabuf vmap ${lengthThatMaps / MiB}MiB --mix ${mix}`];
  return { title: 'one contiguous view (vmap)', steps: [], notes: [`refused ${when}: ${refusal}`, ...smaller] };
}
