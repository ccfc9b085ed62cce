/** The thread of the main job (lab-jobs.ts). */

import { parentPort, workerData } from 'node:worker_threads';

import { assert } from '../base/assert.ts';
import { isDmaBufError } from '../base/errors.ts';
import { runMainJob } from '../measure/main-job.ts';
import { toMainJobJson } from '../measure/main-job-json.ts';
import type { ConvertRequest } from './job-request.ts';
import type { JobEnd, JobStep } from './protocol/messages.ts';

const port = parentPort;
assert(port !== null, 'This runs as a thread');
const tell = (message: JobStep | JobEnd): void => port.postMessage(message);

const { length, mix } = workerData as ConvertRequest;
try {
  const report = runMainJob({
    length,
    source: { backend: 'embedded', mix },
    onProgress: (step, done, total) => tell({ type: 'progress', step, done, total }),
  });
  tell({ type: 'done', report: toMainJobJson(report) });
} catch (error) {
  if (!isDmaBufError(error)) throw error;
  tell({ type: 'failed', message: error.message });
}
