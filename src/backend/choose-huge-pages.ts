import type { ByteLength } from '../base/quantities.ts';
import type { HugePageUse } from '../heap/backend.ts';
import type { FileRuns } from '../linux/calls/memory-calls.ts';
import type { Machine } from '../linux/machine.ts';
import { readSharedHugePages } from '../linux/proc/huge-pages.ts';
import { hugePartOf } from '../mapping/huge-part.ts';
import type { HugePages } from '../mapping/huge-part.ts';

/** The huge pages that a heap of memfds asks for. */
export interface HugePageChoice {
  /** In bytes, the largest first. */
  readonly sizes: readonly number[];
  /** Whether to ask for ordinary pages, where the kernel would use huge ones by itself. */
  readonly refused: boolean;
  readonly use: HugePageUse;
  /** How a buffer of these runs asks for them. */
  of(runs: FileRuns): HugePages;
}

/**
 * Asks for every size that the machine's settings allow at this moment.
 *
 * @param isWanted false: asks for none, and forbids those that the kernel would use by itself
 */
export function chooseHugePages(machine: Machine, isWanted: boolean, pageSize: ByteLength): HugePageChoice {
  const allowed = readSharedHugePages(machine);
  const sizes = allowed.sizes.filter((bytes) => bytes > pageSize && bytes % pageSize === 0);
  if (isWanted) {
    const use = { pageBytes: sizes[0], reason: allowed.reason };
    return { sizes, refused: false, use, of: (runs) => hugePartOf(runs, sizes) };
  }
  const refused = sizes.length > 0;
  const use = { pageBytes: undefined, reason: 'the heap was opened with { hugePages: false }' };
  return { sizes: [], refused, use, of: () => (refused ? 'refused' : undefined) };
}
