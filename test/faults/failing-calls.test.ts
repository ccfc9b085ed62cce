/**
 * Goal: if any system call of an operation fails, nothing leaks and the state is unchanged. Method:
 * run the operation with its first call failing, then its second, …, until it succeeds without a
 * failure.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB, discardHandle, isDmaBufError } from '../../src/index.ts';
import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import type { Heap } from '../../src/index.ts';
import type { WasmMapping } from '../../src/heap/wasm/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { createBlitter } from '../../src/blit/index.ts';
import {
  DRM_FORMAT_MOD_LINEAR,
  DRM_FORMAT_NV12,
  FrameDescription,
  FrameLayout,
  describeFrame,
} from '../../src/picture/index.ts';
import { createFramePool, createSuballocator } from '../../src/pool/index.ts';
import { exportSharedTexture } from '../../src/share/index.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { OPTIONS, SCATTERED, noUndo, testOperations } from './failing-operations.ts';
import type { Operation } from './failing-operations.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

checkLeaksAfterFile();

/**
 * `allocate()` from the arena is not among them: it makes no system call that can fail, only reads
 * files of /proc.
 */
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
  {
    name: 'exportSharedTexture() of planes in two buffers',
    prepare: (heap) => {
      const planes = [4096, 2048].map((length, bufferIndex) => ({ bufferIndex, offset: 0, stride: 64, length }));
      const fields = { width: 64, height: 64, fourcc: DRM_FORMAT_NV12, modifier: DRM_FORMAT_MOD_LINEAR, planes };
      const buffers = planes.map(({ length }) => heap.allocate(length, { shareable: true }));
      const layout = new FrameLayout(new FrameDescription(fields), buffers);
      let close = noUndo;
      return {
        run: () => {
          const texture = exportSharedTexture(layout);
          close = () => texture.close();
        },
        undo: () => {
          close();
          for (const buffer of buffers) buffer.close();
        },
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
    name: 'vmap() of cached memory',
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
    name: 'vmap() of a part, populated',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      buffer.accessSync('write', (bytes) => bytes.fill(6));
      let close = noUndo;
      return {
        run: () => {
          const view = buffer.vmap({ offset: MiB / 2, length: 3 * MiB, populate: true });
          assert.ok(view.bytes.every((byte) => byte === 6));
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
    name: 'close() of a view of a part',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      const view = buffer.vmap({ offset: MiB / 2, length: 3 * MiB });
      view.bytes.fill(5);
      return {
        run: () => view.close(),
        undo: () => buffer.close(),
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
    name: 'close() of a buffer whose pages do not stay cached',
    options: { ...SCATTERED, cached: 0 },
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
    name: 'Suballocator.allocate() of a new chunk',
    prepare: (heap) => {
      const pool = createSuballocator(heap, { chunkLength: MiB });
      return {
        run: () => {
          pool.allocate(100).free();
        },
        undo: () => pool.close(),
      };
    },
  },
  {
    name: 'Blitter.blitSync() of buffers that are not mapped yet',
    options: SCATTERED,
    prepare: (heap) => {
      const description = describeFrame('XRGB8888', { width: 512, height: 512 });
      const layouts = [0, 1].map(() => new FrameLayout(description, [heap.allocate(description.length)]));
      const [source, destination] = layouts as [FrameLayout, FrameLayout];
      const blitter = createBlitter({ length: 8 * MiB });
      return {
        run: () => blitter.blitSync(source, destination, { flip: 'horizontal' }),
        undo: () => {
          blitter.close();
          for (const { buffers } of layouts) buffers[0]?.close();
        },
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

testOperations(operations);

test('openEmbeddedHeap(): the n-th system call fails each time, for every n', () => {
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n, 'memfd_create');
    const before = heldMemory();
    let heap: Heap | undefined;
    try {
      heap = openEmbeddedHeap(OPTIONS, otherMachine({ raw: calls.raw }));
    } catch (error) {
      assert.ok(isDmaBufError(error), String(error));
    }
    const { failed } = calls;
    // Without mremap the heap works without borrowed page tables.
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

test('openEmbeddedHeap() tries again, once garbage is collected, a call that failed for lack of memory or descriptors', () => {
  for (let n = 1; n < 8; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n);
    const before = heldMemory();
    const open = (): void => openEmbeddedHeap(OPTIONS, otherMachine({ raw: calls.raw })).close();
    // The third call, sealing, is not refused for lack of memory or descriptors.
    if (n === 3) assert.throws(open, { code: 'EPERM' });
    else open();
    assert.notEqual(calls.failed, undefined);
    assert.deepEqual(heldMemory(), before, `call ${n}, ${calls.failed}`);
  }
});

test('close() of a heap: the n-th system call fails, and it can be closed again', () => {
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    const heap = openEmbeddedHeap(OPTIONS, otherMachine({ raw: calls.raw }));
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
  const heap = openEmbeddedHeap(OPTIONS, otherMachine({ raw }));
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
