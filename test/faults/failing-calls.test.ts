/**
 * Goal: whichever system call of an operation fails, nothing leaks and everything is as before.
 * Method: run the operation with its first call failing, then its second, …, until it succeeds with none failing.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { MiB, createWasmSpace, discardHandle, isDmaBufError } from '../../src/index.ts';
import type { Heap, WasmMapping } from '../../src/index.ts';
import { openEmbeddedHeapWithin } from '../../src/backend/embedded/index.ts';
import type { EmbeddedHeapOptions } from '../../src/backend/embedded/index.ts';
import { createFramePool } from '../../src/pool/index.ts';
import { FailingCalls } from '../support/failing-calls.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/leak-check.ts';

checkLeaksAfterFile();

const OPTIONS: EmbeddedHeapOptions = { capacity: 64 * MiB };
/** Eight chunks that do not touch: a window of eight runs. */
const SCATTERED: EmbeddedHeapOptions = { ...OPTIONS, fragmentation: { mix: 'B', length: 8 * MiB } };

interface Operation {
  readonly name: string;
  readonly options?: EmbeddedHeapOptions;
  /** Sets the scene, with no call failing. Returns the operation itself, and what undoes it when it succeeded. */
  prepare(heap: Heap): { run: () => unknown; undo: () => void };
}

const noUndo = (): void => {};

/** `allocate()` from the arena is not among them: it makes no system call that can fail, only reads files of /proc. */
const operations: readonly Operation[] = [
  {
    name: 'allocate({ shareable: true }) and exportFd()',
    prepare: (heap) => {
      const cleanups: (() => void)[] = [];
      return {
        run: () => {
          const buffer = heap.allocate(MiB, { shareable: true });
          try {
            const fd = buffer.exportFd();
            cleanups.push(() => fd.close());
          } catch (error) {
            buffer.close();
            throw error;
          }
          cleanups.push(() => buffer.close());
        },
        undo: () => cleanups.forEach((cleanup) => cleanup()),
      };
    },
  },
  ...[false, true].map((populate) => ({
    name: `vmap({ populate: ${populate} }) of eight runs`,
    options: SCATTERED,
    prepare: (heap: Heap) => {
      const buffer = heap.allocate(8 * MiB);
      let close = noUndo;
      return {
        run: () => {
          const view = buffer.vmap({ populate });
          close = () => view.close();
        },
        undo: () => {
          close();
          buffer.close();
        },
      };
    },
  })),
  {
    name: 'vmap({ populate: true }) of a window in use',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      const used = buffer.vmap();
      used.bytes.fill(3);
      let close = noUndo;
      return {
        run: () => {
          const view = buffer.vmap({ populate: true });
          close = () => view.close();
        },
        undo: () => {
          assert.ok(used.bytes.every((byte) => byte === 3));
          close();
          used.close();
          buffer.close();
        },
      };
    },
  },
  {
    name: 'vmap() of warm memory',
    options: SCATTERED,
    prepare: (heap) => {
      const first = heap.allocate(8 * MiB);
      first.accessSync('write', (bytes) => bytes.fill(1));
      first.close();
      const buffer = heap.allocate(8 * MiB);
      let close = noUndo;
      return {
        run: () => {
          const view = buffer.vmap();
          close = () => view.close();
        },
        undo: () => {
          close();
          buffer.close();
        },
      };
    },
  },
  {
    name: 'close() of a view',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      const view = buffer.vmap();
      view.bytes.fill(5);
      return {
        run: () => view.close(),
        undo: () => buffer.close(),
      };
    },
  },
  {
    name: 'close() of a buffer whose pages do not stay warm',
    options: { ...SCATTERED, warm: 0 },
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      buffer.accessSync('write', (bytes) => bytes.fill(5));
      return { run: () => buffer.close(), undo: noUndo };
    },
  },
  {
    name: 'close() of a shareable buffer',
    prepare: (heap) => {
      const buffer = heap.allocate(MiB, { shareable: true });
      return { run: () => buffer.close(), undo: noUndo };
    },
  },
  {
    name: 'accessSync()',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      return {
        run: () => buffer.accessSync('write', (bytes) => bytes.fill(1)),
        undo: () => buffer.close(),
      };
    },
  },
  {
    name: 'toHandle()',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      let discard = noUndo;
      return {
        run: () => {
          const handle = buffer.toHandle();
          discard = () => discardHandle(handle);
        },
        undo: () => {
          discard();
          buffer.close();
        },
      };
    },
  },
  {
    name: 'map() into a wasm space',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      const space = createWasmSpace({ length: 8 * MiB });
      let mapping: WasmMapping | undefined;
      return {
        run: () => {
          mapping ??= space.map(buffer, { populate: true });
        },
        undo: () => {
          mapping?.close();
          buffer.close();
        },
      };
    },
  },
  {
    name: 'close() of a mapping in a wasm space',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      const space = createWasmSpace({ length: 8 * MiB });
      const mapping = space.map(buffer);
      return { run: () => mapping.close(), undo: () => buffer.close() };
    },
  },
  {
    name: 'createFramePool()',
    prepare: (heap) => {
      let close = noUndo;
      return {
        run: () => {
          const pool = createFramePool(heap, { length: MiB, count: 3 });
          close = () => pool.close();
        },
        undo: () => close(),
      };
    },
  },
  {
    name: 'release() of the last frame of a closed pool',
    prepare: (heap) => {
      const pool = createFramePool(heap, { length: MiB, count: 1 });
      const frame = pool.acquire();
      pool.close();
      let released = false;
      const run = (): void => {
        if (released) pool.close();
        released = true;
        frame.release();
      };
      return { run, undo: noUndo };
    },
  },
];

