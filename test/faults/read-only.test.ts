/** As failing-calls.test.ts, for read-only buffers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MiB, isDmaBufError } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import { importBuffer } from '../../src/backend/fd-buffer/import-buffer.ts';
import { F_SEAL_SHRINK, F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { SCATTERED, noUndo, testOperations } from './failing-operations.ts';
import type { Operation } from './failing-operations.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

checkLeaksAfterFile();

const operations: readonly Operation[] = [
  {
    name: "allocate({ shareable: 'read-only' }), vmap() and exportFd()",
    prepare: (heap) => {
      const closables: { close(): void }[] = [];
      const undo = (): void => closables.splice(0).forEach((each) => each.close());
      const run = (): void => {
        try {
          const buffer = heap.allocate(MiB, { shareable: 'read-only' });
          closables.push(buffer);
          closables.unshift(buffer.vmap({ populate: true }));
          closables.push(buffer.exportFd());
        } catch (error) {
          undo();
          throw error;
        }
      };
      return { run, undo };
    },
  },
  {
    name: "close() of a buffer of { shareable: 'read-only' }",
    prepare: (heap) => {
      const buffer = heap.allocate(MiB, { shareable: 'read-only' });
      return { run: () => buffer.close(), undo: noUndo };
    },
  },
  ...[false, true].map((populate) => ({
    name: `vmap({ readOnly: true, populate: ${populate} }) of eight runs`,
    options: SCATTERED,
    prepare: (heap: Heap) => {
      const buffer = heap.allocate(8 * MiB);
      const writer = buffer.vmap();
      writer.bytes.fill(3);
      let close = noUndo;
      return {
        run: () => {
          const view = buffer.vmap({ readOnly: true, populate });
          close = () => view.close();
        },
        undo: () => {
          assert.ok(writer.bytes.every((byte) => byte === 3));
          close();
          writer.close();
          buffer.close();
        },
      };
    },
  })),
  {
    name: 'close() of a read-only view beside another',
    options: SCATTERED,
    prepare: (heap) => {
      const buffer = heap.allocate(8 * MiB);
      const writer = buffer.vmap();
      writer.bytes.fill(5);
      const reader = buffer.vmap({ readOnly: true });
      return {
        run: () => reader.close(),
        undo: () => {
          assert.ok(writer.bytes.every((byte) => byte === 5));
          writer.close();
          buffer.close();
        },
      };
    },
  },
];

testOperations(operations);

test("importBuffer(fd, { mode: 'read' }) and vmap(): the n-th system call fails, for every n", async () => {
  const fd = createMemfd({ length: MiB, seals: F_SEAL_SHRINK | F_SEAL_WRITE });
  for (let n = 1; ; n += 1) {
    const calls = new FailingCalls();
    const before = await settledDescriptors();
    calls.failAt(n);
    const closables: { close(): void }[] = [];
    try {
      const buffer = importBuffer(fd, { mode: 'read' }, otherMachine({ raw: calls.raw }));
      closables.push(buffer);
      const view = buffer.vmap({ populate: true });
      closables.push(view);
      assert.equal(view.bytes[MiB - 1], 0);
      view.close();
    } catch (error) {
      assert.ok(isDmaBufError(error), String(error));
      assert.notEqual(calls.failed, undefined);
    }
    const { failed } = calls;
    calls.failAt();
    for (const each of closables) each.close();
    await assertHeld(before, `call ${n}, ${failed}`);
    if (failed === undefined) break;
  }
  fd.close();
});
