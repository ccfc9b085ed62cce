/** The result of the proof of `dmabuf vmap`, for people. */

import type { MainJobReport } from '../../measure/main-job.ts';
import type { MappedReport } from '../../measure/vmap-job.ts';
import type { SecondWay, StampCount } from '../../measure/window-proof.ts';
import { formatCount } from '../../base/number-format.ts';
import { indentTexts } from '../report-section.ts';
import type { Section } from '../report-section.ts';

/** The names of the stamps of each way. */
const WAYS: Readonly<Record<SecondWay['kind'], { readonly there: string; readonly back: string }>> = {
  arena: {
    there: "stamps written through the view, found in the arena's pages",
    back: "stamps written into the arena's pages, seen through the view",
  },
  process: {
    there: 'stamps written through the view, found by another process',
    back: 'stamps written by another process, seen through the view',
  },
};

export function formatProof(report: MainJobReport, columns: number): Section {
  const { vmap } = report;
  const stamps = vmap.mapped ? formatStamps(vmap, report) : ['no view, so nothing to prove'];
  const lines = indentTexts([describeWalks(report), ...stamps], columns);
  return { heading: headingOf(report.verified), lines };
}

function describeWalks({ conversion, length, pageSize }: MainJobReport): string {
  if (!conversion.measured) return 'no table, so no walks to compare';
  if (!conversion.walksAgree) return 'WRONG: the two walks give different pages';
  const where = conversion.peer.built ? ', here and in C' : '';
  return `both walks give the same pages${where}: ${formatCount(length / pageSize)}`;
}

function headingOf(verified: boolean | undefined): string {
  if (verified === undefined) return 'Proof';
  return verified ? 'Proof: the view is right' : 'Proof: THE VIEW IS WRONG';
}

function formatStamps({ proof, tableProof }: MappedReport, { heap, layout }: MainJobReport): string[] {
  const { there, back } = WAYS[proof.secondWay];
  const places = layout.known ? 'first and last page of every entry' : 'every 16th page, and the last';
  return [
    `${there}: ${formatStampCount(proof.throughWindow)}`,
    `${back}: ${formatStampCount(proof.throughSecondWay)}`,
    ...formatTableProof(tableProof),
    `(${places}; every stamp is different)`,
    ...(heap.backend === 'udmabuf' ? ['(the other process maps the dma-buf; the view is of the memfd behind it)'] : []),
  ];
}

function formatTableProof(tableProof: MappedReport['tableProof']): string[] {
  if (tableProof === undefined) return [];
  if (!tableProof.seen) return [`physical memory was not looked at: ${tableProof.reason}`];
  return [`the same, read from physical memory where the table says: ${formatStampCount(tableProof.stamps)}`];
}

function formatStampCount({ written, found }: StampCount): string {
  return `${formatCount(found)} of ${formatCount(written)}`;
}
