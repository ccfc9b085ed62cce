/**
 * Blocks of pages as bytes: for each block its number, then its runs of one owner each, as pairs of
 * owner and length, until the block is full. All numbers are LEB128, seven bits a byte, lowest
 * first. Allocators make runs, so a block takes a few bytes as a rule.
 */

/** Of order 10, the largest block of the kernel's page allocator. */
export const BLOCK_PAGES = 1024;

const BITS = 7;
const MORE = 1 << BITS;
const NUMBER_BYTES_MAX = 5;
/** The most of one run: a value of 16 bits and a length below 2^21 are three bytes each. */
const RUN_BYTES_MAX = 6;

/** @param owners by page @param blocks in any order, each below the number of blocks */
export function encodeBlocks(owners: Uint16Array, blocks: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(blocks.length * (NUMBER_BYTES_MAX + BLOCK_PAGES * RUN_BYTES_MAX));
  let end = 0;
  const put = (number: number): void => {
    let rest = number;
    for (; rest >= MORE; rest >>>= BITS) bytes[end++] = (rest & (MORE - 1)) | MORE;
    bytes[end++] = rest;
  };
  for (const block of blocks) {
    put(block);
    const blockEnd = Math.min(owners.length, (block + 1) * BLOCK_PAGES);
    for (let index = block * BLOCK_PAGES; index < blockEnd;) {
      const owner = owners[index] as number;
      let next = index + 1;
      while (next < blockEnd && owners[next] === owner) next += 1;
      put(owner);
      put(next - index);
      index = next;
    }
  }
  return bytes.slice(0, end);
}

/**
 * Writes blocks into the arena.
 *
 * @returns their numbers
 * @throws {RangeError} for bytes that are no blocks of this arena
 */
export function decodeBlocks(bytes: Uint8Array, owners: Uint16Array): number[] {
  let at = 0;
  const take = (): number => {
    let number = 0;
    for (let shift = 0; shift < NUMBER_BYTES_MAX * BITS; shift += BITS) {
      if (at >= bytes.length) break;
      const byte = bytes[at++] as number;
      number += (byte & (MORE - 1)) * 2 ** shift;
      if (byte < MORE) return number;
    }
    throw new RangeError('The blocks end within a number');
  };
  const blocks: number[] = [];
  while (at < bytes.length) {
    const block = take();
    let index = block * BLOCK_PAGES;
    const blockEnd = Math.min(owners.length, index + BLOCK_PAGES);
    if (index >= blockEnd) throw new RangeError(`There is no block ${block}`);
    while (index < blockEnd) {
      const owner = take();
      const length = take();
      if (length === 0 || index + length > blockEnd) throw new RangeError(`A run does not fit into block ${block}`);
      owners.fill(owner, index, index + length);
      index += length;
    }
    blocks.push(block);
  }
  return blocks;
}
