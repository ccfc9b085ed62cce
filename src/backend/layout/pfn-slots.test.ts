import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PfnSlots } from './pfn-slots.ts';

test('PfnSlots know which pages are missing until all were told', () => {
  const pfns = new Float64Array(3).fill(7);
  const slots = new PfnSlots(pfns);
  assert.deepEqual([slots.count, slots.empty, slots.complete, slots.missing()], [3, true, false, [0, 1, 2]]);
  assert.equal(slots.tell(1, 0), true);
  assert.equal(slots.tell(1, 0), false);
  assert.deepEqual([slots.empty, slots.complete, slots.missing()], [false, false, [0, 2]]);
  slots.tell(0, 5);
  slots.tell(2, 2 ** 40 - 1);
  assert.deepEqual([slots.complete, slots.missing(), [...pfns]], [true, [], [5, 0, 2 ** 40 - 1]]);
});

test('PfnSlots take no pages outside of the slice, and are never complete once contradicted', () => {
  const slots = new PfnSlots(new Float64Array(1));
  for (const page of [-1, 1, 0.5]) assert.equal(slots.tell(page, 9), false);
  assert.equal(slots.empty, true);
  slots.tell(0, 5);
  slots.tell(0, 6);
  assert.deepEqual([slots.complete, slots.missing(), slots.empty], [false, [], false]);
  slots.tell(0, 6);
  assert.equal(slots.complete, false);
});
