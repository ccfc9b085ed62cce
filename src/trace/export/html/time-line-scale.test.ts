import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scaleOf } from './time-line-scale.ts';
import type { TimeLineSlice } from './time-line-row.ts';

function bins(...heights: readonly number[]): TimeLineSlice[] {
  return heights.map((totalNs) => ({ calls: 1, totalNs, nsByUse: [] }));
}

const FRAMES = Array.from({ length: 30 }, () => 100);

test('scaleOf goes up to the highest bar, unless it stands out from nine of ten', () => {
  assert.deepEqual(scaleOf(bins(...FRAMES, 500)), { unit: 'ns', peak: 500, top: 500 });
  assert.deepEqual(scaleOf(bins(...FRAMES, 501)), { unit: 'ns', peak: 501, top: 300 });
  // Empty bins are no bars, and of few bars none stands out.
  assert.deepEqual(scaleOf(bins(...FRAMES.map(() => 0), 1, 1, 900)), { unit: 'ns', peak: 900, top: 900 });
});

test('scaleOf counts calls where no time is known', () => {
  assert.deepEqual(scaleOf([{ calls: 7, totalNs: 0, nsByUse: [] }]), { unit: 'calls', peak: 7, top: 7 });
});
