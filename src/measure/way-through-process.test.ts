import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { openHeap } from '../backend/open-heap.ts';
import { MiB } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { sampledPages } from './stamps.ts';
import { wayThroughProcess } from './way-through-process.ts';
import { isProven, proveWindow } from './window-proof.ts';

checkLeaksAfterFile();

/** Two buffers that can be passed to another process. */
function twoBuffers(t: TestContext): { buffer: DmaBuf; other: DmaBuf; pageSize: number } {
  const heap = openHeap('system', { backends: ['embedded'] });
  const [buffer, other] = [heap.allocate(MiB, { shareable: true }), heap.allocate(MiB, { shareable: true })];
  t.after(() => [buffer, other, heap].forEach((closable) => closable.close()));
  return { buffer, other, pageSize: heap.pageSize };
}

test('wayThroughProcess() finds every stamp in another process, and stamps that it wrote here', (t) => {
  const { buffer, pageSize } = twoBuffers(t);
  const pages = sampledPages(MiB / pageSize);
  using view = buffer.vmap();
  const proof = proveWindow(view, wayThroughProcess(buffer, pageSize), { pages, pageSize });
  assert.deepEqual(proof, {
    secondWay: 'process',
    throughWindow: { written: pages.length, found: pages.length },
    throughSecondWay: { written: pages.length, found: pages.length },
  });
});

test('wayThroughProcess() proves nothing of a view of another buffer', (t) => {
  const { buffer, other, pageSize } = twoBuffers(t);
  using view = other.vmap();
  const pages = sampledPages(MiB / pageSize);
  const proof = proveWindow(view, wayThroughProcess(buffer, pageSize), { pages, pageSize });
  assert.deepEqual([proof.throughWindow.found, proof.throughSecondWay.found], [0, 0]);
  assert.equal(isProven(proof), false);
});

test("wayThroughProcess() gives the other process's output when it fails", (t) => {
  const { buffer, pageSize } = twoBuffers(t);
  const beyond = Uint32Array.of(MiB / pageSize);
  assert.throws(
    () => wayThroughProcess(buffer, pageSize).exchangeStamps(beyond),
    /^Error: Cannot prove the view as the process that looks at it ended with 1: .*RangeError/su,
  );
});
