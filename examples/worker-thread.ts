import { once } from 'node:events';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { KiB, openHandle, openHeap } from 'dmabuf';
import type { BufferHandle } from 'dmabuf';

if (isMainThread) {
  const heap = openHeap('system');
  const buffer = heap.allocate(64 * KiB, { name: 'squares' });
  // The handle holds the buffer until the worker has opened it. Nothing is copied.
  const worker = new Worker(new URL(import.meta.url), { workerData: buffer.toHandle() });
  await once(worker, 'exit');
  const squares = await buffer.access('read', (bytes) => [...new Uint32Array(bytes.buffer, 0, 5)]);
  process.stdout.write(`${squares.join(' ')}\n`);
  buffer.close();
  heap.close();
} else {
  const buffer = openHandle(workerData as BufferHandle);
  const view = buffer.vmap();
  view.as(Uint32Array).forEach((_, index, words) => (words[index] = index * index));
  view.close();
  buffer.close();
}
