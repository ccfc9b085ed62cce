/**
 * A thread that a soak shares buffers with: checks every one, releases some, and is ended at any
 * time.
 */

import { parentPort } from 'node:worker_threads';

import { openHandle } from '../../src/index.ts';
import type { BufferHandle, WorkerBuffer } from '../../src/index.ts';
import { hasTags } from './tagged-pages.ts';

/**
 * What the thread is given. It answers with the tag, or with what went wrong; before the first with
 * 0.
 */
export interface SoakWorkerOrder {
  readonly handle: BufferHandle;
  readonly tag: number;
  readonly pageSize: number;
}

const HELD_MAX = 4;

const held: WorkerBuffer[] = [];

function look({ handle, tag, pageSize }: SoakWorkerOrder): number | string {
  const buffer = openHandle(handle);
  const isRight = buffer.accessSync('read', (bytes) => hasTags(bytes, tag, pageSize));
  held.push(buffer);
  // Every other one is left to the collector.
  if (held.length > HELD_MAX && tag % 2 === 0) held.shift()?.close();
  else if (held.length > HELD_MAX) held.shift();
  return isRight ? tag : `The thread sees other memory than that of buffer ${tag}`;
}

parentPort?.on('message', (order: SoakWorkerOrder) => {
  try {
    parentPort?.postMessage(look(order));
  } catch (error) {
    parentPort?.postMessage(String(error));
  }
});

parentPort?.postMessage(0);
