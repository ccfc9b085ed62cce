/** The output of `dmabuf vmap` for people. */

import { formatSize } from '../../base/sizes.ts';
import { ORDER_MIXES } from '../../pages/order-mixes.ts';
import type { BufferLayout } from '../../heap/backend.ts';
import { summarizeOrders } from '../../measure/layout-summary.ts';
import type { MainJobReport } from '../../measure/main-job.ts';
import { drawOrders } from '../layout/picture.ts';
import { formatOrders } from '../layout/report.ts';
import { formatAmount } from '../../base/number-format.ts';
import { formatSection, indentLines, sectionColumns } from '../report-section.ts';
import type { ReportStyle, Section } from '../report-section.ts';
import { formatLabelled } from '../table.ts';
import { INSTRUCTION_CLOCK } from './cost-unit.ts';
import { formatHugePages } from './huge-pages.ts';
import { drawLayout } from './layout-section.ts';
import { formatProof } from './proof-section.ts';
import { formatTimes } from './times.ts';

/** The whole report, line by line. */
export function formatReport(report: MainJobReport, style: ReportStyle): string[] {
  const { columns } = style;
  const { hugePages } = report;
  const sections = [
    formatBuffer(report, columns),
    ...formatTable(report, columns),
    formatTimes(report, style),
    ...(hugePages === undefined ? [] : [formatHugePages(hugePages, columns)]),
    formatProof(report, columns),
  ];
  const lines = sections.flatMap((section) => formatSection(section, style));
  return lines.slice(1);
}

function formatBuffer(report: MainJobReport, columns: number): Section {
  const { heap, mix, length, layout, instructionNs } = report;
  const what = mix === undefined ? '' : `, mix ${mix}`;
  return {
    heading: `A buffer of ${formatSize(length)}${what}`,
    lines: [
      ...formatLabelled('  heap     ', describeHeap(report), columns),
      ...formatLabelled('  why      ', heap.chosenBecause, columns),
      ...formatLabelled('  buffer   ', describePages(report), columns),
      ...(heap.backend === 'embedded' ? [] : formatLabelled('  table    ', describeSource(layout), columns)),
      ...formatLabelled('  mix      ', describeMix(report), columns),
      ...(instructionNs === undefined ? [] : formatLabelled('  clock    ', INSTRUCTION_CLOCK, columns)),
    ],
  };
}

function describeHeap({ heap, pageSize }: MainJobReport): string {
  const { name, backend, orders, arenaPageCount } = heap;
  const parts = [`"${name}", ${backend} backend`];
  if (orders !== undefined) parts.push(`orders ${orders.join(', ')}`);
  if (arenaPageCount !== undefined) parts.push(`arena of ${formatSize(arenaPageCount * pageSize)}`);
  return parts.join('; ');
}

function describePages({ length, pageSize, layout }: MainJobReport): string {
  const pages = `${formatAmount(length / pageSize, 'page', 'pages')} of ${formatSize(pageSize)}`;
  if (!layout.known) return pages;
  const { entryCount } = layout.table;
  const entries = formatAmount(entryCount, 'entry', 'entries');
  return `${pages}, ${entries} in ${formatAmount(layout.table.runs().count, 'run', 'runs')}`;
}

function describeSource(layout: BufferLayout): string {
  if (layout.known) return layout.source;
  return `not known, as ${layout.reason}${layout.remedy === undefined ? '' : `: ${layout.remedy}`}`;
}

function describeMix({ mix, heldBytes }: MainJobReport): string {
  if (mix !== undefined) return ORDER_MIXES[mix].reason;
  if (heldBytes === undefined) return "the kernel's own, as its memory was";
  return `the kernel's own, with ${formatSize(heldBytes)} of its memory held so that free blocks are small`;
}

/** An unknown table is not drawn. */
function formatTable({ heap, pageSize, layout }: MainJobReport, columns: number): Section[] {
  if (!layout.known) return [];
  const { table } = layout;
  const { arenaPageCount } = heap;
  if (arenaPageCount === undefined)
    return [drawLayout(table, 'physical memory', columns), formatOrders(table, columns)];
  const options = { pageSize, width: sectionColumns(columns) };
  return [
    drawLayout(table, `the arena of ${formatSize(arenaPageCount * pageSize)}`, columns),
    { heading: 'Entries by order', lines: indentLines(drawOrders(summarizeOrders(table), options)) },
  ];
}
