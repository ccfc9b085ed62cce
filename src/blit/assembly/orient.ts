// Mirroring and turning, on lines of bytes.

import { BAND, BAND_ROW_BYTES, BLOCKS, BLOCKS_SPARE, BLOCK_BYTES, LINE_BYTES } from './scratch';

// Writes three lines from their last pixel to their first.
export function mirrorLines(from: usize, count: u32, to: usize): void {
  for (let index: usize = 0; index < 3; index += 1) {
    mirrorLine(from + index * LINE_BYTES, count, to + index * LINE_BYTES);
  }
}

// Reads and writes up to 15 bytes before, and behind, the line.
function mirrorLine(from: usize, count: u32, to: usize): void {
  const end = to + count;
  let at = from + count;
  while (to < end) {
    at -= 16;
    const bytes = v128.load(at);
    v128.store(to, i8x16.shuffle(bytes, bytes, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    to += 16;
  }
}

// Keeps the first 16 pixels of three lines as row `index` of what is transposed next.
export function keepBlockRow(lines: usize, index: u32): void {
  const at = BLOCKS + index * 16;
  v128.store(at, v128.load(lines));
  v128.store(at + BLOCK_BYTES, v128.load(lines + LINE_BYTES));
  v128.store(at + 2 * BLOCK_BYTES, v128.load(lines + 2 * LINE_BYTES));
}

// Makes of the 16 rows that were kept 16 pixels of each row of the band, from pixel `x` on.
export function storeBlock(x: u32): void {
  for (let index: usize = 0; index < 3; index += 1) {
    const block = BLOCKS + index * BLOCK_BYTES;
    const spare = BLOCKS_SPARE + index * BLOCK_BYTES;
    // Four times each row and the one eight below it take turns: that transposes 16 by 16.
    interleaveRows(block, spare);
    interleaveRows(spare, block);
    interleaveRows(block, spare);
    interleaveRows(spare, block);
    for (let row: usize = 0; row < 16; row += 1) {
      v128.store(BAND + row * BAND_ROW_BYTES + index * LINE_BYTES + x, v128.load(block + row * 16));
    }
  }
}

@inline
function interleaveRows(from: usize, to: usize): void {
  for (let row: usize = 0; row < 8; row += 1) {
    const a = v128.load(from + row * 16);
    const b = v128.load(from + row * 16 + 128);
    const at = to + row * 32;
    v128.store(at, i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    v128.store(at, i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
  }
}
