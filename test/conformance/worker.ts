/** The other thread of threads.ts: opens handles and follows orders. */

import { parentPort } from 'node:worker_threads';

import { isDmaBufError, openHandle } from '../../src/index.ts';
import type { WorkerBuffer } from '../../src/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import type { NumberedOrder, WorkerOrder } from './threads.ts';

let buffer: WorkerBuffer | undefined;
let bytes: Uint8Array | undefined;

/** Takes the bytes out of a frame of its own, and drops the buffer. */
function keepBytes(shared: WorkerBuffer): void {
  bytes = shared.vmap().bytes;
  buffer = undefined;
}

async function obey(order: WorkerOrder): Promise<unknown> {
  if (order.type === 'open') {
    buffer = openHandle(order.handle);
    return { name: buffer.name, length: buffer.length };
  }
  if (order.type === 'drop') {
    bytes = undefined;
    return await collectGarbageUntil(() => false, 10);
  }
  if (buffer === undefined) throw new Error('Nothing was opened');
  if (order.type === 'count') return count(buffer, order.times);
  if (order.type === 'accessSync') return refusalOf(buffer);
  if (order.type === 'access') return await buffer.access('read', () => 'read after the fence');
  if (order.type === 'ready') return await readWhenReady(buffer);
  if (order.type === 'keepBytes') {
    keepBytes(buffer);
    await collectGarbageUntil(() => false, 10);
    return bytes?.length;
  }
  buffer.close();
  return 'closed';
}

async function readWhenReady(shared: WorkerBuffer): Promise<unknown> {
  await shared.ready('read');
  const access = await shared.beginCpuAccess('read');
  const byte = access.bytes[4096];
  access.end();
  const again = shared.beginCpuAccessSync('read');
  again.end();
  return { byte, ended: access.ended && again.ended, deviceImportable: shared.deviceImportable };
}

function count(shared: WorkerBuffer, times: number): number {
  const view = shared.vmap();
  const words = view.as(Int32Array);
  for (let index = 0; index < times; index += 1) Atomics.add(words, 0, 1);
  const sum = Atomics.load(words, 0);
  view.close();
  return sum;
}

/** The code with which an immediate access is refused; undefined if it is not. */
function refusalOf(shared: WorkerBuffer): string | undefined {
  try {
    shared.accessSync('read', () => {});
    return undefined;
  } catch (error) {
    return isDmaBufError(error) ? error.code : 'wrong';
  }
}

parentPort?.on('message', ({ number, order }: NumberedOrder) => {
  void obey(order).then((answer) => parentPort?.postMessage({ number, answer }));
});
