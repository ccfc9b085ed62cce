import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import { MAPPINGS_KEPT_FREE } from '../base/limits.ts';
import { readMapCount, readMaxMapCount } from '../linux/process-mappings.ts';

/**
 * Counting took 0.2 to 0.4 ms in a process of 150 mappings, a twentieth of a vmap of 2 GiB. So a count is good until this share of what it found free was
 * reserved: a dozen heaps that do not see each other's reservations still end before the mappings kept free.
 */
const SHARE_BEFORE_RECOUNT = 1 / 16;

/**
 * Keeps this process away from `vm.max_map_count`. At the limit V8 aborts on its next allocation, and closing a window fails
 * as well, so a window that would come near is refused before its first call. Counts everybody's mappings, not only ours.
 */
export class MappingBudget {
  readonly #root: string;
  #limit = 0;
  #counted = 0;
  #addedSinceCount = 0;
  /** How many may be added before the next count. */
  #allowance = 0;
  #reserved = 0;

  /** @param root where `/proc` is found */
  constructor(root = '/') {
    this.#root = root;
  }

  /** Mappings that open windows hold. */
  get reserved(): number {
    return this.#reserved;
  }

  /**
   * Reserves `count` mappings; {@link release} gives them back.
   *
   * @throws {DmaBufError} `ENOMEM` when too few would be left free
   */
  reserve(count: number): void {
    if (this.#addedSinceCount + count > this.#allowance || !this.#fits(count)) this.#recount();
    if (!this.#fits(count)) throw refusal(count, this.#inUse, this.#limit);
    this.#addedSinceCount += count;
    this.#reserved += count;
  }

  release(count: number): void {
    assert(count <= this.#reserved, 'Only reserved mappings are released');
    const addedSince = Math.min(count, this.#addedSinceCount);
    this.#addedSinceCount -= addedSince;
    // The others were there when it was counted. Taken off the count, they do not put the next counting off.
    this.#counted -= count - addedSince;
    this.#reserved -= count;
  }

  get #inUse(): number {
    return this.#counted + this.#addedSinceCount;
  }

  #fits(count: number): boolean {
    return this.#inUse + count <= this.#limit - MAPPINGS_KEPT_FREE;
  }

  #recount(): void {
    this.#limit = readMaxMapCount(this.#root);
    this.#counted = readMapCount(this.#root);
    this.#addedSinceCount = 0;
    this.#allowance = (this.#limit - MAPPINGS_KEPT_FREE - this.#counted) * SHARE_BEFORE_RECOUNT;
  }
}

function refusal(need: number, inUse: number, limit: number): DmaBufError {
  // Twice the limit at least: one that is just enough is met again at once.
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(inUse + need + MAPPINGS_KEPT_FREE, 2 * limit)));
  return new DmaBufError(
    `Cannot map ${need} runs as this process has ${inUse} mappings of the ${limit} that vm.max_map_count allows, ` +
      `and ${MAPPINGS_KEPT_FREE} stay free for Node itself: close views, or raise the limit with "sysctl -w vm.max_map_count=${wanted}"`,
    { code: 'ENOMEM', syscall: 'mmap', values: { need, inUse, limit, keptFree: MAPPINGS_KEPT_FREE } },
  );
}
