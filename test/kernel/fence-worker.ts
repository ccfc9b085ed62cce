/** The other thread of fences.test.ts: accesses buffers behind the fences of a device. */

import { setImmediate } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';

import { isDmaBufError, openHandle } from '../../src/index.ts';
import type { BufferHandle, WorkerBuffer } from '../../src/index.ts';

/** The order to the thread about a buffer. */
export interface FenceOrder {
  readonly type: 'refused' | 'givenUp' | 'wait' | 'block';
  readonly handle: BufferHandle;
}

const TASKS: Readonly<Record<FenceOrder['type'], (buffer: WorkerBuffer) => unknown>> = {
  refused: (buffer) => {
    try {
      return buffer.accessSync('read', () => 'not refused');
    } catch (error) {
      return isDmaBufError(error) ? error.code : String(error);
    }
  },
  givenUp: async (buffer) => {
    const controller = new AbortController();
    const access = buffer.access('write', () => 'not given up', controller);
    controller.abort(new Error('enough'));
    return await access.catch(String);
  },
  wait: async (buffer) => {
    let done = false;
    const access = buffer.access('read', () => {
      done = true;
      return 'accessed';
    });
    for (let tick = 0; tick < 20; tick += 1) await setImmediate();
    if (!done) parentPort?.postMessage('waiting');
    return await access;
  },
  block: (buffer) => {
    parentPort?.postMessage('blocking');
    return buffer.accessSync('readwrite', () => 'unblocked', { block: true });
  },
};

async function obey({ type, handle }: FenceOrder): Promise<void> {
  const buffer = openHandle(handle);
  try {
    parentPort?.postMessage(await TASKS[type](buffer));
  } finally {
    buffer.close();
  }
}

parentPort?.on('message', (order: FenceOrder) => void obey(order));
parentPort?.postMessage('running');
