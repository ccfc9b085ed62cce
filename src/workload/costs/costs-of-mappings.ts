import { quantile } from '../../base/median.ts';
import { divideTime } from '../../trace/analysis/part-times.ts';
import type { PartTimes } from '../../trace/analysis/part-times.ts';
import { BY_ENTRY_RATIO } from '../../trace/analysis/what-if.ts';
import type { MappingEvent } from '../../trace/mapping-event.ts';
import type { Cost, CostRange, MappingCosts } from './mapping-costs.ts';
import { addCost, NO_COST } from './mapping-costs.ts';
import { pagesOfBytes } from './mapping-demand.ts';

/** A mapping whose parts are known. */
interface DividedMapping {
  readonly pageCount: number;
  readonly times: PartTimes;
}

/** Mappings by how the exporter makes them. A recording does not tell. */
export interface MappingsByWay {
  /** Converted by page, as mainline does. */
  readonly page?: readonly MappingEvent[];
  /** Converted by entry. */
  readonly entry?: readonly MappingEvent[];
  /** Converted by page, and runs of pages mapped at once. */
  readonly run?: readonly MappingEvent[];
}

interface Sample {
  readonly pageCount: number;
  readonly ns: number;
}

interface Fitted {
  /** Beside pages. */
  readonly fixed: CostRange;
  readonly perPage: CostRange;
}

/** The largest mapping that tells what a mapping costs beside its pages. */
const SMALL_PAGES_MAX = 64;
/** One mapping of twenty may be below, and one above: something else ran, or nothing did. */
const [LOW, LIKELY, HIGH] = [0.05, 0.5, 0.95];

/**
 * What mappings cost, by mappings that were recorded or replayed: those with a size, parts and no
 * mark. What a mapping costs beside its pages comes of the smallest, if that is small; what a page
 * costs, of all that are larger. Both are ranges: nine of ten mappings are within.
 *
 * @returns undefined where no mapping has parts
 */
export function costsOfMappings(mappings: MappingsByWay, source: string): MappingCosts | undefined {
  const byPage = (mappings.page ?? []).flatMap(divide);
  const byEntry = (mappings.entry ?? []).flatMap(divide);
  const batched = (mappings.run ?? []).flatMap(divide);
  const mapped = [...byPage, ...byEntry];
  const all = [...mapped, ...batched];
  if (all.length === 0) return undefined;
  const converting = (divided: readonly DividedMapping[]): Sample[] =>
    samplesOf(divided, ({ 'sg-to-pages': ns }) => ns).filter(({ ns }) => ns > 0);
  const basis = `${source}: ${all.length}, of ${sizesOf(all)}`;
  const costOf = (range: CostRange): Cost => ({ ...range, basis });
  const pageArray = fit(samplesOf(all, (times) => times['page-array'] + times.free));
  const vmap = fit(samplesOf(mapped, (times) => times.vmap));
  const vmapBatched = fit(samplesOf(batched, (times) => times.vmap));
  const call = rangeOf(all.map(({ times }) => times.other));
  const conversions = { byPage: fit(converting([...byPage, ...batched])), byEntry: fit(converting(byEntry)) };
  const conversion = conversions.byPage ?? conversions.byEntry;
  const fixed = [pageArray, vmap, conversion].reduce(
    (sum, fitted) => addCost(sum, 1, fitted?.fixed ?? NO_COST),
    NO_COST,
  );
  return {
    source,
    call: costOf(call),
    mapping: costOf(fixed),
    ...(pageArray === undefined ? {} : { pageArray: costOf(pageArray.perPage) }),
    ...(conversions.byPage === undefined ? {} : { byPage: costOf(conversions.byPage.perPage) }),
    ...entryCost(conversions, costOf),
    ...(vmap === undefined ? {} : { vmap: [{ order: 0, ...costOf(vmap.perPage) }] }),
    ...(vmapBatched === undefined ? {} : { vmapBatched: [{ order: 0, ...costOf(vmapBatched.perPage) }] }),
  };
}

