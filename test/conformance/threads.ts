import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

import { Fence } from '../../src/heap/importer/index.ts';
import { MiB, discardHandle, isDmaBufError, openHandle } from '../../src/index.ts';
import type { BufferHandle } from '../../src/index.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import type { HandleContents } from '../../src/heap/buffer-handle.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

/** The orders to the worker about its opened buffers. */
export type WorkerOrder =
  | { readonly type: 'open'; readonly handle: BufferHandle }
  | { readonly type: 'count'; readonly times: number }
  /** Answers with the code of the refusal. */
  | { readonly type: 'accessSync' }
  | { readonly type: 'access' }
  /** Waits until it may be read, then begins and ends an access. */
  | { readonly type: 'ready' }
  | { readonly type: 'close' }
  /** Collect everything but the bytes. */
  | { readonly type: 'keepBytes' }
  /** Collect those too. */
  | { readonly type: 'drop' };

/**
 * What goes to the worker, and comes back: an access takes its time, while other orders are obeyed.
 */
export interface NumberedOrder {
  readonly number: number;
  readonly order: WorkerOrder;
}

interface NumberedAnswer {
  readonly number: number;
  readonly answer: unknown;
}

class BufferWorker {
  readonly #worker = new Worker(new URL('worker.js', import.meta.url));
  #orderCount = 0;

  /** Ended with the test in any case. */
  constructor(context: TestContext) {
    context.after(() => this.end());
  }

