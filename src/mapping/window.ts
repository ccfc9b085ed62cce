import { assert } from '../base/assert.ts';
import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { toAddress } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import { FAULT_AROUND_BYTES } from '../linux/calls/memory-calls.ts';
import type { FileRuns, FileRange, MemoryRange, StorePolicy, MemoryCalls } from '../linux/calls/memory-calls.ts';
import type { MappingBudget } from './mapping-budget.ts';
import type { HomeMapping, MemorySource } from './memory-source.ts';

/** The collaborators of a mapping, besides the memory itself. */
export interface MappingContext {
  readonly calls: MemoryCalls;
  readonly budget: MappingBudget;
}

/**
 * The mappings that `source` takes while mapped: one per run, one more while a run splits an
 * existing mapping, and one more for a run that only begins with huge pages, because the kernel
 * keeps its rest separate.
 */
function mappingsNeeded({ runs, hugePages }: MemorySource): number {
  return runs.count + (typeof hugePages === 'object' ? 2 : 1);
}

/**
 * Maps every run of `source`, in order, side by side from `target` on, replacing the memory there.
 * On failure, maps zeros there instead and rethrows the error. Unmap and populate with the same
 * `stores`.
 *
 * The kernel's counterpart is `vmap` (mm/vmalloc.c), which maps page by page; here each run is one
 * call.
 *
 * @throws {DmaBufError} `ENOMEM` before the first call when mappings would run out, `EACCES` for
 *   memory that the CPU may not map, or as `mmap` refuses
 */
export function mapSource(
  context: MappingContext,
  source: MemorySource,
  target: MemoryRange,
  stores: StorePolicy = 'shared',
): void {
  if (source.closedToCpu !== undefined) {
    throw new DmaBufError(`Cannot map the buffer as ${source.closedToCpu}`, { code: 'EACCES', syscall: 'mmap' });
  }
  const { calls, budget } = context;
  withCleanup((cleanup) => {
    budget.reserve(mappingsNeeded(source));
    cleanup.defer(() => budget.release(mappingsNeeded(source)));
    // A refused MAP_FIXED may leave a hole in V8's memory (seen on 6.12). The next access there
    // would be a SIGSEGV.
    cleanup.defer(() => calls.mapZeros(target));
    calls.holdWindow(target);
    if (stores === 'shared') mapRuns(calls, source, target);
    else calls.mapRunsAt(target.address, source.fd, source.runs, stores);
    adviseHugePages(calls, source, target);
    source.touched = true;
    if (stores === 'shared' && source.home !== undefined) source.home.populated = false;
  });
}

/**
 * Runs whose page-table entries cannot be borrowed. One call of the addon maps consecutive ones.
 */
function mapRuns(calls: MemoryCalls, source: MemorySource, target: MemoryRange): void {
  const { fd, home, runs, mappedBeforeSeal } = source;
  if (mappedBeforeSeal !== undefined) {
    forEachRun(source, target, ({ offset, length }, address) =>
      calls.duplicateMapping({ address: toAddress(mappedBeforeSeal + offset), length }, address),
    );
    return;
  }
  let group = { first: 0, address: target.address };
  const mapGroup = (end: number): void => {
    if (end > group.first) calls.mapRunsAt(group.address, fd, sliceRuns(runs, group.first, end));
  };
  forEachRun(source, target, (range, address, index) => {
    if (home?.populated !== true || !isWorthMoving(home, range) || isHuge(source, target, address)) return;
    mapGroup(index);
    if (!borrowPageTables(calls, home, range, address)) calls.mapFileAt(address, range);
    group = { first: index + 1, address: toAddress(address + range.length) };
  });
  mapGroup(runs.count);
}

/** Advice does not change pages that are already committed. */
function adviseHugePages(calls: MemoryCalls, { hugePages, committed }: MemorySource, target: MemoryRange): void {
  if (hugePages === 'refused') calls.refuseHugePages(target);
  if (typeof hugePages !== 'object' || committed || target.address % hugePages.pageBytes !== 0) return;
  calls.adviseHugePages({ address: target.address, length: hugePages.length });
}

function sliceRuns({ count, offsets, lengths }: FileRuns, first: number, end: number): FileRuns {
  if (first === 0 && end === count) return { count, offsets, lengths };
  return { count: end - first, offsets: offsets.subarray(first, end), lengths: lengths.subarray(first, end) };
}

/**
 * Maps zeros over the runs of {@link mapSource}: an array kept by the user reads zeros from now on.
 */
