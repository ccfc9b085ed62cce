import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MappingEvent } from '../trace/mapping-event.ts';
import { WorkloadSamples } from './workload-samples.ts';

function mapping(durationNs: number, sizeBytes: number): MappingEvent {
  return { kind: 'mapping', form: 'replay', line: 1, path: ['dma_buf_vmap'], durationNs, sizeBytes };
}

test('WorkloadSamples counts what came since the last sample, and nothing twice', () => {
  const samples = new WorkloadSamples(1000, true);
  for (const durationNs of [300, 100, 900]) samples.addRecord(mapping(durationNs, 4096));
  for (const releasedNs of [1250, 1400]) samples.addHold({ askedNs: 900, takenNs: 1000, releasedNs });
  samples.addStep(false);
  samples.addStep(true);
  assert.deepEqual(samples.take(1500), {
    type: 'sample',
    atSeconds: 0.5,
    mappingsPerSecond: 6,
    bytesPerSecond: 24_576,
    medianNs: 300,
    maxNs: 900,
    heldNs: 650,
    heldNsMax: 400,
    stepCount: 2,
    lateCount: 1,
  });
  assert.deepEqual(samples.take(3500), {
    type: 'sample',
    atSeconds: 2.5,
    mappingsPerSecond: 0,
    bytesPerSecond: 0,
    medianNs: null,
    maxNs: null,
    heldNs: 0,
    heldNsMax: null,
    stepCount: 0,
    lateCount: 0,
  });
});

test('WorkloadSamples tells of no locks where every load has a thread or a process of its own', () => {
  assert.equal(new WorkloadSamples(0, false).take(1000).heldNs, null);
});
