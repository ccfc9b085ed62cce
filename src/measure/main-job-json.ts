import type { HugePageGain } from './huge-page-gain.ts';
import type { MainJobReport } from './main-job.ts';
import type { MappedReport, VmapReport } from './vmap-job.ts';

/**
 * The output of `dmabuf vmap --json`: docs/schemas/dmabuf-vmap.schema.json. Sizes in bytes, times
 * in ns for the whole buffer, null where not measured.
 */
interface VmapJson {
  readonly format: 'dmabuf-vmap';
  readonly version: 1;
  readonly size: number;
  readonly pages: number;
  /** Null, like `runs` and `orders`, where the buffer's table is unknown. */
  readonly entries: number | null;
  readonly runs: number | null;
  readonly heap: string;
  readonly backend: string;
  /** Null where the kernel chose the orders. */
  readonly mix: string | null;
  /** Entries by order, such as {"8": 2048}. */
  readonly orders: Readonly<Record<string, number>> | null;
  /** The source of the buffer's table; null where it is unknown. */
  readonly layoutSource: string | null;
  /** Why the buffer's table is unknown, and the remedy; null where it is known. */
  readonly layoutRefusal: { readonly reason: string; readonly remedy: string | null } | null;
  /** How much memory was held to fragment the machine's; null where it was not fragmented. */
  readonly heldBytes: number | null;
  /**
   * How many ns of the clock an instruction takes, if it counts instructions; null if it counts
   * time.
   */
  readonly instructionNs: number | null;
  readonly conversion: Readonly<Record<string, number | null>>;
  readonly vmap: VmapTimesJson;
  /** Null for a heap of the machine, whose pages the kernel chooses. */
  readonly hugePages: HugePagesJson | null;
  /** Why there is no window; null where there is one. */
  readonly refusal: string | null;
  readonly stamps: { readonly written: number; readonly found: number } | null;
  readonly verified: boolean | null;
}

/**
 * "Touched": including a read of one byte of each page. "First touch": of memory that was not
 * committed before.
 */
interface VmapTimesJson {
  readonly byRunNs: number | null;
  readonly byRunTouchedNs: number | null;
  readonly byRunCalls: number | null;
  readonly byPageNs: number | null;
  readonly byPageTouchedNs: number | null;
  readonly byPageCalls: number | null;
  /** The number of parts in which it was measured, one after the other. */
  readonly byPageParts: number | null;
  readonly firstTouchNs: number | null;
  readonly secondTouchNs: number | null;
  readonly readBytesPerSecond: number | null;
  /** Of ordinary memory, in the same run. */
  readonly ordinaryReadBytesPerSecond: number | null;
}

/** The values of a conversion that was not measured. */
const NO_CONVERSION: Readonly<Record<string, null>> = {
  byPageNs: null,
  byEntryNs: null,
  byEntry8Ns: null,
  cByPageNs: null,
  cByEntryNs: null,
  cByEntry4Ns: null,
  cFill4Ns: null,
  cFill8Ns: null,
};

const NO_TIMES: VmapTimesJson = {
  byRunNs: null,
  byRunTouchedNs: null,
  byRunCalls: null,
  byPageNs: null,
  byPageTouchedNs: null,
  byPageCalls: null,
  byPageParts: null,
  firstTouchNs: null,
  secondTouchNs: null,
  readBytesPerSecond: null,
  ordinaryReadBytesPerSecond: null,
};

/**
 * The same memory in huge pages and in ordinary ones. Null where the machine does not allow huge
 * pages, for `reason`.
 */
interface HugePagesJson {
  readonly pageBytes: number | null;
  readonly reason: string;
  readonly size: number | null;
  readonly commitNs: number | null;
  readonly viewNs: number | null;
  readonly ordinaryCommitNs: number | null;
  readonly ordinaryViewNs: number | null;
}

export function toMainJobJson(report: MainJobReport): VmapJson {
  const { layout, conversion, vmap } = report;
  const table = layout.known ? layout.table : undefined;
  return {
    format: 'dmabuf-vmap',
    version: 1,
    size: report.length,
    pages: report.length / report.pageSize,
    entries: table?.entryCount ?? null,
    runs: table?.runs().count ?? null,
    heap: report.heap.name,
    backend: report.heap.backend,
    mix: report.mix ?? null,
    orders: table === undefined ? null : Object.fromEntries(table.orders()),
    layoutSource: layout.known ? layout.source : null,
    layoutRefusal: layout.known ? null : { reason: layout.reason, remedy: layout.remedy ?? null },
    heldBytes: report.heldBytes ?? null,
    instructionNs: report.instructionNs ?? null,
    conversion: conversion.measured ? { ...conversion.times } : NO_CONVERSION,
    vmap: vmap.mapped ? toTimesJson(vmap) : NO_TIMES,
    hugePages: report.hugePages === undefined ? null : toHugePagesJson(report.hugePages),
    refusal: vmap.mapped ? null : vmap.refusal,
    stamps: toStampsJson(vmap),
    verified: report.verified ?? null,
  };
}

function toTimesJson({ byRun, byPage, firstTouchNs, secondTouchNs, readSpeed }: MappedReport): VmapTimesJson {
  const pages = byPage.measured ? byPage : undefined;
  return {
    byRunNs: byRun.mappedNs,
    byRunTouchedNs: byRun.mappedAndTouchedNs,
    byRunCalls: byRun.callCount,
    byPageNs: pages?.mappedNs ?? null,
    byPageTouchedNs: pages?.mappedAndTouchedNs ?? null,
    byPageCalls: pages?.callCount ?? null,
    byPageParts: pages?.partCount ?? null,
    firstTouchNs,
    secondTouchNs,
    readBytesPerSecond: Math.round(readSpeed.bytesPerSecond),
    ordinaryReadBytesPerSecond: Math.round(readSpeed.ordinaryBytesPerSecond),
  };
}

function toHugePagesJson({ use, compared }: HugePageGain): HugePagesJson {
  return {
    pageBytes: use.pageBytes ?? null,
    reason: use.reason,
    size: compared?.length ?? null,
    commitNs: compared?.huge.commitNs ?? null,
    viewNs: compared?.huge.viewNs ?? null,
    ordinaryCommitNs: compared?.ordinary.commitNs ?? null,
    ordinaryViewNs: compared?.ordinary.viewNs ?? null,
  };
}

/** The number of stamps looked for, in both ways. */
function toStampsJson(vmap: VmapReport): VmapJson['stamps'] {
  if (!vmap.mapped) return null;
  const { proof, tableProof } = vmap;
  const counts = [proof.throughWindow, proof.throughSecondWay];
  if (tableProof?.seen === true) counts.push(tableProof.stamps);
  return {
    written: counts.reduce((sum, { written }) => sum + written, 0),
    found: counts.reduce((sum, { found }) => sum + found, 0),
  };
}
