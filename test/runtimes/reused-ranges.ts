/**
 * Whether memory that a buffer was mapped over still shows the buffer when the engine hands it out
 * again. `dropped`: the views were collected. `wasm`: the WebAssembly memories were, while the
 * buffers are still used. `ended`: their thread was terminated.
 */

import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import { MiB, openHeap } from '../../src/index.ts';
import type { BufferView, Heap } from '../../src/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';

const BUFFER_COUNT = 100;
const ENGINE_MEMORY_COUNT = 400;
const PATTERN = 0x55;
/** As many as find what is unreachable. */
const COLLECTIONS = 20;
/** Of the collector, which need not find all: it takes old words of the stack for references. */
const COLLECTED_COUNT_MIN = BUFFER_COUNT / 2;

function mapBuffers(heap: Heap): BufferView[] {
  return Array.from({ length: BUFFER_COUNT }, () => {
    const view = heap.allocate(MiB).vmap();
    view.bytes.fill(PATTERN);
    return view;
  });
}

function countShowing(): number {
  const memories = Array.from(
    { length: ENGINE_MEMORY_COUNT },
    () => new Uint8Array(new SharedArrayBuffer(MiB, { maxByteLength: MiB })),
  );
  return memories.filter((bytes) => bytes.some((byte) => byte !== 0)).length;
}

async function drop(): Promise<void> {
  const heap = openHeap('system', { backends: ['embedded'] });
  // In a frame of its own, which leaves no reference.
  (() => void mapBuffers(heap))();
  const isCollected = (): boolean => heap.stats().bufferCount <= BUFFER_COUNT - COLLECTED_COUNT_MIN;
  const done = await collectGarbageUntil(isCollected);
  process.stdout.write(`${done ? 'most' : 'few'} were given back, ${countShowing()} are shown\n`);
  process.exit();
}

/** The engine writes into what it hands out: no buffer changes by that. */
async function dropSpaces(shared: boolean): Promise<void> {
  const heap = openHeap('system', { backends: ['embedded'] });
  const buffers = Array.from({ length: BUFFER_COUNT }, () => heap.allocate(MiB));
  for (const buffer of buffers) buffer.accessSync('write', (bytes) => bytes.fill(PATTERN));
  // In a frame of its own, which leaves no reference.
  (() => {
    for (const buffer of buffers) createWasmSpace({ length: MiB, shared }).map(buffer);
  })();
  await collectGarbageUntil(() => false, COLLECTIONS);
  const spaces = Array.from({ length: ENGINE_MEMORY_COUNT }, () => createWasmSpace({ length: MiB, shared }));
  const shown = spaces.filter(({ memory }) => new Uint8Array(memory.buffer).some((byte) => byte !== 0));
  for (const { memory } of spaces) new Uint8Array(memory.buffer).fill(PATTERN + 1);
  const isChanged = (bytes: Uint8Array): boolean => bytes.some((byte) => byte !== PATTERN);
  const changed = buffers.filter((buffer) => buffer.accessSync('read', isChanged));
  process.stdout.write(`${shown.length + countShowing()} are shown, ${changed.length} are changed\n`);
}

async function end(): Promise<void> {
  let shownCount = 0;
  for (let round = 0; round < 4; round += 1) {
    const worker = new Worker(new URL(import.meta.url));
    await once(worker, 'message');
    await worker.terminate();
    shownCount += countShowing();
  }
  process.stdout.write(`${shownCount} are shown\n`);
}

if (!isMainThread) {
  const views = mapBuffers(openHeap('system', { backends: ['embedded'] }));
  parentPort?.on('message', () => views.length);
  parentPort?.postMessage('mapped');
} else if (process.argv[2] === 'dropped') await drop();
else if (process.argv[2] === 'wasm') {
  await dropSpaces(false);
  await dropSpaces(true);
  process.exit();
} else await end();
