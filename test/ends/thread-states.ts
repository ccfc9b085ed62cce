/** The states in which threads end: each runs until then. */

import { setImmediate } from 'node:timers/promises';

import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import { Fence } from '../../src/heap/importer/index.ts';
import { KiB, openHandle, openHeap } from '../../src/index.ts';
import type { BufferHandle, Heap } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { createFramePool } from '../../src/pool/index.ts';
import { connect, listen } from '../../src/share/index.ts';
import { createFrameRing, joinFrameRing } from '../../src/share/ring/index.ts';
import type { BufferConnection } from '../../src/share/index.ts';

/** What a state works with. */
export interface StateSetup {
  /** Where the main thread listens for connections, and serves its frame ring. */
  readonly listenerPath: string;
  readonly ringPath: string;
  /** Where this thread may listen. */
  readonly ownPath: string;
  /** Of a buffer of the main thread's. */
  readonly handle: BufferHandle;
  /** Tells that the state is reached: from then on the thread may end at any instant. */
  readonly reached: () => void;
}

type State = (setup: StateSetup) => Promise<void>;

const FRAME_LENGTH = 64 * KiB;

function openHeapOfState(): Heap {
  return openHeap('system', { backends: ['embedded'] });
}

/** Until the thread ends. */
async function forEver(step: () => Promise<void> | void): Promise<void> {
  for (;;) {
    await step();
    await setImmediate();
  }
}

async function connected(setup: StateSetup): Promise<BufferConnection> {
  const connection = await connect(setup.listenerPath);
  setup.reached();
  return connection;
}

export const THREAD_STATES = {
  async loads({ reached }) {
    reached();
    await Promise.resolve();
  },

  async allocates({ reached }) {
    const heap = openHeapOfState();
    reached();
    await forEver(() => {
      const kept = heap.allocate(16 * FRAME_LENGTH);
      kept.vmap().bytes.fill(1);
      const shareable = heap.allocate(FRAME_LENGTH, { shareable: true });
      shareable.vmap();
      shareable.exportFd();
      kept.close();
    });
  },

  async 'keeps an arena, a wasm space and a pool'({ reached }) {
    const heap = openEmbeddedHeap({ capacity: 64 * FRAME_LENGTH });
    const buffer = heap.allocate(FRAME_LENGTH);
    createWasmSpace({ length: 4 * FRAME_LENGTH }).map(buffer);
    const pool = createFramePool(heap, { length: FRAME_LENGTH, count: 4 });
    reached();
    await forEver(async () => {
      const frame = await pool.acquireWhenFree();
      frame.bytes.fill(2);
      frame.release();
    });
  },

  async receives(setup) {
    const connection = await connected(setup);
    for await (const message of connection) message.close();
  },

  async sends(setup) {
    const connection = await connected(setup);
    const buffer = openHeapOfState().allocate(FRAME_LENGTH, { shareable: true });
    await forEver(async () => await connection.send({ message: 'x'.repeat(1000), buffers: [buffer] }));
  },

  async listens({ ownPath, reached }) {
    const listener = await listen(ownPath);
    reached();
    for await (const connection of listener) connection.close();
  },

  async connects({ listenerPath, reached }) {
    reached();
    await forEver(async () => {
      await connect(listenerPath);
    });
  },

  async 'waits for a fence'({ reached }) {
    const buffer = openHeapOfState().allocate(FRAME_LENGTH);
    buffer.addFence(new Fence(), 'write');
    reached();
    await buffer.access('write', () => {});
  },

  async 'opens handles'({ handle, reached }) {
    reached();
    await forEver(() => {
      const buffer = openHandle(handle);
      buffer.vmap();
      if (Math.random() < 0.5) buffer.close();
    });
  },

  async 'consumes a ring'({ ringPath, reached }) {
    const consumer = await joinFrameRing(await connect(ringPath), { mode: 'newest' });
    reached();
    for await (const frame of consumer) frame.release();
  },

  async 'publishes to a ring'({ ownPath, reached }) {
    const ring = createFrameRing(openHeapOfState(), { frameLength: FRAME_LENGTH, frameCount: 4 });
    const listener = await listen(ownPath);
    const consumer = joinFrameRing(await connect(ownPath), { mode: 'every' });
    await ring.addConsumer(await listener.accept(), { block: true });
    await consumer;
    reached();
    // Blocks soon, as the consumer takes nothing.
    await forEver(async () => {
      const frame = await ring.acquireWhenFree();
      frame.bytes.fill(3);
      frame.publish();
    });
  },
} as const satisfies Readonly<Record<string, State>>;

export type ThreadStateName = keyof typeof THREAD_STATES;
