/** A recording in a guest whose clock is this machine's, beside what a kernel module measured. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { median } from '../../src/base/median.ts';
import { MiB, openHeap } from '../../src/index.ts';
import { KernelVmapCalls } from '../../src/linux/calls/kernel-vmap-calls.ts';
import { recordMappings } from '../../src/trace/index.ts';
import type { MappingEvent } from '../../src/trace/index.ts';
import { loadModule, missingModules, unloadModule } from '../support/devices/own-modules.ts';

const skip = missingModules();
/** Large, so that the probes between the two clocks take a small part. */
const BUFFER_BYTES = 256 * MiB;
const ROUNDS = 40;
/** What is compared is the median of so many at least. */
const UNDISTURBED_MIN = 9;
/** Both clocks are read around the same mapping, so a busy machine disturbs both alike. */
const DIFFERENCE_MAX = 0.2;

before(() => {
  if (skip === false) loadModule('dmabuf_measure');
});
after(() => {
  if (skip === false) unloadModule('dmabuf_measure');
});

test('recordMappings() and dmabuf_measure agree within 20 % on the same mappings in real time', { skip }, async (t) => {
  const heap = openHeap('system', { backends: ['kernel'] });
  t.after(() => heap.close());
  const fd = heap.allocate(BUFFER_BYTES).exportFd();
  t.after(() => fd.close());
  const calls = new KernelVmapCalls();
  const device = calls.openDevice('/dev/dmabuf-measure');
  t.after(() => device.close());
  const recording = recordMappings();
  const wholes = Array.from(
    { length: ROUNDS },
    (_, round) => calls.measureRound(device.borrow(), fd.borrow(), round).times.wholeNs,
  );
  recording.stop();
  const mappings: MappingEvent[] = [];
  for await (const record of recording) if (record.kind === 'mapping') mappings.push(record);
  assert.equal(mappings.length, ROUNDS);
  const ratios = mappings.flatMap(({ durationNs, marks = [] }, round) =>
    marks.length === 0 ? [(durationNs ?? Number.NaN) / (wholes[round] ?? Number.NaN)] : [],
  );
  assert.ok(ratios.length >= UNDISTURBED_MIN, `${ratios.length} of ${ROUNDS} were undisturbed`);
  const ratio = median(ratios);
  t.diagnostic(`${ratio.toFixed(4)} of what the module measured, ${ratios.length} mappings`);
  assert.ok(Math.abs(ratio - 1) <= DIFFERENCE_MAX, `the recording tells ${ratio} of what the module measured`);
});
