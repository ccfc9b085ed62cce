import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ControlDescription } from '../../v4l2/control-list.ts';
import type { ControlValue } from '../../v4l2/control-value.ts';
import type { VideoDeviceDescription } from '../../v4l2/list-cameras.ts';
import { parseControlSetting } from './control-setting.ts';
import { formatCamera, formatCameras } from './report.ts';

const STYLE = { columns: 80, bold: (text: string) => text, dim: (text: string) => text };

const BRIGHTNESS: ControlDescription = {
  id: 0x0098_0900,
  name: 'Brightness',
  key: 'brightness',
  type: 'integer',
  group: 'User Controls',
  minimum: 0n,
  maximum: 255n,
  step: 1n,
  defaultValue: 128n,
  menu: [],
  readOnly: false,
  writeOnly: false,
  inactive: false,
  grabbed: false,
  volatile: false,
};

const CAMERA: VideoDeviceDescription = {
  path: '/dev/video0',
  name: 'A Camera',
  stablePaths: ['/dev/v4l/by-id/usb-A_Camera-video-index0'],
  kind: 'capture',
  bus: 'usb-0000:00:14.0-1',
  driver: 'uvcvideo',
  multiPlanar: false,
  mediaController: false,
  refusal: undefined,
  queues: [
    {
      direction: 'capture',
      multiPlanar: false,
      buffers: {
        importsDmaBufs: true,
        ownMemory: true,
        userPointers: true,
        requests: false,
        orphanedBuffers: false,
      },
      current: undefined,
      formats: [
        {
          pixelformat: 0x4750_4a4d,
          fourcc: 'MJPG',
          name: undefined,
          description: 'Motion-JPEG',
          compressed: true,
          emulated: false,
          sizes: [
            { kind: 'discrete', width: 640, height: 480, rates: [{ kind: 'discrete', framesPerSecond: 30 }] },
            { kind: 'discrete', width: 1280, height: 720, rates: [{ kind: 'discrete', framesPerSecond: 30 }] },
            { kind: 'discrete', width: 1920, height: 1080, rates: [{ kind: 'discrete', framesPerSecond: 12.5 }] },
          ],
        },
      ],
    },
  ],
  inputs: [{ index: 0, name: 'Camera 1', powered: true, signal: false, synchronized: true, timings: false }],
  currentInput: 0,
  outputs: [],
  currentOutput: undefined,
  controls: [
    BRIGHTNESS,
    {
      ...BRIGHTNESS,
      key: 'power_line_frequency',
      type: 'menu',
      menu: [
        { index: 0, label: 'Disabled' },
        { index: 1, label: '50 Hz' },
      ],
    },
  ],
};

test('formatCamera() shows formats with sizes of the same rates together, inputs, and controls', () => {
  const values = new Map<string, ControlValue>([
    ['brightness', 130],
    ['power_line_frequency', 1],
  ]);
  assert.deepEqual(formatCamera(CAMERA, values, STYLE), [
    '/dev/video0: A Camera, uvcvideo, usb-0000:00:14.0-1',
    '/dev/v4l/by-id/usb-A_Camera-video-index0',
    '',
    'Frames, capture: fills buffers of heaps, exports its own',
    '  MJPG',
    '      640x480, 1280x720: 30 Hz',
    '      1920x1080: 12.5 Hz',
    '',
    'Inputs',
    '  0: Camera 1 (chosen): no signal',
    '',
    'Controls',
    '  brightness            130 (0 to 255, default 128)',
    '  power_line_frequency  1 50 Hz (0 Disabled, 1 50 Hz)',
  ]);
});

test('formatCameras() says what to do where there is none, and why one cannot be opened', () => {
  assert.match(formatCameras([], STYLE).join(' '), /^No camera: plug one in/u);
  const refused = {
    path: '/dev/video1',
    name: 'Other',
    stablePaths: [],
    kind: 'unknown',
    refusal: { code: 'EACCES', reason: 'the user may not open it' },
  } as const;
  assert.deepEqual(formatCameras([refused], STYLE), [
    'PATH         NAME   DRIVER  BUS',
    '/dev/video1  Other',
    '',
    '/dev/video1: the user may not open it',
  ]);
});

test('parseControlSetting() reads a name and a value, or a button without one', () => {
  assert.deepEqual(parseControlSetting('brightness=12'), { name: 'brightness', value: '12' });
  assert.deepEqual(parseControlSetting('text=a=b'), { name: 'text', value: 'a=b' });
  assert.deepEqual(parseControlSetting('reset'), { name: 'reset', value: undefined });
  assert.throws(() => parseControlSetting('=1'), /as in brightness=128$/u);
});