  /** Resolves with what the worker answers. */
  async tell(order: WorkerOrder): Promise<unknown> {
    this.#orderCount += 1;
    const number = this.#orderCount;
    this.#worker.postMessage({ number, order } satisfies NumberedOrder);
    for await (const [message] of on(this.#worker, 'message')) {
      const { number: answered, answer } = message as NumberedAnswer;
      if (answered === number) return answer;
    }
    throw new Error('The worker is gone');
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

const released = (heap: { stats(): { usedBytes: number } }) => (): boolean => heap.stats().usedBytes === 0;

export function testThreads(subject: HeapUnderTest): void {
  heapTest(subject, 'toHandle() lets a worker count with Atomics in the same memory', async (heap, context) => {
    const buffer = heap.allocate(MiB, { name: 'counters' });
    const view = buffer.vmap();
    const workers = [new BufferWorker(context), new BufferWorker(context)];
    for (const worker of workers) {
      assert.deepEqual(await worker.tell({ type: 'open', handle: buffer.toHandle() }), {
        name: 'counters',
        length: MiB,
      });
    }
    await Promise.all(workers.map((worker) => worker.tell({ type: 'count', times: 50_000 })));
    assert.equal(Atomics.load(view.as(Int32Array), 0), 100_000);
    for (const worker of workers) await worker.tell({ type: 'close' });
    view.close();
    buffer.close();
    assert.ok(await collectGarbageUntil(released(heap)));
  });

  heapTest(
    subject,
    'openHandle() holds the buffer after the thread that allocated it has closed it',
    async (heap, context) => {
      const worker = new BufferWorker(context);
      const buffer = heap.allocate(MiB);
      // Posted and closed at once: the handle itself holds the buffer until it is opened.
      const opened = worker.tell({ type: 'open', handle: buffer.toHandle() });
      buffer.close();
      await opened;
      assert.equal(await worker.tell({ type: 'count', times: 10 }), 10);
      assert.equal(heap.stats().usedBytes, MiB);
      await worker.tell({ type: 'close' });
      assert.equal(heap.stats().usedBytes, 0);
    },
  );

  heapTest(subject, 'openHandle() of a worker that was terminated lets go', async (heap, context) => {
    const worker = new BufferWorker(context);
    const buffer = heap.allocate(MiB);
    const handle = buffer.toHandle();
    await worker.tell({ type: 'open', handle });
    buffer.close();
    assert.equal(heap.stats().usedBytes, MiB);
    await worker.end();
    const done = await collectGarbageUntil(released(heap));
    const { control } = handle as unknown as HandleContents;
    assert.ok(done, `the words that the threads share: ${control.subarray(0, 8).join(' ')}`);
  });

  heapTest(
    subject,
    'ready() and beginCpuAccess() of a worker wait for the fences of the thread that allocated',
    async (heap, context) => {
      const worker = new BufferWorker(context);
      const buffer = heap.allocate(MiB);
      buffer.accessSync('write', (bytes) => bytes.fill(7));
      await worker.tell({ type: 'open', handle: buffer.toHandle() });
      const fence = new Fence('a writer');
      buffer.addFence(fence, 'write');
      const waiting = worker.tell({ type: 'ready' });
      assert.equal(await stateOf(waiting), 'pending');
      fence.signal();
      assert.deepEqual(await waiting, { byte: 7, ended: true, deviceImportable: buffer.deviceImportable });
      await worker.tell({ type: 'close' });
      buffer.close();
    },
  );

  heapTest(subject, 'openHandle() more than once makes more references, and none after the last is gone', (heap) => {
    const buffer = heap.allocate(MiB);
    const handle = buffer.toHandle();
    const [first, second] = [openHandle(handle), openHandle(handle)];
    buffer.close();
    first.close();
    first.close();
    assert.equal(
      second.accessSync('write', (bytes) => bytes.fill(1).length),
      MiB,
    );
    assert.throws(
      () => first.vmap(),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
    const view = second.vmap();
    second.close();
    assert.equal(view.bytes[0], 1);
    assert.equal(heap.stats().usedBytes, MiB);
    view.close();
    assert.equal(heap.stats().usedBytes, 0);
    assert.throws(
      () => openHandle(handle),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
  });

  heapTest(subject, 'openHandle() of one handle, however often, leaves another handle its hold', (heap) => {
    const buffer = heap.allocate(MiB);
    const [first, second] = [buffer.toHandle(), buffer.toHandle()];
    buffer.close();
    for (const opened of [openHandle(first), openHandle(first)]) opened.close();
    assert.equal(discardHandle(first), false);
    assert.equal(heap.stats().usedBytes, MiB);
    openHandle(second).close();
    assert.equal(heap.stats().usedBytes, 0);
  });

  heapTest(
    subject,
    'openHandle() that is dropped unclosed lets go once it is collected, and not while its bytes are used',
    async (heap, context) => {
      const worker = new BufferWorker(context);
      const buffer = heap.allocate(MiB);
      await worker.tell({ type: 'open', handle: buffer.toHandle() });
      buffer.close();
      await worker.tell({ type: 'keepBytes' });
      assert.equal(heap.stats().usedBytes, MiB);
      await worker.tell({ type: 'drop' });
      assert.ok(await collectGarbageUntil(released(heap)));
    },
    ['collection'],
  );

  heapTest(subject, 'accessSync() of an opened handle refuses what that of the buffer refuses', (heap) => {
    const buffer = heap.allocate(MiB);
    const opened = openHandle(buffer.toHandle());
    assert.throws(() => opened.accessSync('rw' as 'read', () => {}), TypeError);
    assert.throws(() => opened.accessSync('read', () => {}, { wait: true } as object), TypeError);
    assert.throws(() => opened.accessSync('read', async () => {}), /'body' must return no promise/u);
    opened.close();
    buffer.close();
    assert.equal(heap.stats().usedBytes, 0);
  });

  heapTest(subject, 'openHandle() works again after every opening was closed, while the buffer is mapped', (heap) => {
    const buffer = heap.allocate(MiB);
    const view = buffer.vmap();
    const handle = buffer.toHandle();
    openHandle(handle).close();
    const again = openHandle(handle);
    view.close();
    buffer.close();
    assert.equal(heap.stats().usedBytes, MiB);
    again.close();
    assert.equal(heap.stats().usedBytes, 0);
    assert.throws(() => openHandle(handle), /make a new one with toHandle/u);
  });

  heapTest(subject, 'discardHandle() lets go of a handle that nobody opened', (heap) => {
    const buffer = heap.allocate(MiB);
    const handle = buffer.toHandle();
    buffer.close();
    assert.equal(heap.stats().usedBytes, MiB);
    assert.equal(discardHandle(handle), true);
    assert.equal(discardHandle(handle), false);
    assert.equal(heap.stats().usedBytes, 0);
    assert.throws(() => openHandle({ type: 'something' } as never), TypeError);
    assert.throws(() => openHandle(null as never), TypeError);
  });

  heapTest(subject, 'access() in a worker waits for fences of the thread that allocated', async (heap, context) => {
    const worker = new BufferWorker(context);
    const buffer = heap.allocate(MiB);
    await worker.tell({ type: 'open', handle: buffer.toHandle() });
    const fence = new Fence();
    buffer.addFence(fence, 'write');
    assert.equal(await worker.tell({ type: 'accessSync' }), 'EAGAIN');
    const answer = worker.tell({ type: 'access' });
    // Obeyed after the access has begun to wait.
    assert.equal(await worker.tell({ type: 'accessSync' }), 'EAGAIN');
    assert.equal(await stateOf(answer), 'pending');
    fence.signal();
    assert.equal(await answer, 'read after the fence');
    await worker.tell({ type: 'close' });
    buffer.close();
    assert.equal(heap.stats().usedBytes, 0);
  });

  heapTest(
    subject,
    'a buffer that is mapped again while another thread holds it, and then forgotten, goes back to the heap',
    async (heap, context) => {
      const worker = new BufferWorker(context);
      const handOverAndForget = async (): Promise<void> => {
        const buffer = heap.allocate(MiB);
        await worker.tell({ type: 'open', handle: buffer.toHandle() });
        assert.equal(buffer.vmap().bytes[0], 0);
      };
      await handOverAndForget();
      await worker.end();
      assert.ok(await collectGarbageUntil(released(heap)));
    },
    ['collection'],
  );

  heapTest(
    subject,
    'a raw SharedArrayBuffer in a worker never shows another buffer after close',
    async (heap, context) => {
      const buffer = heap.allocate(MiB);
      const view = buffer.vmap();
      view.bytes.fill(7);
      const worker = new Worker(
        `const { parentPort } = require('node:worker_threads');
       let bytes;
       parentPort.on('message', (shared) => {
         if (shared) bytes = new Uint8Array(shared);
         parentPort.postMessage([bytes[0], bytes[bytes.length - 1]]);
       });`,
        { eval: true },
      );
      context.after(() => worker.terminate());
      worker.postMessage(view.bytes.buffer);
      assert.deepEqual((await once(worker, 'message'))[0], [7, 7]);
      view.close();
      buffer.close();
      const next = heap.allocate(MiB);
      const nextView = next.vmap();
      nextView.bytes.fill(9);
      worker.postMessage(null);
      assert.deepEqual((await once(worker, 'message'))[0], [0, 0]);
      nextView.close();
      next.close();
    },
  );
}
