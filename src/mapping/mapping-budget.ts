import { assert } from '../base/assert.ts';
import { collector } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import { MAPPINGS_KEPT_FREE } from '../base/limits.ts';
import { readMapCount, readMaxMapCount } from '../linux/proc/process-mappings.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';

/**
 * Counting takes 0.2 to 0.4 ms in a process of 150 mappings, a twentieth of a vmap of 2 GiB.
 * Recount after reserving this share of the free mappings: 12 heaps that cannot see each other
 * still stay below the limit.
 */
const SHARE_BEFORE_RECOUNT = 1 / 16;

/**
 * The share of the limit for the windows of one thread where `/proc/self/maps` is missing. Other
 * threads and Node, which has 150 to 2,000 mappings, share the rest.
 */
const UNSEEN_SHARE = 1 / 4;

/**
 * The mappings that all budgets of this thread have reserved. Nothing else is known where mappings
 * cannot be counted.
 */
class ThreadReservations {
  count = 0;
}

const ofThread = new ThreadReservations();

/**
 * Keeps this process away from `vm.max_map_count`. At the limit V8 aborts on its next allocation,
 * and closing a window fails as well. So a window that would come near is refused before its first
 * call. Counts every mapping of the process, not only this package's.
 */
export class MappingBudget {
  readonly #machine: Machine;
  #limit = 0;
  #counted = 0;
  #addedSinceCount = 0;
  /** How many may be added before the next count. */
  #allowance = 0;
  #reserved = 0;
  /** Whether the mappings could be counted. */
  #seen = true;

  constructor(machine: Machine = thisMachine) {
    this.#machine = machine;
  }

  /** The mappings of open windows. */
  get reserved(): number {
    return this.#reserved;
  }

  /**
   * Reserves `count` mappings. {@link release} gives them back.
   *
   * @throws {DmaBufError} `ENOMEM` when too few would stay free
   */
  reserve(count: number): void {
    if (this.#addedSinceCount + count > this.#allowance || !this.#fits(count)) this.#recount();
    if (!this.#fits(count)) {
      collector.collect();
      this.#recount();
    }
    if (!this.#fits(count)) throw refusal({ need: count, inUse: this.#inUse, limit: this.#limit, counted: this.#seen });
    this.#addedSinceCount += count;
    this.#reserved += count;
    ofThread.count += count;
  }

  release(count: number): void {
    assert(count <= this.#reserved, 'Only reserved mappings are released');
    const addedSince = Math.min(count, this.#addedSinceCount);
    this.#addedSinceCount -= addedSince;
    // The other mappings existed at the last count. They leave the count, so releasing them does
    // not delay the next recount.
    this.#counted -= count - addedSince;
    this.#reserved -= count;
    ofThread.count -= count;
  }

  get #inUse(): number {
    return this.#counted + this.#addedSinceCount;
  }

  #fits(count: number): boolean {
    return this.#inUse + count <= this.#limit - MAPPINGS_KEPT_FREE;
  }

  #recount(): void {
    this.#limit = readMaxMapCount(this.#machine);
    // Reading the file takes a descriptor.
    const counted = collector.collectBeforeRefusing(() => readMapCount(this.#machine));
    this.#seen = counted !== undefined;
    this.#counted = counted ?? Math.ceil(this.#limit * (1 - UNSEEN_SHARE)) + ofThread.count;
    this.#addedSinceCount = 0;
    this.#allowance = (this.#limit - MAPPINGS_KEPT_FREE - this.#counted) * SHARE_BEFORE_RECOUNT;
  }
}

interface Refusal {
  readonly need: number;
  readonly inUse: number;
  readonly limit: number;
  readonly counted: boolean;
}

function refusal({ need, inUse, limit, counted }: Refusal): DmaBufError {
  // At least twice the limit: a value that is just enough would soon be reached again.
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(inUse + need + MAPPINGS_KEPT_FREE, 2 * limit)));
  const has = counted
    ? `this process has ${inUse} mappings`
    : `/proc/self/maps cannot be read, and this process is taken to have ${inUse} mappings`;
  const remedies = ['close views', `raise the limit with "sysctl -w vm.max_map_count=${wanted}"`];
  if (!counted) remedies.push('mount /proc, so that they can be counted');
  return new DmaBufError(
    `Cannot map ${need} runs as ${has} of the ${limit} that vm.max_map_count allows, ` +
      `and ${MAPPINGS_KEPT_FREE} stay free for Node itself: ${remedies.slice(0, -1).join(', ')}, or ${remedies.at(-1)}`,
    { code: 'ENOMEM', syscall: 'mmap', values: { need, inUse, limit, keptFree: MAPPINGS_KEPT_FREE } },
  );
}