export function unmapSource(
  context: MappingContext,
  source: MemorySource,
  target: MemoryRange,
  stores: StorePolicy = 'shared',
): void {
  const { calls, budget } = context;
  const home = stores === 'shared' ? source.home : undefined;
  if (home?.pteBorrowing.allowed === true) {
    forEachRun(source, target, (range, address) => {
      if (!isHuge(source, target, address)) giveBackPageTables(calls, home, range, address);
    });
    home.populated = true;
  }
  calls.mapZeros(target);
  budget.release(mappingsNeeded(source));
}

/**
 * Releases the reservation of {@link mapSource} without {@link unmapSource}: the collector has
 * already unmapped the memory, which nothing kept.
 */
export function forgetSource(context: MappingContext, source: MemorySource): void {
  context.budget.release(mappingsNeeded(source));
}

/**
 * Faults in every page, so that no access to `target` causes a page fault, as with the kernel's own
 * vmap.
 *
 * @returns false where the kernel cannot do it without copying the pages (before 5.14): then each
 *   page has to be read
 */
export function populateSource(
  context: MappingContext,
  source: MemorySource,
  target: MemoryRange,
  stores: StorePolicy = 'shared',
): boolean {
  const { calls } = context;
  if (canTouch(source, target) && calls.touch(target, stores)) return true;
  if (calls.populate(target, stores)) {
    source.committed = true;
    return true;
  }
  // Mapping again with MAP_POPULATE would copy a private mapping's pages, and is refused for a
  // sealed file.
  if (stores === 'private' || (stores === 'shared' && source.mappedBeforeSeal !== undefined)) return false;
  forEachRun(source, target, (range, address) => populateRun(calls, range, { address, stores }));
  return true;
}

/**
 * Whether touching faults in everything: every page is committed, and each range that the kernel
 * maps around a fault begins with a byte that is read. Huge pages are mapped faster by the kernel's
 * own call, which takes no exceptions (2 GiB in 1.5 ms, by touching 2.2 ms).
 */
function canTouch(source: MemorySource, target: MemoryRange): boolean {
  if (typeof source.hugePages === 'object') return false;
  source.committed ||= (source.committedBytes?.() ?? 0) >= target.length;
  return source.committed && source.runs.lengths.subarray(0, -1).every((length) => length % FAULT_AROUND_BYTES === 0);
}

/**
 * The window may be in use meanwhile, so a run that the kernel has unmapped before refusing is
 * mapped again.
 */
function populateRun(
  calls: MemoryCalls,
  range: FileRange,
  { address, stores }: { address: Address; stores: Exclude<StorePolicy, 'private'> },
): void {
  try {
    calls.mapFileAtPopulated(address, range, stores);
  } catch (error) {
    calls.mapFileAt(address, range, stores);
    throw error;
  }
}

/**
 * Mapping huge pages again takes less time than moving their entries. Also, a mapping with advice
 * to use them is not merged into the owner's when its entries return (mm/vma.c, is_mergeable_vma).
 */
function isHuge({ hugePages }: MemorySource, target: MemoryRange, address: Address): boolean {
  return typeof hugePages === 'object' && address - target.address < hugePages.length;
}

function isWorthMoving(home: HomeMapping, range: FileRange): boolean {
  return home.pteBorrowing.allowed && range.length >= home.pteBorrowing.runBytesMin;
}

/** False when the kernel refuses. It may have unmapped the target then. */
function borrowPageTables(calls: MemoryCalls, home: HomeMapping, range: FileRange, address: Address): boolean {
  home.pteBorrowing.allowed = calls.movePageTables(homeRange(home, range), address);
  return home.pteBorrowing.allowed;
}

function giveBackPageTables(calls: MemoryCalls, home: HomeMapping, range: FileRange, address: Address): void {
  if (!isWorthMoving(home, range)) return;
  const target = homeRange(home, range);
  home.pteBorrowing.allowed = calls.movePageTables({ address, length: range.length }, target.address);
  // The refusal came after the target was unmapped. The owner's mapping must not keep a hole.
  if (!home.pteBorrowing.allowed) calls.mapFileAt(target.address, range);
}

function homeRange(home: HomeMapping, range: FileRange): MemoryRange {
  return { address: toAddress(home.address + range.offset), length: range.length };
}

/**
 * Calls `visit` with each run and its address. Buffers have up to half a million runs, so this
 * makes no array of objects.
 */
function forEachRun(
  source: MemorySource,
  target: MemoryRange,
  visit: (range: FileRange, address: Address, index: number) => void,
): void {
  const { count, offsets, lengths } = source.runs;
  let address: number = target.address;
  for (let index = 0; index < count; index += 1) {
    const length = lengths[index] as ByteLength;
    assert(address + length <= target.address + target.length, 'No run of a buffer leaves its window');
    visit({ fd: source.fd, offset: offsets[index] as number, length }, address as Address, index);
    address += length;
  }
  assert(address === target.address + target.length, 'The runs of a buffer must add up to its window');
}
