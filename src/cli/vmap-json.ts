import type { MainJobReport } from '../measure/main-job.ts';
import type { VmapReport } from '../measure/vmap-job.ts';

/** What `dmabuf vmap --json` prints: sizes in bytes, times in ns for the whole buffer, null where not measured. */
interface VmapJson {
  readonly size: number;
  readonly pages: number;
  readonly entries: number;
  readonly runs: number;
  readonly heap: string;
  readonly backend: string;
  readonly mix: string;
  /** Entries by order, such as {"8": 2048}. */
  readonly orders: Readonly<Record<string, number>>;
  readonly conversion: Readonly<Record<string, number | null>>;
  readonly vmap: VmapTimesJson;
  /** Why there is no window; null where there is one. */
  readonly refusal: string | null;
  readonly stamps: { readonly written: number; readonly found: number } | null;
  readonly verified: boolean | null;
}

/** "Touched": with a byte of each page read as well. "First touch": of memory that was not committed yet. */
interface VmapTimesJson {
  readonly byRunNs: number | null;
  readonly byRunTouchedNs: number | null;
  readonly byRunCalls: number | null;
  readonly byPageNs: number | null;
  readonly byPageTouchedNs: number | null;
  readonly byPageCalls: number | null;
  readonly firstTouchNs: number | null;
}

export function toJson(report: MainJobReport): VmapJson {
  const { table, conversion, vmap } = report;
  return {
    size: report.length,
    pages: table.pageCount,
    entries: table.entryCount,
    runs: table.runs().count,
    heap: report.heap.name,
    backend: report.heap.backend,
    mix: report.mix,
    orders: Object.fromEntries(table.orders()),
    conversion: { ...conversion.times },
    vmap: toTimesJson(vmap),
    refusal: vmap.mapped ? null : vmap.refusal,
    stamps: toStampsJson(vmap),
    verified: report.verified ?? null,
  };
}

function toTimesJson(vmap: VmapReport): VmapTimesJson {
  const byRun = vmap.mapped ? vmap.byRun : undefined;
  const byPage = vmap.mapped ? vmap.byPage : undefined;
  return {
    byRunNs: byRun?.mappedNs ?? null,
    byRunTouchedNs: byRun?.mappedAndTouchedNs ?? null,
    byRunCalls: byRun?.callCount ?? null,
    byPageNs: byPage?.mappedNs ?? null,
    byPageTouchedNs: byPage?.mappedAndTouchedNs ?? null,
    byPageCalls: byPage?.callCount ?? null,
    firstTouchNs: vmap.mapped ? vmap.firstTouchNs : null,
  };
}

function toStampsJson(vmap: VmapReport): VmapJson['stamps'] {
  if (!vmap.mapped) return null;
  const { throughWindow, throughPages } = vmap.proof;
  return { written: throughWindow.written + throughPages.written, found: throughWindow.found + throughPages.found };
}
