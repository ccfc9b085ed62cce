import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { MiB } from '../base/sizes.ts';
import type { BackendKind } from './contract.ts';
import { openHeap } from './open-heap.ts';

test('openHeap() says which backend it took and why not those before it', () => {
  const heap = openHeap('system', { embedded: { capacity: 8 * MiB } });
  assert.equal(heap.backend, 'embedded');
  assert.equal(heap.name, 'system');
  assert.equal(heap.deviceImportable, false);
  assert.match(heap.chosenBecause, /^kernel: .*; udmabuf: /u);
  assert.equal(heap.stats().capacityBytes, 8 * MiB);
  heap.close();
});

test('openHeap() keeps to the backends it is given', () => {
  const heap = openHeap('system', { backends: ['embedded'] });
  assert.equal(heap.chosenBecause, 'it was asked for first');
  heap.close();
  assert.throws(
    () => openHeap('system', { backends: ['kernel'] }),
    (error) => isDmaBufError(error, 'ENODEV') && /heap "system" as kernel: /u.test(error.message),
  );
});

test('openHeap() refuses heaps, backends and options that are none', () => {
  assert.throws(
    () => openHeap('sistem'),
    (error) => isDmaBufError(error, 'ENODEV') && /the embedded heap is named "system"/u.test(error.message),
  );
  assert.throws(() => openHeap('system', { backends: ['cma' as BackendKind] }), /must be one of 'kernel', 'udmabuf'/u);
  assert.throws(() => openHeap('system', { backends: [] }), {
    name: 'RangeError',
    message: 'Cannot open the heap as its backends must name at least one: current value is []',
  });
  assert.throws(() => openHeap('system', { backends: 'embedded' as never }), { name: 'TypeError' });
  assert.throws(() => openHeap('system', { trackAllocations: 1 as never }), { name: 'TypeError' });
  assert.throws(() => openHeap('system', { backends: ['kernel'], trackAllocations: 'no' as never }), {
    name: 'TypeError',
  });
  assert.throws(() => openHeap('system', { capacity: 1 } as never), /no option "capacity"/u);
  assert.throws(() => openHeap('system', { embedded: 5 } as never), TypeError);
  assert.throws(() => openHeap(undefined as never), TypeError);
});
