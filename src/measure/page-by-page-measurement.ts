import type { MappingContext } from '../mapping/window.ts';
import type { CountedCalls } from './counted-calls.ts';
import { PageByPageWindow } from './page-by-page-window.ts';
import type { FilePages } from './page-by-page-window.ts';
import { measureMapping } from './vmap-measurement.ts';
import type { VmapTiming } from './vmap-measurement.ts';

/** The cost of a view made page by page, or the reason why it was not measured. */
export type PageByPageReport =
  | ({
      readonly measured: true;
      /**
       * 1 where the whole view was mapped. Otherwise it is measured in parts, because the system
       * does not allow as many mappings at the same time.
       */
      readonly partCount: number;
    } & VmapTiming)
  | { readonly measured: false; readonly expectedNs: number };

/** The parameters of {@link measurePageByPage}. */
interface PageByPageOptions {
  readonly mapping: MappingContext;
  readonly counted: CountedCalls;
  /** How many mappings this process may have (`vm.max_map_count`). */
  readonly mappingCountMax: number;
  readonly onRound: (done: number, total: number) => void;
}

/**
 * The longest acceptable time. 2 GiB take 1 to 3 s. Where each call walks a table of many entries
 * from its start, as mmap of a heap's buffer does, they take hours.
 */
const PAGE_BY_PAGE_NS_MAX = 60e9;
/** The number of pages in the trial that estimates the time. */
const TRIAL_PAGE_COUNT = 64;
/** The share of the system's limit to use. The rest stays with other code. */
const PART_SHARE = 1 / 2;

/** Measures mapping `pages` one by one. */
export function measurePageByPage(pages: FilePages, options: PageByPageOptions): PageByPageReport {
  const expectedNs = expectNs(pages, options);
  if (expectedNs > PAGE_BY_PAGE_NS_MAX) return { measured: false, expectedNs };
  const parts = partsOf(pages, options.mappingCountMax);
  const { mapping, counted, onRound } = options;
  const timings = parts.map((part, index) => {
    const window = new PageByPageWindow(mapping, part);
    // Several parts are measured once each: together they take as long as several rounds of one.
    const rounds =
      parts.length === 1 ? { onRound } : { onRound: () => onRound(index + 1, parts.length), roundCountMax: 1 };
    return measureMapping(() => window.map(), { counted, pageSize: pages.pageSize, ...rounds });
  });
  return { measured: true, partCount: parts.length, ...addUp(timings) };
}

/**
 * From the middle: where mapping a page takes longer the further back it lies, this is the mean.
 */
function expectNs(pages: FilePages, { mapping, counted }: PageByPageOptions): number {
  const middle = Math.max(0, (pages.pages.length - TRIAL_PAGE_COUNT) >> 1);
  const trial = { ...pages, pages: pages.pages.subarray(middle, middle + TRIAL_PAGE_COUNT) };
  const window = new PageByPageWindow(mapping, trial);
  const { mappedNs } = measureMapping(() => window.map(), { counted, pageSize: pages.pageSize, onRound: () => {} });
  return (mappedNs / trial.pages.length) * pages.pages.length;
}

function partsOf(pages: FilePages, mappingCountMax: number): FilePages[] {
  const { length } = pages.pages;
  const partLength = pages.joined ? length : Math.max(1, Math.floor(mappingCountMax * PART_SHARE));
  return Array.from({ length: Math.ceil(length / partLength) }, (_, part) => ({
    ...pages,
    pages: pages.pages.subarray(part * partLength, (part + 1) * partLength),
  }));
}

function addUp(timings: readonly VmapTiming[]): VmapTiming {
  const sumOf = (valueOf: (timing: VmapTiming) => number): number =>
    timings.reduce((sum, timing) => sum + valueOf(timing), 0);
  return {
    callCount: sumOf(({ callCount }) => callCount),
    mappedNs: sumOf(({ mappedNs }) => mappedNs),
    mappedAndTouchedNs: sumOf(({ mappedAndTouchedNs }) => mappedAndTouchedNs),
    roundCount: Math.min(...timings.map(({ roundCount }) => roundCount)),
  };
}
