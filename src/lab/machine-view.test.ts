import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';

import { readSnapshotInSteps } from '../machine/buffers/read-snapshot.ts';
import { MachineBuffers } from './machine-view.ts';

const SECOND_MS = 1000;

test('MachineBuffers tells a reading that failed once, and reads again', async () => {
  let readingCount = 0;
  const buffers = new MachineBuffers(() => {
    readingCount += 1;
    if (readingCount === 1) throw new Error('It cannot be read');
    return readSnapshotInSteps({});
  });
  const nowMs = performance.now();
  assert.equal(buffers.latest(nowMs), undefined);
  await buffers.settled();
  assert.throws(() => buffers.latest(nowMs), /It cannot be read/u);
  assert.equal(buffers.latest(nowMs), undefined);
  await buffers.settled();
  assert.equal(readingCount, 1);
  buffers.latest(performance.now() + SECOND_MS);
  await buffers.settled();
  assert.equal(readingCount, 2);
  assert.ok((buffers.latest(performance.now())?.buffers.length ?? -1) >= 0);
});
