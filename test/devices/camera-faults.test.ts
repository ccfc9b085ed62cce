/** Each system call of a camera and of an output fails once: what is left is nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openHeap } from '../../src/index.ts';
import { isDmaBufError } from '../../src/base/errors.ts';
import { Machine } from '../../src/linux/machine.ts';
import { openCamera } from '../../src/v4l2/camera.ts';
import { openVideoOutput } from '../../src/v4l2/video-output.ts';
import {
  CONTIGUOUS_ONLY,
  MULTI_PLANAR,
  SINGLE_PLANAR,
  heldFiles,
  missingVivid,
  vividNode,
} from '../support/devices/vivid.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';

const skip = missingVivid();

/** Opens a device, uses it, and closes it. */
type Operation = (machine: Machine) => Promise<void>;

const heap = skip === false ? openHeap('system') : undefined;

function cameraOperation(instance: number, options: { format: string; width: number; height: number }): Operation {
  return async (machine) => {
    const { path } = vividNode(instance, 'capture');
    const camera = openCamera(path, { ...options, rate: 30, input: 0, heap, buffers: 2 }, machine);
    try {
      let left = 2;
      for await (const frame of camera.frames()) {
        frame.layout.accessSync('read', ([plane]) => plane?.bytes[0]);
        frame.close();
        left -= 1;
        if (left === 0) break;
      }
    } finally {
      camera.close();
    }
  };
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'a single-planar camera': cameraOperation(SINGLE_PLANAR, { format: 'YUYV', width: 320, height: 180 }),
  'a multi-planar camera': cameraOperation(MULTI_PLANAR, { format: 'NM12', width: 320, height: 180 }),
  'a camera whose memory is exported': cameraOperation(CONTIGUOUS_ONLY, {
    format: 'XRGB8888',
    width: 1280,
    height: 720,
  }),
  'an output': async (machine) => {
    const { path } = vividNode(SINGLE_PLANAR, 'output');
    const output = openVideoOutput(path, { output: 1, format: 'YUYV', heap }, machine);
    try {
      for (let count = 0; count < 6; count += 1) (await output.acquireWhenFree()).submit();
    } finally {
      output.close();
    }
  },
};

/** Whichever ways there are to say so: several things that failed are an AggregateError. */
function isTyped(error: unknown): boolean {
  return error instanceof AggregateError ? error.errors.every(isTyped) : isDmaBufError(error);
}

for (const [name, operation] of Object.entries(OPERATIONS)) {
  test(
    `openCamera() and its kin: of ${name}, each call that fails is a typed error or is done without`,
    { skip },
    async () => {
      const failing = new FailingCalls();
      const machine = new Machine({ raw: failing.raw });
      const before = heldFiles();
      let [failed, n] = [0, 1];
      for (; ; n += 1) {
        failing.failAt(n);
        try {
          await operation(machine);
        } catch (error) {
          assert.ok(isTyped(error), `call ${n} (${failing.failed}): ${String(error)}`);
          failed += 1;
        }
        const wasReached = failing.failed !== undefined;
        failing.failAt();
        assert.deepEqual(heldFiles(), before, `call ${n}`);
        if (!wasReached) break;
      }
      assert.ok(failed >= 5, `${failed} of ${n} failed`);
    },
  );
}

test('the heap of this file is closed', { skip }, () => {
  heap?.close();
});
