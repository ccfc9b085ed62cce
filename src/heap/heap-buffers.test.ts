import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import type { MappingContext } from '../mapping/window.ts';
import type { BufferCore } from './buffer-core.ts';
import { HeapBuffers } from './heap-buffers.ts';

const CORE = { label: 'the buffer', memory: { length: 4096 }, creation: undefined } as unknown as BufferCore;

async function warningOf(heapName: string | undefined): Promise<{ message: string; detail?: string }> {
  const warned = once(process, 'warning');
  new HeapBuffers({ name: heapName, mapping: {} as MappingContext }).lost(CORE);
  const [warning] = await warned;
  return warning as { message: string; detail?: string };
}

test('lost() warns with the remedy: without an option of a heap for a buffer that comes from no heap', async () => {
  const ofHeap = await warningOf('system');
  assert.equal(ofHeap.message, 'the buffer of 4 KiB from heap "system" was collected without having been closed');
  assert.match(ofHeap.detail ?? '', /trackAllocations: true/u);
  const imported = await warningOf(undefined);
  assert.equal(imported.message, 'the buffer of 4 KiB from elsewhere was collected without having been closed');
  assert.match(imported.detail ?? '', /^Close what importBuffer\(\)/u);
});