/** What must be the same before and after a failure. */
function stateOf(heap: Heap): unknown {
  const { usedBytes, bufferCount, mappingCount, freeBlockCounts } = heap.stats();
  return { usedBytes, bufferCount, mappingCount, freeBlockCounts, fds: heldMemory().fds.length };
}

for (const operation of operations) {
  test(`${operation.name}: the n-th system call fails, for every n`, () => {
    let n = 1;
    for (; ; n += 1) {
      if (!runWithFailure(operation, n)) break;
    }
    assert.ok(n > 1, 'the operation makes at least one system call');
  });
}

/** Runs the operation with its n-th call failing. False when it has fewer calls than that. */
function runWithFailure(operation: Operation, n: number): boolean {
  const calls = new FailingCalls();
  const heap = openEmbeddedHeapWithin({ raw: calls.raw }, operation.options ?? OPTIONS, 'a test');
  const { run, undo } = operation.prepare(heap);
  const before = stateOf(heap);
  calls.failAt(n);
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  const { failed } = calls;
  calls.failAt();
  if (thrown !== undefined) {
    assert.ok(isDmaBufError(thrown), `call ${n}, ${failed}: ${inspect(thrown)}`);
    assert.equal(thrown.syscall, failed);
    assert.deepEqual(stateOf(heap), before, `call ${n}, ${failed}, leaves the state changed`);
    // As before also means: it can be done now.
    run();
  }
  undo();
  const left = heap.stats();
  assert.deepEqual(
    [left.usedBytes, left.bufferCount, left.mappingCount, left.waitingCount],
    [0, 0, 0, 0],
    `call ${n}, ${failed}`,
  );
  const whole = heap.allocate(8 * MiB);
  whole.accessSync('read', (bytes) =>
    assert.ok(
      bytes.every((byte) => byte === 0),
      `call ${n}, ${failed}: a byte is left over`,
    ),
  );
  whole.close();
  heap.close();
  assert.deepEqual(heldMemory().fds, [], `call ${n}, ${failed}`);
  return failed !== undefined;
}

test('openEmbeddedHeap(): the n-th system call fails, for every n', () => {
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n);
    const before = heldMemory();
    let heap: Heap | undefined;
    try {
      heap = openEmbeddedHeapWithin({ raw: calls.raw }, OPTIONS, 'a test');
    } catch (error) {
      assert.ok(isDmaBufError(error), String(error));
    }
    const { failed } = calls;
    // Without mremap the heap does without borrowed page tables.
    assert.equal(heap === undefined, failed !== undefined && failed !== 'mremap');
    calls.failAt();
    heap?.close();
    assert.deepEqual(heldMemory(), before, `call ${n}, ${failed}`);
    if (failed === undefined) {
      assert.equal(n, 8, 'memfd_create, ftruncate, fcntl, two mmaps, an mremap and a munmap can fail');
      return;
    }
  }
});

test('close() of a heap: the n-th system call fails, and it can be closed again', () => {
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    const heap = openEmbeddedHeapWithin({ raw: calls.raw }, OPTIONS, 'a test');
    calls.failAt(n);
    try {
      heap.close();
      assert.equal(calls.failed, undefined);
    } catch (error) {
      assert.ok(isDmaBufError(error));
    }
    const { failed } = calls;
    calls.failAt();
    heap.close();
    assert.deepEqual(heldMemory().fds, [], `call ${n}, ${failed}`);
    if (failed === undefined) return;
  }
});

test('close() of a heap unmaps its arena once, even when it is called again after an error', () => {
  const calls = new FailingCalls();
  let munmapCount = 0;
  const raw = {
    ...calls.raw,
    munmap: (address: number, length: number) => (munmapCount++, calls.raw.munmap(address, length)),
  };
  const heap = openEmbeddedHeapWithin({ raw }, OPTIONS, 'a test');
  munmapCount = 0;
  calls.failAt(2);
  assert.throws(
    () => heap.close(),
    (error) => isDmaBufError(error, 'EIO'),
  );
  assert.equal(calls.failed, 'close');
  calls.failAt();
  assert.throws(
    () => heap.allocate(MiB),
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
  heap.close();
  assert.equal(munmapCount, 1);
});
