/** Replays against recordings of the real driver on a real kernel. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import type { MappingEvent } from '../../src/trace/mapping-event.ts';
import { readTraceFile } from '../../src/trace/read-trace.ts';
import { Vb2Queue } from '../../src/workload/consumers/vb2-queue.ts';
import { vb2Vmalloc } from '../../src/workload/consumers/vb2-vmalloc.ts';
import { KernelFunctions } from '../../src/workload/kernel/kernel-functions.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

checkLeaksAfterFile();

/** vivid on 6.12, as it queued four buffers of the system heap. */
const VIVID = 'test/fixtures/trace/events-fprobe.txt';
/** 640 by 480 pixels of YUYV. */
const FRAME_BYTES = 614_400;
const BUFFER_COUNT = 4;
/** Up to `vb2_qbuf`: what is further out depends on how the kernel's ioctls are compiled. */
const DRIVER_DEPTH = 7;

interface Mapped {
  readonly path: readonly string[];
  readonly sizeBytes: number | undefined;
  readonly exporter: string | undefined;
}

const mappedOf = ({ path, sizeBytes, exporter }: MappingEvent): Mapped => ({
  path: path.slice(0, DRIVER_DEPTH),
  sizeBytes,
  exporter,
});

test('a replay of vivid maps as often, as much, and by the same functions as the recording of vivid', async () => {
  const recorded: Mapped[] = [];
  for await (const record of readTraceFile(VIVID)) if (record.kind === 'mapping') recorded.push(mappedOf(record));
  assert.equal(recorded.length, BUFFER_COUNT);
  const replayed: Mapped[] = [];
  const kernel = new KernelFunctions({
    onRecord: (record) => void (record.kind === 'mapping' && replayed.push(mappedOf(record))),
  });
  using heap = openEmbeddedHeap({ capacity: 16 * MiB });
  const buffers = Array.from({ length: BUFFER_COUNT }, () => heap.allocate(FRAME_BYTES));
  const queue = new Vb2Queue(vb2Vmalloc(kernel, 'vivid'), BUFFER_COUNT);
  for (let turn = 0; turn < 2; turn += 1)
    for (const [slot, buffer] of buffers.entries()) await queue.queue(slot, [buffer]);
  await queue.release();
  for (const buffer of buffers) buffer.close();
  assert.deepEqual(replayed, recorded);
});
