import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SeededRandom } from '../../base/seeded-random.ts';
import { BLOCK_PAGES, decodeBlocks, encodeBlocks } from './block-runs.ts';

test('encodeBlocks writes a number, and pairs of owner and length', () => {
  const owners = new Uint16Array(2 * BLOCK_PAGES + 3);
  owners.fill(7, BLOCK_PAGES, BLOCK_PAGES + 300);
  owners.fill(65_535, 2 * BLOCK_PAGES);
  // 300 is 0b10_0101100, 724 is 0b101_1010100, 65535 is three bytes of ones.
  assert.deepEqual(
    [...encodeBlocks(owners, [1, 2])],
    [1, 7, 0b1_0101100, 0b10, 0, 0b1_1010100, 0b101, 2, 0xff, 0xff, 0b11, 3],
  );
});

test('decodeBlocks gives back any picture, and leaves other blocks alone', () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 50; round += 1) {
    const pageCount = 1 + random.below(5 * BLOCK_PAGES);
    const owners = Uint16Array.from({ length: pageCount }, () => random.below(3) * random.below(65_536));
    const blockCount = Math.ceil(pageCount / BLOCK_PAGES);
    const blocks = Array.from({ length: blockCount }, (_, block) => block).filter(() => random.below(2) === 0);
    const copy = new Uint16Array(pageCount).fill(9);
    assert.deepEqual(decodeBlocks(encodeBlocks(owners, blocks), copy), blocks);
    const isSent = (page: number): boolean => blocks.includes(Math.floor(page / BLOCK_PAGES));
    assert.deepEqual(
      copy,
      owners.map((owner, page) => (isSent(page) ? owner : 9)),
    );
  }
});

test('decodeBlocks refuses bytes that are no blocks of this heap', () => {
  const refused: [bytes: number[], reason: RegExp][] = [
    [[2], /no block 2/u],
    [[0], /end within a number/u],
    [[0, 0x80], /end within a number/u],
    [[0, 1, 0], /does not fit/u],
    [[0, 1, 0x81, 0x08], /does not fit/u],
    [[0, 0x80, 0x80, 0x80, 0x80, 0x80, 1], /end within a number/u],
  ];
  for (const [bytes, reason] of refused)
    assert.throws(() => decodeBlocks(Uint8Array.from(bytes), new Uint16Array(BLOCK_PAGES + 1)), reason);
});
