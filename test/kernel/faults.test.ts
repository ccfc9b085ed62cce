/**
 * Goal: if any system call of an operation on a real dma-buf fails, nothing leaks and the state is
 * unchanged. Method: as in test/faults/failing-calls.test.ts, on the heaps of the kernel.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { KiB, MiB, SyncFile, discardHandle, isDmaBufError } from '../../src/index.ts';
import { createWasmSpace } from '../../src/heap/wasm/index.ts';
import type { BackendKind, BufferView, DmaBuf, Heap } from '../../src/index.ts';
import { importBuffer } from '../../src/backend/fd-buffer/import-buffer.ts';
import { openHeap } from '../../src/backend/open-heap.ts';
import { createUdmabuf } from '../../src/backend/udmabuf/create-udmabuf.ts';
import type { RawCalls } from '../../src/linux/calls/kernel-calls.ts';
import { SyncFileCalls } from '../../src/linux/calls/sync-file-calls.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

checkLeaksAfterFile();

const LENGTH = 256 * KiB;
const DEVICES: Readonly<Record<'kernel' | 'udmabuf', string>> = {
  kernel: '/dev/dma_heap/system',
  udmabuf: '/dev/udmabuf',
};

/** What an operation works with. */
interface Scene {
  readonly raw: RawCalls;
  readonly heap: Heap;
}

interface Prepared {
  readonly run: () => unknown;
  /** Undoes the operation, if it succeeded, and the preparations. */
  readonly undo: () => void;
}

interface Operation {
  readonly name: string;
  /** Sets the scene, with no call failing. */
  prepare(scene: Scene): Prepared;
}

/** An operation whose result must be closed. */
function making(name: string, make: (buffer: DmaBuf, scene: Scene) => { close(): void }): Operation {
  return {
    name,
    prepare: (scene) => {
      const buffer = scene.heap.allocate(LENGTH, { name: 'prepared' });
      let made: { close(): void } | undefined;
      const run = (): void => {
        made = make(buffer, scene);
      };
      const undo = (): void => {
        made?.close();
        buffer.close();
      };
      return { run, undo };
    },
  };
}

/** An operation without a result to close. */
function doing(name: string, run: (buffer: DmaBuf, scene: Scene) => unknown): Operation {
  return {
    name,
    prepare: (scene) => {
      const buffer = scene.heap.allocate(LENGTH, { name: 'prepared' });
      return { run: () => run(buffer, scene), undo: () => buffer.close() };
    },
  };
}

const OPERATIONS: readonly Operation[] = [
  {
    name: 'allocate()',
    prepare: ({ heap }) => {
      let buffer: DmaBuf | undefined;
      const run = (): void => {
        buffer = heap.allocate(LENGTH, { name: 'allocated' });
      };
      return { run, undo: () => buffer?.close() };
    },
  },
  making('exportFd()', (buffer) => buffer.exportFd()),
  making('vmap()', (buffer) => buffer.vmap()),
  making('vmap({ populate: true })', (buffer) => buffer.vmap({ populate: true })),
  making('beginCpuAccess()', (buffer) => {
    const access = buffer.beginCpuAccessSync('readwrite');
    return { close: () => access.end() };
  }),
  doing('accessSync()', (buffer) => buffer.accessSync('readwrite', (bytes) => bytes.fill(1))),
  doing('access()', async (buffer) => await buffer.access('write', (bytes) => bytes.fill(1))),
  doing('ready()', async (buffer) => await buffer.ready('write')),
  doing('setName()', (buffer) => buffer.setName('renamed')),
  making('exportSyncFile()', (buffer) => buffer.exportSyncFile('readwrite')),
  doing('toHandle()', (buffer) => discardHandle(buffer.toHandle())),
  {
    name: 'importSyncFile()',
    prepare: ({ heap }) => {
      const buffer = heap.allocate(LENGTH);
      const file = buffer.exportSyncFile('write');
      const undo = (): void => {
        file.close();
        buffer.close();
      };
      return { run: () => buffer.importSyncFile(file, 'write'), undo };
    },
  },
  {
    name: 'close() of a view',
    prepare: ({ heap }) => {
      const buffer = heap.allocate(LENGTH);
      const view = buffer.vmap();
      view.bytes.fill(5);
      return { run: () => view.close(), undo: () => buffer.close() };
    },
  },
  {
    name: 'close() of a buffer',
    prepare: ({ heap }) => {
      const buffer = heap.allocate(LENGTH);
      return { run: () => buffer.close(), undo: () => {} };
    },
  },
  {
    name: 'map() into a wasm space',
    prepare: ({ heap }) => {
      const buffer = heap.allocate(LENGTH);
      const space = createWasmSpace({ length: MiB });
      let close = (): void => {};
      const run = (): void => {
        const mapping = space.map(buffer);
        close = () => mapping.close();
      };
      const undo = (): void => {
        close();
        buffer.close();
      };
      return { run, undo };
    },
  },
  {
    name: 'importBuffer()',
    prepare: ({ heap, raw }) => {
      const buffer = heap.allocate(LENGTH);
      const fd = buffer.exportFd();
      buffer.close();
      let imported: DmaBuf | undefined;
      const run = (): void => {
        imported = importBuffer(fd, {}, otherMachine({ raw }));
      };
      const undo = (): void => {
        imported?.close();
        fd.close();
      };
      return { run, undo };
    },
  },
  {
    name: 'merge(), info() and exportFd() of sync files',
    prepare: ({ heap, raw }) => {
      const buffer = heap.allocate(LENGTH);
      const file = buffer.exportSyncFile('write');
      const other = new SyncFile(file.exportFd(), new SyncFileCalls(raw));
      file.close();
      const made: { close(): void }[] = [];
      const run = (): void => {
        for (const each of made.splice(0)) each.close();
        made.push(other.merge(other, 'merged'));
        assert.equal(other.info().status, 1);
        made.push(other.exportFd());
      };
      const undo = (): void => {
        for (const each of [...made, other, buffer]) each.close();
      };
      return { run, undo };
    },
  },
];

