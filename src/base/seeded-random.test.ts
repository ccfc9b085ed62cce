import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SeededRandom } from './seeded-random.ts';

function drawFour(seed: number): number[] {
  const random = new SeededRandom(seed);
  return [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
}

function shuffledThousand(seed: number): number[] {
  const values = Uint32Array.from({ length: 1000 }, (_, index) => index);
  new SeededRandom(seed).shuffle(values);
  return [...values];
}

test('SeededRandom draws what a C program of the published mulberry32 draws', () => {
  assert.deepEqual(drawFour(0), [1144304738, 1416247, 958946056, 627933444]);
  assert.deepEqual(drawFour(1), [2693262067, 11749833, 2265367787, 4213581821]);
  assert.deepEqual(drawFour(0xffff_ffff), [3850105811, 813802916, 3073704848, 4054706436]);
});

test('SeededRandom draws right after a million draws', () => {
  const random = new SeededRandom(1);
  for (let draw = 0; draw < 1_000_000; draw += 1) random.uint32();
  assert.equal(random.uint32(), 556765684);
});

test('SeededRandom.below draws every number below the limit about equally often, and no other', () => {
  const random = new SeededRandom(7);
  const counts = [0, 0, 0, 0, 0];
  for (let draw = 0; draw < 50_000; draw += 1) {
    const drawn = random.below(5);
    counts[drawn] = (counts[drawn] ?? Number.NaN) + 1;
  }
  assert.equal(counts.length, 5);
  // The spread expected is 90; five times that is never met by a sound generator.
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 450, `drawn ${count} times`);
});

test('SeededRandom.below takes limits from 1 to 2^32', () => {
  const random = new SeededRandom(0);
  assert.equal(random.below(1), 0);
  assert.equal(random.below(2 ** 32), 1416247);
  assert.throws(() => random.below(0), { name: 'InvariantError' });
  assert.throws(() => random.below(2 ** 32 + 1), { name: 'InvariantError' });
});

test('SeededRandom.shuffle keeps every value, moves most, and repeats by its seed', () => {
  const once = shuffledThousand(3);
  assert.deepEqual(
    once.toSorted((a, b) => a - b),
    Array.from({ length: 1000 }, (_, index) => index),
  );
  assert.ok(once.filter((value, index) => value === index).length < 20);
  assert.deepEqual(shuffledThousand(3), once);
  assert.notDeepEqual(shuffledThousand(4), once);
});

test('SeededRandom refuses seeds that are not 32 bits', () => {
  for (const seed of [-1, 0.5, 2 ** 32, Number.NaN]) {
    assert.throws(() => new SeededRandom(seed), { name: 'InvariantError' });
  }
});
