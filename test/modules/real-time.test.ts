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
/** What is compared is the median of so many at least, of one recording. */
const UNDISTURBED_MIN = 9;
/** Threads of this process compile and collect while the first ones are made. */
const RECORDINGS_MAX = 10;
/** Both clocks are read around the same mapping, so a busy machine disturbs both alike. */
const DIFFERENCE_MAX = 0.2;

before(() => {
  if (skip === false) loadModule('dmabuf_measure');
});
after(() => {
  if (skip === false) unloadModule('dmabuf_measure');
});

/** For each undisturbed mapping: the recording's duration by the one that the module measured. */
async function recordRatios(measureRound: (round: number) => number): Promise<number[]> {
  const recording = recordMappings();
  const wholes = Array.from({ length: ROUNDS }, (_, round) => measureRound(round));
  recording.stop();
  const mappings: MappingEvent[] = [];
  for await (const record of recording) if (record.kind === 'mapping') mappings.push(record);
  assert.equal(mappings.length, ROUNDS);
  return mappings.flatMap(({ durationNs, marks = [] }, round) =>
    marks.length === 0 ? [(durationNs ?? Number.NaN) / (wholes[round] ?? Number.NaN)] : [],
  );
}

test('recordMappings() and dmabuf_measure agree within 20 % on the same mappings in real time', { skip }, async (t) => {
  const heap = openHeap('system', { backends: ['kernel'] });
  t.after(() => heap.close());
  const fd = heap.allocate(BUFFER_BYTES).exportFd();
  t.after(() => fd.close());
  const calls = new KernelVmapCalls();
  const device = calls.openDevice('/dev/dmabuf-measure');
  t.after(() => device.close());
  const measureRound = (round: number): number => calls.measureRound(device.borrow(), fd.borrow(), round).times.wholeNs;
  const counts: number[] = [];
  let ratios: number[] = [];
  while (ratios.length < UNDISTURBED_MIN && counts.length < RECORDINGS_MAX) {
    ratios = await recordRatios(measureRound);
    counts.push(ratios.length);
  }
  assert.ok(
    ratios.length >= UNDISTURBED_MIN,
    `of ${ROUNDS} a recording, so many were undisturbed: ${counts.join(', ')}`,
  );
  const ratio = median(ratios);
  t.diagnostic(`${ratio.toFixed(4)} of what the module measured, ${ratios.length} mappings`);
  assert.ok(Math.abs(ratio - 1) <= DIFFERENCE_MAX, `the recording tells ${ratio} of what the module measured`);
});
