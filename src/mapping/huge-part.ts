import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { FileRuns } from '../linux/calls/memory-calls.ts';

/** Bytes per page-table entry, on every 64-bit processor that Linux runs on. */
const PAGE_TABLE_ENTRY_BYTES = 8;

/**
 * The size that one PMD entry maps: the largest huge page that shared memory comes in, 2 MiB with
 * pages of 4 KiB (include/linux/huge_mm.h, HPAGE_PMD_SIZE).
 */
export function hugePageBytesOf(pageSize: ByteLength): ByteLength {
  return toByteLength((pageSize / PAGE_TABLE_ENTRY_BYTES) * pageSize);
}

/** The part at the start of a buffer that may come in huge pages. */
interface HugePart {
  /** In bytes, from the buffer's start. Whole huge pages, which no other buffer shares. */
  readonly length: ByteLength;
  /**
   * The largest of those pages, in bytes. The kernel maps them whole only where the window begins
   * at a multiple of it.
   */
  readonly pageBytes: ByteLength;
}

/**
 * The request to the kernel. `refused`: ordinary pages, even where it would use huge ones by
 * itself. Undefined: no request.
 */
export type HugePages = HugePart | 'refused' | undefined;

/**
 * How much of a buffer, from its start, lies in whole huge pages of its file. A buffer's largest
 * chunks come first, so after the first chunk without a huge page there are no more.
 *
 * @param sizes of huge pages, the largest first
 * @returns undefined where there is none
 */
export function hugePartOf(runs: FileRuns, sizes: readonly number[]): HugePart | undefined {
  const [largest, smallest] = [sizes[0], sizes.at(-1)];
  if (largest === undefined || smallest === undefined) return undefined;
  let length = 0;
  for (let index = 0; index < runs.count; index += 1) {
    const runLength = runs.lengths[index] as number;
    const whole = runLength - (runLength % smallest);
    if ((runs.offsets[index] as number) % smallest !== 0 || whole === 0) break;
    length += whole;
    if (whole !== runLength) break;
  }
  return length === 0 ? undefined : { length: toByteLength(length), pageBytes: toByteLength(largest) };
}
