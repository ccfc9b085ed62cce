import assert from 'node:assert/strict';
import { once } from 'node:events';
import { basename } from 'node:path';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { assertSettles } from '../../../test/support/runner/settled.ts';
import { isThreadAlive, kernelThreadId } from './thread-calls.ts';

test("kernelThreadId gives the calling thread's id in /proc", () => {
  assert.equal(kernelThreadId(), Number(basename(readlinkSync('/proc/thread-self'))));
});

test('isThreadAlive knows the threads of this process, until they have ended, and no other process', async () => {
  assert.equal(isThreadAlive(process.pid), true);
  assert.equal(isThreadAlive(1), process.pid === 1);
  const url = new URL('thread-calls.js', import.meta.url).href;
  const code = `import('${url}').then((calls) => {
    require('node:worker_threads').parentPort.once('message', () => {}).postMessage(calls.kernelThreadId());
  });`;
  const worker = new Worker(code, { eval: true });
  const [id] = (await once(worker, 'message')) as [number];
  assert.notEqual(id, process.pid);
  assert.equal(isThreadAlive(id), true);
  await worker.terminate();
  // The kernel lets go of a thread a moment after it is joined.
  await assertSettles(() => isThreadAlive(id), false);
});
