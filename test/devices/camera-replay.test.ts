/** Replays of videobuf2's consumers against the real drivers, recorded live. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { openHeap } from '../../src/index.ts';
import type { DmaBuf, Heap } from '../../src/index.ts';
import { openVideoConverter } from '../../src/v4l2/index.ts';
import type { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import { vb2Vmalloc } from '../../src/workload/consumers/vb2-vmalloc.ts';
import { Vb2Queue } from '../../src/workload/consumers/vb2-queue.ts';
import { captureVivid } from '../support/devices/capture-vivid.ts';
import { cannotTrace } from '../support/devices/layout-rights.ts';
import { callerIn, recordCalls, replayCalls } from '../support/devices/mapping-calls.ts';
import { missingVim2m, unloadVim2m, vim2mPath } from '../support/devices/vim2m.ts';
import { missingVivid } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

const noVivid = missingVivid() || cannotTrace();
const noVim2m = missingVim2m() || cannotTrace();
after(() => {
  if (noVim2m === false) unloadVim2m();
});

/** Of YUYV, in whole pages, as heaps allocate. */
const FRAME_BYTES = 462_848;
const BUFFER_COUNT = 4;
const FRAME_COUNT = 9;

/** A queue whose buffers go round, each in its slot, as many turns as frames need. */
async function replayQueue(kernel: KernelFunctions, driver: string, buffers: readonly DmaBuf[]): Promise<Vb2Queue> {
  const queue = new Vb2Queue(vb2Vmalloc(kernel, driver), buffers.length);
  for (let turn = 0; turn * buffers.length < FRAME_COUNT; turn += 1)
    for (const [slot, buffer] of buffers.entries()) await queue.queue(slot, [buffer]);
  return queue;
}

function allocate(heap: Heap, lengthBytes: number, count: number): readonly DmaBuf[] {
  return Array.from({ length: count }, () => heap.allocate(lengthBytes));
}

test('vivid and its replay make the same calls, of the same sizes, in the same order', { skip: noVivid }, async () => {
  const recorded = await recordCalls(callerIn, async () => {
    await captureVivid({ frameCount: FRAME_COUNT, bufferCount: BUFFER_COUNT });
  });
  const mapped = Array.from({ length: BUFFER_COUNT }, (_, buffer) => ({
    call: '+vb2_vmalloc_map_dmabuf',
    buffer,
    sizeBytes: FRAME_BYTES,
    exporter: 'system',
    result: 0,
  }));
  const unmapped = mapped.map(({ buffer }) => ({ call: '-', buffer }));
  assert.deepEqual(recorded, [...mapped, ...unmapped]);
  using heap = openEmbeddedHeap({ capacity: 16 * MiB });
  const replayed = await replayCalls(callerIn, async (kernel) => {
    const buffers = allocate(heap, FRAME_BYTES, BUFFER_COUNT);
    const queue = await replayQueue(kernel, 'vivid', buffers);
    await queue.release();
    for (const buffer of buffers) buffer.close();
  });
  assert.deepEqual(replayed, recorded);
});

/** Of 64 by 48 pixels, in whole pages: RGB565 goes in, BGR888 comes out. */
const CONVERTED = { width: 64, height: 48 };
const [INPUT_BYTES, OUTPUT_BYTES] = [8192, 12_288];

async function convertPictures(): Promise<void> {
  const heap = openHeap('system', { backends: ['kernel'] });
  const converter = openVideoConverter(vim2mPath(), {
    input: { ...CONVERTED, format: 'RGB565', buffers: 2, heap },
    output: { ...CONVERTED, format: 'BGR888', buffers: 2, heap },
  });
  for (let picture = 0; picture < FRAME_COUNT; picture += 1) {
    using input = await converter.acquireWhenFree();
    (await input.convert()).close();
  }
  converter.close();
  heap.close();
}

test('vim2m and its replay map each buffer of both queues once: 2 and 2', { skip: noVim2m }, async () => {
  const recorded = await recordCalls(callerIn, convertPictures);
  using heap = openEmbeddedHeap({ capacity: 16 * MiB });
  const replayed = await replayCalls(callerIn, async (kernel) => {
    const inputs = allocate(heap, INPUT_BYTES, 2);
    const outputs = allocate(heap, OUTPUT_BYTES, 2);
    const given = await replayQueue(kernel, 'vim2m', inputs);
    const made = await replayQueue(kernel, 'vim2m', outputs);
    for (const queue of [given, made]) await queue.release();
    for (const buffer of [...inputs, ...outputs]) buffer.close();
  });
  assert.equal(recorded.filter(({ call }) => call.startsWith('+')).length, 4);
  assert.deepEqual(replayed, recorded);
});
