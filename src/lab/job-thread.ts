import { Worker } from 'node:worker_threads';

import type { JobEnd, JobStep } from './protocol/messages.ts';

interface JobThread {
  /** The file of the thread, in the package. */
  readonly file: URL;
  /** What it is to do: its `workerData`. */
  readonly request: object;
  /** Told how far it is. */
  readonly tell: (step: JobStep) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Runs a job in a thread of its own, so that the lab goes on meanwhile. */
export async function runJobThread({ file, request, tell, signal }: JobThread): Promise<JobEnd> {
  // Flags of the process, such as --input-type, may forbid a thread to have a file.
  const worker = new Worker(file, { workerData: request, execArgv: [] });
  let outcome: JobEnd = { type: 'failed', message: 'The job was ended' };
  worker.on('message', (message: JobStep | JobEnd) => {
    if (message.type === 'done' || message.type === 'failed') outcome = message;
    else tell(message);
  });
  worker.on('error', (error: Error) => (outcome = { type: 'failed', message: error.message }));
  const ended = new Promise((resolve) => worker.on('exit', resolve));
  const end = (): void => void worker.terminate();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    // What it held is given back by then, and the next may begin.
    await ended;
    return outcome;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
