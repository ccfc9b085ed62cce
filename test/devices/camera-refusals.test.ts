/** What cameras and outputs are refused for: other programs, pipelines, the USB bus. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { Machine } from '../../src/linux/machine.ts';
import { VIDIOC_STREAMON } from '../../src/uapi/videodev2-buffers.ts';
import { openCamera } from '../../src/v4l2/camera.ts';
import { openVideoOutput } from '../../src/v4l2/video-output.ts';
import { SINGLE_PLANAR, heldFiles, missingVivid, setControl, vividNode } from '../support/devices/vivid.ts';
import { rawCallsWith } from '../support/fakes/raw-calls.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';
import { missingUvc } from '../support/uvc/missing-uvc.ts';
import { SoftwareUvcCamera } from '../support/uvc/software-uvc-camera.ts';

checkLeaksAfterFile();

const skip = missingVivid();
const OPTIONS = { width: 320, height: 180, format: 'YUYV' } as const;
const V4L2_CTL = 'v4l2-ctl';

let usbCamera: SoftwareUvcCamera | undefined;

after(async () => {
  await usbCamera?.close();
});

/** Streams from a device, for ever, under a name of its own. */
const STREAMING_SCRIPT = `
  import { openCamera } from '${new URL('../../src/v4l2/index.js', import.meta.url).href}';
  process.title = 'kiosk';
  const camera = openCamera(process.argv[1], ${JSON.stringify(OPTIONS)});
  const frames = camera.frames();
  const reading = (async () => { for (;;) (await frames.next()).value?.close(); })();
  console.log('streaming');
  await reading;
`;

/** A process that streams from a device. Resolves once it has said something. */
async function startStreaming(t: TestContext, program: string, words: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
  for (const stream of [child.stdout, child.stderr]) stream.resume();
  return child;
}

/** Opening says who streams, leaves nothing, and works once that one is gone. */
async function assertNamed(path: string, child: ChildProcess, name: string): Promise<void> {
  const before = await settled(heldFiles);
  assert.equal(child.exitCode, null, 'It streams');
  assert.throws(
    () => openCamera(path, { width: 640, height: 360, format: 'YUYV', adjust: true }),
    (error) => {
      assert.ok(isDmaBufError(error, 'EBUSY'), String(error));
      const expected = `Cannot open ${path} as "${name}" (PID ${child.pid}) has it open (${error.syscall} failed with EBUSY)`;
      assert.equal(error.message, expected);
      assert.equal(error.values['path'], path);
      return true;
    },
  );
  await assertSettles(heldFiles, before);
  child.kill('SIGKILL');
  await once(child, 'exit');
  openCamera(path, OPTIONS).close();
}

test('openCamera() names the process that streams from the camera: EBUSY', { skip }, async (t) => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  const words = ['--input-type=module', '--eval', STREAMING_SCRIPT, path];
  await assertNamed(path, await startStreaming(t, process.execPath, words), 'kiosk');
});

test('openCamera() names the process that streams from a USB camera: EBUSY', { skip: missingUvc() }, async (t) => {
  usbCamera = new SoftwareUvcCamera();
  const path = await usbCamera.plug();
  const words = ['--input-type=module', '--eval', STREAMING_SCRIPT, path];
  await assertNamed(path, await startStreaming(t, process.execPath, words), 'kiosk');
});

const noProgram = spawnSync(V4L2_CTL, ['--version']).error === undefined ? false : `there is no ${V4L2_CTL} here`;

test('openCamera() names v4l2-ctl, which streams from the camera: EBUSY', { skip: skip || noProgram }, async (t) => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  await assertNamed(path, await startStreaming(t, V4L2_CTL, ['-d', path, '--stream-mmap']), 'v4l2-ctl');
});

/** A machine in which streaming is refused, as often as is said. */
function refusingToStream(errno: number, count: number): Machine {
  let left = count;
  const raw = rawCallsWith({
    ioctl: (fd, request, argument) => {
      if (request !== VIDIOC_STREAMON || left === 0) return kernelCalls.ioctl(fd, request, argument);
      left -= 1;
      return -errno;
    },
  });
  return new Machine({ raw });
}

/** errno(3), and what is said of it. */
const STREAM_REFUSALS: readonly (readonly [DmaBufErrorCode, errno: number, remedy: RegExp])[] = [
  ['EPIPE', 32, /the media controller connects .*set it up by media-ctl \(v4l-utils\), or use libcamera/u],
  ['ENOLINK', 67, /the media controller connects .*set it up by media-ctl \(v4l-utils\), or use libcamera/u],
  ['ENOSPC', 28, /the USB bus has no bandwidth left for it: take a smaller size, a lower rate or a compressed format/u],
];

function isRefusal(path: string, code: DmaBufErrorCode, remedy: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isDmaBufError(error, code), String(error));
    assert.deepEqual([error.syscall, error.values['path']], ['VIDIOC_STREAMON', path]);
    assert.match(error.message, remedy);
    return true;
  };
}

for (const [code, errno, remedy] of STREAM_REFUSALS) {
  test(`camera.frames() refused with ${code} says what helps, and can be tried again`, { skip }, async () => {
    const before = await settled(heldFiles);
    const { path } = vividNode(SINGLE_PLANAR, 'capture');
    using camera = openCamera(path, { ...OPTIONS, buffers: 2 }, refusingToStream(errno, 3));
    for (let count = 0; count < 3; count += 1)
      await assert.rejects(camera.frames().next(), isRefusal(path, code, remedy));
    (await camera.frames().next()).value?.close();
    camera.close();
    await assertSettles(heldFiles, before);
  });

  test(
    `submit() of an output refused with ${code} says what helps, and its frame is free again`,
    { skip },
    async () => {
      const before = await settled(heldFiles);
      const { path } = vividNode(SINGLE_PLANAR, 'output');
      using output = openVideoOutput(path, { output: 1, format: 'YUYV', buffers: 3 }, refusingToStream(errno, 5));
      for (let count = 0; count < 5; count += 1) {
        const frame = output.acquire();
        assert.throws(() => frame.submit(), isRefusal(path, code, remedy));
        assert.equal(output.queuedCount, 0);
      }
      for (let count = 0; count < 6; count += 1) (await output.acquireWhenFree()).submit();
      output.close();
      await assertSettles(heldFiles, before);
    },
  );
}

test(
  'submit() of an output whose driver refuses to stream frees the frame, which is taken back',
  { skip },
  async () => {
    const { path } = vividNode(SINGLE_PLANAR, 'output');
    using output = openVideoOutput(path, { output: 1, format: 'YUYV', buffers: 3 });
    for (let count = 0; count < 5; count += 1) {
      setControl(path, 'inject_vidioc_streamon_error');
      const frame = output.acquire();
      assert.throws(
        () => frame.submit(),
        (error) => isDmaBufError(error, 'EINVAL') && error.syscall === 'VIDIOC_STREAMON',
      );
    }
    for (let count = 0; count < 6; count += 1) (await output.acquireWhenFree()).submit();
  },
);