/** What must be the same before and after a failure. */
function stateOf({ heap }: Scene): unknown {
  const { usedBytes, bufferCount, mappingCount, pendingReleaseCount } = heap.stats();
  return { usedBytes, bufferCount, mappingCount, pendingReleaseCount, fds: heldMemory().fds.length };
}

async function attempt(run: () => unknown): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * A failure after the work is done, such as in closing a descriptor, must not be reported as a
 * failure of the work: the call is repeated.
 */
async function runWithFailure(operation: Operation, backend: BackendKind, n: number): Promise<boolean> {
  const atFirst = heldMemory();
  const calls = new FailingCalls();
  const heap = openHeap('system', { backends: [backend] }, otherMachine({ raw: calls.raw }));
  const scene = { heap, raw: calls.raw };
  const { run, undo } = operation.prepare(scene);
  const before = stateOf(scene);
  calls.failAt(n);
  const thrown = await attempt(run);
  const { failed } = calls;
  const where = `call ${n}, ${failed}`;
  calls.failAt();
  if (thrown !== undefined) {
    assert.ok(isDmaBufError(thrown), `${where}: ${inspect(thrown)}`);
    assert.equal(thrown.syscall, failed, where);
    if (!operation.name.startsWith('merge()')) assert.deepEqual(stateOf(scene), before, `${where}, changes the state`);
    await run();
  }
  undo();
  const { usedBytes, bufferCount, mappingCount, pendingReleaseCount } = heap.stats();
  assert.deepEqual([usedBytes, bufferCount, mappingCount, pendingReleaseCount], [0, 0, 0, 0], where);
  const fresh = heap.allocate(LENGTH);
  fresh.accessSync('read', (bytes) =>
    assert.ok(
      bytes.every((byte) => byte === 0),
      where,
    ),
  );
  fresh.close();
  heap.close();
  assert.deepEqual(heldMemory(), atFirst, where);
  return failed !== undefined;
}

for (const backend of ['kernel', 'udmabuf'] as const) {
  const skip = cannotOpen(DEVICES[backend]);

  for (const operation of OPERATIONS) {
    test(`${operation.name} of the ${backend} heap: the n-th system call fails, for every n`, { skip }, async () => {
      let n = 1;
      while (await runWithFailure(operation, backend, n)) n += 1;
      assert.ok(n > 1, 'the operation makes at least one system call');
    });
  }

  test(`openHeap() and close() of the ${backend} heap: the n-th system call fails, for every n`, { skip }, () => {
    const before = readdirSync('/proc/self/fd').length;
    let n = 1;
    for (; ; n += 1) {
      const calls = new FailingCalls();
      calls.failAt(n);
      let heap: Heap | undefined;
      try {
        heap = openHeap('system', { backends: [backend] }, otherMachine({ raw: calls.raw }));
        heap.close();
      } catch (error) {
        assert.ok(isDmaBufError(error), inspect(error));
      }
      const { failed } = calls;
      calls.failAt();
      heap?.close();
      assert.equal(readdirSync('/proc/self/fd').length, before, `call ${n}, ${failed}`);
      if (failed === undefined) break;
    }
    assert.equal(n, 3, 'open and close can fail');
  });
}

test('createUdmabuf(): the n-th system call fails, for every n', { skip: cannotOpen(DEVICES.udmabuf) }, () => {
  const memfd = createMemfd({ length: LENGTH });
  const before = readdirSync('/proc/self/fd').length;
  let n = 1;
  for (let failed: string | undefined = 'none yet'; failed !== undefined; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n);
    let buffer: DmaBuf | undefined;
    try {
      buffer = createUdmabuf([{ fd: memfd }, { fd: memfd }], { name: 'made' }, otherMachine({ raw: calls.raw }));
    } catch (error) {
      assert.ok(isDmaBufError(error), inspect(error));
      assert.equal(error.syscall, calls.failed);
    }
    ({ failed } = calls);
    calls.failAt();
    buffer?.close();
    assert.equal(readdirSync('/proc/self/fd').length, before, `call ${n}, ${failed}`);
  }
  assert.ok(n > 8, 'seals, open, create, name, duplicate, length, mode and two closes can fail');
  memfd.close();
});

test('importBuffer() of a memfd: the n-th system call fails, for every n', () => {
  const memfd = createMemfd({ length: LENGTH });
  const before = readdirSync('/proc/self/fd').length;
  const failures: string[] = [];
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    calls.failAt(n);
    let buffer: DmaBuf | undefined;
    let view: BufferView | undefined;
    const importAndMap = (): void => {
      buffer ??= importBuffer(memfd, {}, otherMachine({ raw: calls.raw }));
      view ??= buffer.vmap();
      view.close();
    };
    try {
      importAndMap();
    } catch (error) {
      assert.ok(isDmaBufError(error), inspect(error));
    }
    const { failed } = calls;
    calls.failAt();
    importAndMap();
    buffer?.close();
    assert.equal(readdirSync('/proc/self/fd').length, before, `call ${n}, ${failed}`);
    assert.equal(heldMemory().mappingCount, 0, `call ${n}, ${failed}`);
    if (failed === undefined) break;
    failures.push(failed);
  }
  assert.deepEqual(failures.slice(0, 3), ['fcntl', 'fcntl', 'fcntl'], 'to duplicate, and to ask for seals and mode');
  memfd.close();
});
