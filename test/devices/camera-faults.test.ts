/** Each system call of a camera and of an output fails once: what is left is nothing. */

import { test } from 'node:test';

import { openHeap } from '../../src/index.ts';
import { openCamera } from '../../src/v4l2/camera.ts';
import { openVideoOutput } from '../../src/v4l2/video-output.ts';
import { CONTIGUOUS_ONLY, MULTI_PLANAR, SINGLE_PLANAR, missingVivid, vividNode } from '../support/devices/vivid.ts';
import { checkEachCallFails } from '../support/devices/each-call-fails.ts';
import type { DeviceOperation } from '../support/devices/each-call-fails.ts';

const skip = missingVivid();

const heap = skip === false ? openHeap('system') : undefined;

function cameraOperation(
  instance: number,
  options: { format: string; width: number; height: number },
): DeviceOperation {
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

const OPERATIONS: Readonly<Record<string, DeviceOperation>> = {
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

for (const [name, operation] of Object.entries(OPERATIONS)) {
  test(
    `openCamera() and its kin: of ${name}, each call that fails is a typed error or is done without`,
    { skip },
    async () => await checkEachCallFails(operation),
  );
}

test('the heap of this file is closed', { skip }, () => {
  heap?.close();
});
