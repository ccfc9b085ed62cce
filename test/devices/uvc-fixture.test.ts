/** The camera in software of test/support/uvc/, as the kernel's own driver sees it. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { V4l2Calls } from '../../src/linux/calls/v4l2-calls.ts';
import { V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE } from '../../src/uapi/videodev2-device.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';
import { missingUvc } from '../support/uvc/missing-uvc.ts';
import { SoftwareUvcCamera } from '../support/uvc/software-uvc-camera.ts';

checkLeaksAfterFile();

const skip = missingUvc();
/** A plug takes about 1.2 s on a quiet machine. */
const PLUG_COUNT = Number(process.env['DMABUF_PLUG_COUNT'] ?? 50);

function startCamera(t: TestContext): SoftwareUvcCamera {
  const camera = new SoftwareUvcCamera();
  t.after(() => camera.close());
  return camera;
}

function attribute(path: string, name: string): string {
  return readFileSync(`/sys/class/video4linux/${basename(path)}/${name}`, 'utf8').trim();
}

function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

test('plug() gives a node that uvcvideo drives, with the names of the descriptors', { skip }, async (t) => {
  const path = await startCamera(t).plug();
  const device = `/sys/class/video4linux/${basename(path)}/device`;
  assert.ok(existsSync(path));
  assert.equal(attribute(path, 'name'), 'Software Camera');
  assert.equal(basename(readlinkSync(`${device}/driver`)), 'uvcvideo');
  assert.deepEqual(
    ['manufacturer', 'product', 'serial', 'idVendor', 'idProduct', 'speed'].map((name) =>
      attribute(path, `device/../${name}`),
    ),
    ['dmabuf tests', 'Software Camera', '000017', '1d6b', '0102', '480'],
  );
});

test('plug() gives a device of which QUERYCAP says that it captures and streams', { skip }, async (t) => {
  const path = await startCamera(t).plug();
  const calls = new V4l2Calls();
  using fd = calls.openDevice(path);
  const { driver, card, busInfo, capabilities } = calls.queryCapabilities(fd.borrow());
  assert.deepEqual([driver, card, busInfo], ['uvcvideo', 'Software Camera', 'usb-vhci_hcd.0-1']);
  const expected = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  assert.equal(capabilities & expected, expected);
});

test('unplug() removes the node, and plug() makes one again', { skip }, async (t) => {
  const camera = startCamera(t);
  const path = await camera.plug();
  await camera.unplug();
  assert.ok(!existsSync(path));
  assert.ok(existsSync(await camera.plug()));
});

test(`unplug() leaves no descriptor, here or with the camera: ${PLUG_COUNT} times`, { skip }, async (t) => {
  const camera = startCamera(t);
  await camera.plug();
  await camera.unplug();
  const counts = (): number[] => [process.pid, camera.pid].map(descriptorCount);
  const before = await settled(counts);
  for (let count = 0; count < PLUG_COUNT; count += 1) {
    await camera.plug();
    await camera.unplug();
  }
  await assertSettles(counts, before);
});
