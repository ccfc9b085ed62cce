import { Worker } from 'node:worker_threads';

import { programFile } from '../base/program-file.ts';
import { GiB, MiB } from '../base/sizes.ts';
import { ORDER_MIX_NAMES } from '../pages/order-mixes.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import type { JobEnd, JobProgress } from './protocol/messages.ts';
import { Refusal } from './server/refusal.ts';

const BAD_REQUEST = 400;
const LENGTH_MIN = MiB;
const LENGTH_MAX = 8 * GiB;

/** The main job, as a page asks for it. */
export interface ConvertRequest {
  /** In bytes. */
  readonly length: number;
  readonly mix: OrderMixName;
}

/** @throws {Refusal} for what is no such request */
export function readConvertRequest({ length, mix }: Readonly<Record<string, unknown>>): ConvertRequest {
  const isLength = typeof length === 'number' && Number.isInteger(length) && length >= LENGTH_MIN;
  if (!isLength || length > LENGTH_MAX) throw new Refusal(BAD_REQUEST, 'Cannot run with this size: 1 MiB to 8 GiB');
  const name = ORDER_MIX_NAMES.find((each) => each === mix);
  if (name === undefined) throw new Refusal(BAD_REQUEST, `Cannot run with this mix: ${ORDER_MIX_NAMES.join(', ')}`);
  return { length, mix: name };
}

/**
 * Runs the main job in a thread of its own, so that the lab goes on meanwhile.
 *
 * @param tell told how far it is
 * @param signal ends it
 */
export async function runConvertJob(
  request: ConvertRequest,
  { tell, signal }: { readonly tell: (progress: JobProgress) => void; readonly signal: AbortSignal },
): Promise<JobEnd> {
  const worker = new Worker(programFile('convert-thread.js', import.meta.url), { workerData: request, execArgv: [] });
  const ended = new Promise<JobEnd>((resolve) => {
    worker.on('message', (message: JobProgress | JobEnd) => {
      if (message.type === 'progress') tell(message);
      else resolve(message);
    });
    worker.on('error', (error: Error) => resolve({ type: 'failed', message: error.message }));
    worker.on('exit', () => resolve({ type: 'failed', message: 'The job was ended' }));
  });
  const end = (): void => void worker.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await ended;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