/** As measured; else that by page, divided by what is published. */
function entryCost(
  { byPage, byEntry }: { readonly byPage: Fitted | undefined; readonly byEntry: Fitted | undefined },
  costOf: (range: CostRange) => Cost,
): { readonly byEntry?: Cost } {
  if (byEntry !== undefined) return { byEntry: costOf(byEntry.perPage) };
  if (byPage === undefined) return {};
  const { lowNs, likelyNs, highNs } = byPage.perPage;
  const { low, high } = BY_ENTRY_RATIO;
  const cost = costOf({ lowNs: lowNs / high, likelyNs: likelyNs / ((low + high) / 2), highNs: highNs / low });
  const ratio = `divided by ${low} (6.12, in instructions) to ${high} (Radxa O6)`;
  return { byEntry: { ...cost, basis: `conversion by page, ${ratio}; ${cost.basis}` } };
}

function divide({ sizeBytes, durationNs, parts, marks = [] }: MappingEvent): DividedMapping[] {
  if (sizeBytes === undefined || typeof durationNs !== 'number' || parts === undefined || marks.length > 0) return [];
  const times = divideTime(parts, durationNs);
  return times === undefined ? [] : [{ pageCount: pagesOfBytes(sizeBytes), times }];
}

function samplesOf(divided: readonly DividedMapping[], select: (times: PartTimes) => number): Sample[] {
  return divided.map(({ pageCount, times }) => ({ pageCount, ns: select(times) }));
}

/** What a part costs beside pages, and for each page. Undefined: no mapping has it. */
function fit(samples: readonly Sample[]): Fitted | undefined {
  if (samples.length === 0) return undefined;
  const smallest = Math.min(...samples.map(({ pageCount }) => pageCount));
  const larger = samples.filter(({ pageCount }) => pageCount > smallest);
  if (smallest > SMALL_PAGES_MAX || larger.length === 0)
    return { fixed: NO_COST, perPage: pageRangeOf(samples.map((each) => perPageOf(each, { pageCount: 0, ns: 0 }))) };
  const small = rangeOf(samples.filter(({ pageCount }) => pageCount === smallest).map(({ ns }) => ns));
  const from = { pageCount: smallest, ns: small.likelyNs };
  const perPage = pageRangeOf(larger.map((each) => perPageOf(each, from)));
  const withoutPages = (ns: number): number => Math.max(0, ns - smallest * perPage.likelyNs);
  const fixed = {
    lowNs: withoutPages(small.lowNs),
    likelyNs: withoutPages(small.likelyNs),
    highNs: withoutPages(small.highNs),
  };
  return { fixed, perPage };
}

/** What each page takes beyond those of a smaller mapping. */
function perPageOf({ pageCount, ns }: Sample, from: Sample): Sample {
  return { pageCount, ns: Math.max(0, (ns - from.ns) / (pageCount - from.pageCount)) };
}

function rangeOf(values: readonly number[]): CostRange {
  const sorted = values.toSorted((one, other) => one - other);
  return { lowNs: quantile(sorted, LOW), likelyNs: quantile(sorted, LIKELY), highNs: quantile(sorted, HIGH) };
}

/**
 * The spread is that of all, so that of each size too: no cost is quite in proportion to pages.
 * Most likely is what most pages had.
 */
function pageRangeOf(values: readonly Sample[]): CostRange {
  const { lowNs, highNs } = rangeOf(values.map(({ ns }) => ns));
  const sorted = values.toSorted((one, other) => one.ns - other.ns);
  const half = LIKELY * sorted.reduce((sum, { pageCount }) => sum + pageCount, 0);
  let sum = 0;
  const middle = sorted.find(({ pageCount }) => {
    sum += pageCount;
    return sum >= half;
  });
  const likelyNs = Math.min(highNs, Math.max(lowNs, middle?.ns ?? 0));
  return { lowNs, likelyNs, highNs };
}

function sizesOf(divided: readonly DividedMapping[]): string {
  const counts = divided.map(({ pageCount }) => pageCount);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${least} pages` : `${least} to ${most} pages`;
}
