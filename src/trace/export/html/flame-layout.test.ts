import assert from 'node:assert/strict';
import { test } from 'node:test';

import { layOutFlameGraph } from './flame-layout.ts';
import type { FlameFrame } from './flame-layout.ts';

function asRows(frames: readonly FlameFrame[]): (string | number)[][] {
  return frames.map(({ name, depth, start, weight, ownWeight }) => [name, depth, start, weight, ownWeight]);
}

test('layOutFlameGraph joins equal callers, and puts the heaviest on the left', () => {
  const { frames, totalWeight, depthCount, leftOutCount } = layOutFlameGraph([
    { frames: ['ioctl', 'qbuf', 'map'], weight: 2 },
    { frames: ['worker', 'map'], weight: 5 },
    { frames: ['ioctl', 'flip', 'map'], weight: 4 },
    { frames: ['ioctl', 'flip'], weight: 1 },
  ]);
  assert.deepEqual(asRows(frames), [
    ['ioctl', 0, 0, 7, 0],
    ['flip', 1, 0, 5, 1],
    ['map', 2, 0, 4, 4],
    ['qbuf', 1, 5, 2, 0],
    ['map', 2, 5, 2, 2],
    ['worker', 0, 7, 5, 0],
    ['map', 1, 7, 5, 5],
  ]);
  assert.deepEqual([totalWeight, depthCount, leftOutCount], [12, 3, 0]);
});

test('layOutFlameGraph leaves out the lightest frames first, and never a caller of one that stays', () => {
  const stacks = Array.from({ length: 1000 }, (_, index) => ({
    frames: ['root', `caller ${index}`, 'map'],
    weight: index + 1,
  }));
  const { frames, totalWeight, leftOutCount } = layOutFlameGraph(stacks, 5);
  // 1 + ... + 1000.
  assert.deepEqual(asRows(frames), [
    ['root', 0, 0, 500_500, 0],
    ['caller 999', 1, 0, 1000, 0],
    ['map', 2, 0, 1000, 1000],
    ['caller 998', 1, 1000, 999, 0],
    ['map', 2, 1000, 999, 999],
  ]);
  assert.deepEqual([totalWeight, leftOutCount], [500_500, 1996]);
});

test('layOutFlameGraph draws 64 frames of a stack and counts the rest', () => {
  const { frames, leftOutCount } = layOutFlameGraph([
    { frames: Array.from({ length: 100 }, (_, index) => String(index)), weight: 1 },
  ]);
  assert.deepEqual([frames.length, frames.at(-1)?.ownWeight, leftOutCount], [64, 1, 36]);
});
