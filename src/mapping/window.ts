import { assert } from '../base/assert.ts';
import { withCleanup } from '../base/cleanup.ts';
import { toAddress } from '../base/quantities.ts';
import type { Address, ByteLength } from '../base/quantities.ts';
import type { FileStretch, MemoryStretch, SystemCalls } from '../linux/system-calls.ts';
import type { MappingBudget } from './mapping-budget.ts';
import type { HomeMapping, MemorySource } from './memory-source.ts';

/** What mapping needs besides the memory itself. */
export interface MappingContext {
  readonly calls: SystemCalls;
  readonly budget: MappingBudget;
}

/** Mappings that `source` takes while mapped: one a run, and one more while a run splits what was there. */
function mappingsNeeded(source: MemorySource): number {
  return source.runs.count + 1;
}

/**
 * Maps every run of `source`, in order, side by side from `target` on, over whatever memory is there. On failure, zeros are
 * mapped there instead and the error is thrown on.
 *
 * The kernel's counterpart is `vmap` (mm/vmalloc.c), which maps page by page; here each run is one call.
 *
 * @throws {DmaBufError} `ENOMEM` before the first call when mappings would run out, or as `mmap` refuses
 */
export function mapSource(context: MappingContext, source: MemorySource, target: MemoryStretch): void {
  const { calls, budget } = context;
  withCleanup((cleanup) => {
    budget.reserve(mappingsNeeded(source));
    cleanup.defer(() => budget.release(mappingsNeeded(source)));
    // A refused MAP_FIXED may leave a hole in V8's memory (seen on 6.12), where the next touch is a SIGSEGV.
    cleanup.defer(() => calls.mapZeros(target));
    forEachRun(source, target, (stretch, address) => {
      if (!borrowPageTables(calls, source.home, stretch, address)) calls.mapFileAt(address, stretch);
    });
    source.touched = true;
    if (source.home !== undefined) source.home.populated = false;
  });
}

/** Maps zeros over what {@link mapSource} mapped: a view kept there reads zeros from now on. */
export function unmapSource(context: MappingContext, source: MemorySource, target: MemoryStretch): void {
  const { calls, budget } = context;
  const { home } = source;
  if (home?.lending.allowed === true) {
    forEachRun(source, target, (stretch, address) => giveBackPageTables(calls, home, stretch, address));
    home.populated = true;
  }
  calls.mapZeros(target);
  budget.release(mappingsNeeded(source));
}

/** What {@link mapSource} mapped is gone without {@link unmapSource}: V8 has unmapped the memory it was in. */
export function forgetSource(context: MappingContext, source: MemorySource): void {
  context.budget.release(mappingsNeeded(source));
}

/** Faults every page in, so that no access to `target` meets a page fault, as none meets the kernel's own vmap. */
export function populateSource(context: MappingContext, source: MemorySource, target: MemoryStretch): void {
  const { calls } = context;
  if (calls.populate(target)) return;
  forEachRun(source, target, (stretch, address) => populateRun(calls, stretch, address));
}

/** The window may be in use meanwhile: where the kernel refuses after it has unmapped the run, that is mapped again. */
function populateRun(calls: SystemCalls, stretch: FileStretch, address: Address): void {
  try {
    calls.mapFileAtPopulated(address, stretch);
  } catch (error) {
    calls.mapFileAt(address, stretch);
    throw error;
  }
}

function isWorthMoving(home: HomeMapping, stretch: FileStretch): boolean {
  return home.lending.allowed && stretch.length >= home.lending.runBytesMin;
}

/** False when the entries stay where they are, or the kernel refused; it may then have unmapped the target. */
function borrowPageTables(
  calls: SystemCalls,
  home: HomeMapping | undefined,
  stretch: FileStretch,
  address: Address,
): boolean {
  if (home === undefined || !home.populated || !isWorthMoving(home, stretch)) return false;
  home.lending.allowed = calls.movePageTables(homeStretch(home, stretch), address);
  return home.lending.allowed;
}

function giveBackPageTables(calls: SystemCalls, home: HomeMapping, stretch: FileStretch, address: Address): void {
  if (!isWorthMoving(home, stretch)) return;
  const target = homeStretch(home, stretch);
  home.lending.allowed = calls.movePageTables({ address, length: stretch.length }, target.address);
  // Refused after the target was unmapped: the owner's mapping must not keep a hole.
  if (!home.lending.allowed) calls.mapFileAt(target.address, stretch);
}

function homeStretch(home: HomeMapping, stretch: FileStretch): MemoryStretch {
  return { address: toAddress(home.address + stretch.offset), length: stretch.length };
}

/** Calls `visit` with each run and the address it belongs at. Buffers have up to half a million runs: no array of objects. */
function forEachRun(
  source: MemorySource,
  target: MemoryStretch,
  visit: (stretch: FileStretch, address: Address) => void,
): void {
  const { count, offsets, lengths } = source.runs;
  let address: number = target.address;
  for (let index = 0; index < count; index += 1) {
    const length = lengths[index] as ByteLength;
    assert(address + length <= target.address + target.length, 'No run of a buffer leaves its window');
    visit({ fd: source.fd, offset: offsets[index] as number, length }, address as Address);
    address += length;
  }
  assert(address === target.address + target.length, 'The runs of a buffer must add up to its window');
}
