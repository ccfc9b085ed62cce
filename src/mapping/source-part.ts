import { assert } from '../base/assert.ts';
import { toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { FileRuns } from '../linux/calls/memory-calls.ts';
import type { HugePages } from './huge-part.ts';
import type { MemorySource } from './memory-source.ts';

/**
 * A part of a buffer's memory, to be mapped alone. It does not borrow page tables from the owner's
 * mapping: those are lent to the whole only.
 *
 * @param offset in bytes, whole pages
 * @param length in bytes, whole pages
 */
export function partOfSource(source: MemorySource, offset: number, length: ByteLength): MemorySource {
  const { pageSize, fd, mappedBeforeSeal, closedToCpu, touched, committed } = source;
  const runs = partOfRuns(source.runs, offset, length);
  const hugePages = partOfHugePages(source.hugePages, offset, length);
  return { pageSize, fd, runs, hugePages, mappedBeforeSeal, closedToCpu, touched, committed };
}

/** Where the part begins with a huge page of the file, its addresses are aligned to one. */
function partOfHugePages(whole: HugePages, offset: number, length: number): HugePages {
  if (typeof whole !== 'object') return whole;
  const { pageBytes } = whole;
  const bytes = Math.min(length, whole.length - offset);
  if (offset % pageBytes !== 0 || bytes < pageBytes) return undefined;
  return { ...whole, length: toByteLength(bytes - (bytes % pageBytes)) };
}

/** The runs between two offsets of the buffer, with the first and the last cut to that range. */
function partOfRuns({ offsets, lengths }: FileRuns, begin: number, length: number): FileRuns {
  const end = begin + length;
  let first = 0;
  let position = 0;
  for (; position + (lengths[first] as number) <= begin; first += 1) position += lengths[first] as number;
  const start = position;
  let last = first;
  for (; position + (lengths[last] as number) < end; last += 1) position += lengths[last] as number;
  assert(last < lengths.length, 'A part of a buffer lies within it');
  const part = {
    count: last + 1 - first,
    offsets: offsets.slice(first, last + 1),
    lengths: lengths.slice(first, last + 1),
  };
  part.lengths[part.count - 1] = end - position;
  part.offsets[0] = (offsets[first] as number) + (begin - start);
  part.lengths[0] = (part.lengths[0] as number) - (begin - start);
  return part;
}
