/** The output of `dmabuf vmap --kernel` for people. */

import { formatSize } from '../../base/sizes.ts';
import type { KernelVmapReport } from '../../measure/kernel-vmap-job.ts';
import { formatAmount, formatRatio } from '../../base/number-format.ts';
import { formatSection, indentTexts } from '../report-section.ts';
import type { ReportStyle, Section } from '../report-section.ts';
import { formatLabelled } from '../table.ts';
import type { Cells } from '../table.ts';
import { costUnitOf, INSTRUCTION_CLOCK } from './cost-unit.ts';
import { formatRowGroups, MAIL_GAIN, toLabel } from './step-table.ts';
import type { RowGroup } from './step-table.ts';

/** A row of the table: the label, the cost in ns, and for a gain what it is compared with. */
type ToRow = (label: string, ns: number, againstNs?: number) => Cells;

/** The whole report, line by line. */
export function formatKernelReport(report: KernelVmapReport, style: ReportStyle): string[] {
  const sections = [
    formatBuffer(report, style.columns),
    formatCosts(report, style),
    formatProof(report, style.columns),
  ];
  return sections.flatMap((section) => formatSection(section, style)).slice(1);
}

function formatBuffer(report: KernelVmapReport, columns: number): Section {
  const { heapName, length, pageSize, pageCount, entryCount, heldBytes, instructionNs } = report;
  const pages = `${formatAmount(pageCount, 'page', 'pages')} of ${formatSize(pageSize)}`;
  const held =
    heldBytes === undefined
      ? []
      : formatLabelled('  mix      ', `with ${formatSize(heldBytes)} held so that free blocks are small`, columns);
  return {
    heading: `A buffer of ${formatSize(length)}, mapped in the kernel`,
    lines: [
      ...formatLabelled('  kernel   ', `Linux ${report.kernelRelease}, by the module dmabuf_measure`, columns),
      ...formatLabelled('  heap     ', `"${heapName}"`, columns),
      ...formatLabelled('  buffer   ', `${pages}, ${formatAmount(entryCount, 'entry', 'entries')}`, columns),
      ...held,
      ...(instructionNs === undefined ? [] : formatLabelled('  clock    ', INSTRUCTION_CLOCK, columns)),
      ...formatLabelled('  rounds   ', `${report.roundCount}, of which these are the medians`, columns),
    ],
  };
}

function formatCosts(report: KernelVmapReport, style: ReportStyle): Section {
  const unit = costUnitOf(report.instructionNs);
  const toRow: ToRow = (label, ns, againstNs) => [
    toLabel(label),
    unit.format(ns),
    unit.formatPerPage(ns / report.pageCount),
    againstNs === undefined ? undefined : formatRatio(againstNs / ns),
  ];
  const columns = ['', unit.heading, unit.perPageHeading, 'gain'].map((text, index) => ({
    heading: text,
    align: index === 0 ? ('left' as const) : ('right' as const),
  }));
  return formatRowGroups({ title: unit.title, columns, groups: toGroups(report, toRow) }, style);
}

function toGroups({ times }: KernelVmapReport, toRow: ToRow): RowGroup[] {
  const { allocNs, byPageNs, byEntryNs, vmapNs, freeNs, wholeNs, vunmapNs, wholeVunmapNs } = times;
  const wholeByEntryNs = wholeNs - byPageNs + byEntryNs;
  return [
    {
      title: 'sg table → array of pages',
      rows: [
        toRow('page by page, as the heap does', byPageNs, byPageNs),
        toRow('entry by entry, as the patch does', byEntryNs, byPageNs),
      ],
      notes: [`in the mail of the patch, on another machine: ${formatRatio(MAIL_GAIN)}`],
    },
    {
      title: 'the other steps of a mapping',
      rows: [
        toRow('the array allocated (vmalloc)', allocNs),
        toRow('its pages mapped (vmap)', vmapNs),
        toRow('the array freed (vfree)', freeNs),
      ],
      notes: [],
    },
    {
      title: 'the whole, by the heap (dma_buf_vmap)',
      rows: [toRow('as it is', wholeNs, wholeNs), toRow('entry by entry, computed', wholeByEntryNs, wholeNs)],
      notes: [`the conversion is ${formatShare(byPageNs, wholeNs)} of it`],
    },
    {
      title: 'unmapped',
      rows: [toRow('the pages (vunmap)', vunmapNs), toRow('the whole (dma_buf_vunmap)', wholeVunmapNs)],
      notes: [],
    },
  ];
}

function formatShare(part: number, whole: number): string {
  return `${Math.round((part / whole) * 100)} %`;
}

function formatProof({ pageCount }: KernelVmapReport, columns: number): Section {
  const pages = formatAmount(pageCount, 'page', 'pages');
  return {
    heading: 'Compared in every round, in the kernel',
    lines: indentTexts([`${pages}: the same by both walks and in the heap's own mapping, in order`], columns),
  };
}
