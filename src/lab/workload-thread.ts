/** The thread of a workload (lab-jobs.ts). */

import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';

import { assert } from '../base/assert.ts';
import { isDmaBufError } from '../base/errors.ts';
import { RECIPES } from '../workload/recipes/recipes.ts';
import { runWorkload } from '../workload/run-workload.ts';
import { openWorkloadHeap } from '../workload/workload-heap.ts';
import type { WorkloadRequest } from './job-request.ts';
import type { JobEnd, JobStep } from './protocol/messages.ts';
import { WorkloadSamples } from './workload-samples.ts';

const SAMPLE_MS = 250;
const SEED = 0;

const port = parentPort;
assert(port !== null, 'This runs as a thread');
const tell = (message: JobStep | JobEnd): void => port.postMessage(message);

const { name, seconds, caller, conversion, mapping } = workerData as WorkloadRequest;
const workload = RECIPES.find((recipe) => recipe.name === name);
assert(workload !== undefined, 'The request was read');
try {
  using heap = openWorkloadHeap(undefined, SEED);
  const isToldOfHolds = workload.loads.some(({ place }) => place === undefined);
  const samples = new WorkloadSamples(performance.now(), isToldOfHolds);
  const sampling = setInterval(() => tell(samples.take(performance.now())), SAMPLE_MS);
  try {
    const outcome = await runWorkload(workload, {
      heap,
      caller,
      conversion,
      mapping,
      seed: SEED,
      extent: { seconds },
      onRecord: (record) => samples.addRecord(record),
      onReservation: (hold) => samples.addHold(hold),
      onStep: (isLate) => samples.addStep(isLate),
    });
    tell({ type: 'done', report: outcome });
  } finally {
    clearInterval(sampling);
  }
} catch (error) {
  if (!isDmaBufError(error)) throw error;
  tell({ type: 'failed', message: error.message });
}
