import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { writeFiles, temporaryFolder } from '../../test/support/runner/temporary-folder.ts';
import { isDmaBufError } from '../base/errors.ts';
import { Machine } from '../linux/machine.ts';
import { listDeviceNodes } from './device-nodes.ts';
import { listCameras } from './list-cameras.ts';
import { openCamera } from './camera.ts';

test('listDeviceNodes() has nodes by number, with the paths that stay over reboots', (t) => {
  const root = temporaryFolder(t);
  writeFiles(root, {
    'sys/class/video4linux/video10/name': 'Second\n',
    'sys/class/video4linux/video2/name': 'HD Camera\n',
    'sys/class/video4linux/v4l-subdev0/name': 'sensor\n',
    'dev/video2': '',
    'dev/video10': '',
  });
  mkdirSync(join(root, 'dev/v4l/by-id'), { recursive: true });
  symlinkSync('../../video2', join(root, 'dev/v4l/by-id/usb-Maker_HD_Camera-video-index0'));
  symlinkSync('../../video9', join(root, 'dev/v4l/by-id/usb-gone'));
  assert.deepEqual(listDeviceNodes(new Machine({ root })), [
    { path: '/dev/video2', name: 'HD Camera', stablePaths: ['/dev/v4l/by-id/usb-Maker_HD_Camera-video-index0'] },
    { path: '/dev/video10', name: 'Second', stablePaths: [] },
  ]);
});

test('listCameras() has none on a machine without, and tells of a file that is no device', (t) => {
  const root = temporaryFolder(t);
  assert.deepEqual(listCameras(new Machine({ root })), []);
  writeFiles(root, { 'sys/class/video4linux/video0/name': 'Nothing\n', 'dev/video0': '' });
  const machine = new Machine({ root });
  const [camera, ...others] = listCameras(machine);
  assert.deepEqual([others.length, camera?.kind, camera?.refusal?.code], [0, 'unknown', 'ENOTTY']);
  assert.throws(
    () => openCamera('/dev/video0', {}, machine),
    (error) => isDmaBufError(error, 'ENOTTY') && /\/dev\/video0 is no V4L2 device/u.test(error.message),
  );
  assert.throws(
    () => openCamera('HD Camera', {}, machine),
    (error) => isDmaBufError(error, 'ENODEV') && /no device is called "HD Camera"/u.test(error.message),
  );
});
