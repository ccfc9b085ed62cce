/** What vivid can be told to do wrong, and what becomes of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { openCamera } from '../../src/v4l2/index.ts';
import type { Camera, CameraFrames } from '../../src/v4l2/index.ts';
import { SINGLE_PLANAR, missingVivid, heldFiles, setControl, vividNode } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';

const skip = missingVivid();
checkLeaksAfterFile();

const OPTIONS = { width: 320, height: 180, format: 'YUYV', rate: 60 } as const;
/** More than are under way when one is to be damaged. */
const FRAMES_TO_DAMAGE = 20;

function nodePath(): string {
  return vividNode(SINGLE_PLANAR, 'capture').path;
}

function open(): Camera {
  return openCamera(nodePath(), OPTIONS);
}

async function readUntilItFails(frames: CameraFrames): Promise<void> {
  for (;;) {
    const { value, done } = await frames.next();
    if (done === true) return;
    value.close();
  }
}

/** Faults that end a stream, or keep it from beginning. */
const ENDING: readonly {
  readonly control: string;
  readonly when: 'before open' | 'before streaming' | 'while streaming';
  readonly code: DmaBufErrorCode;
  readonly syscall: string;
  readonly message: RegExp;
}[] = [
  {
    control: 'inject_vidioc_reqbufs_error',
    when: 'before open',
    code: 'EINVAL',
    syscall: 'VIDIOC_REQBUFS',
    message: /^Cannot open \/dev\/video\d+ \(VIDIOC_REQBUFS failed with EINVAL\)/u,
  },
  {
    control: 'inject_vidioc_streamon_error',
    when: 'before streaming',
    code: 'EINVAL',
    syscall: 'VIDIOC_STREAMON',
    message: /^Cannot stream \/dev\/video\d+ \(VIDIOC_STREAMON failed with EINVAL\)/u,
  },
  {
    control: 'inject_vidioc_qbuf_error',
    when: 'while streaming',
    code: 'EINVAL',
    syscall: 'VIDIOC_QBUF',
    message: /^Cannot stream \/dev\/video\d+ \(VIDIOC_QBUF failed with EINVAL\)/u,
  },
  {
    control: 'inject_fatal_streaming_error',
    when: 'while streaming',
    code: 'EIO',
    syscall: 'VIDIOC_DQBUF',
    message: /streaming error: close it and open it again/u,
  },
  {
    control: 'disconnect',
    when: 'while streaming',
    code: 'ENODEV',
    syscall: 'VIDIOC_DQBUF',
    message: /it was unplugged/u,
  },
];

for (const { control, when, code, syscall, message } of ENDING) {
  test(
    `camera ${control} ${when} is ${code} of ${syscall}; nothing is left, and the camera works again`,
    { skip },
    async () => {
      const before = await settled(heldFiles);
      await assert.rejects(
        async () => {
          if (when === 'before open') setControl(nodePath(), control);
          const camera = open();
          try {
            if (when === 'before streaming') camera.controls.set(control);
            const frames = camera.frames();
            (await frames.next()).value?.close();
            camera.controls.set(control);
            await readUntilItFails(frames);
          } finally {
            camera.close();
          }
        },
        (error) => {
          assert.ok(isDmaBufError(error));
          assert.deepEqual([error.code, error.syscall], [code, syscall]);
          assert.match(error.message, message);
          return true;
        },
      );
      await assertSettles(heldFiles, before);
      const again = open();
      (await again.frames().next()).value?.close();
      again.close();
    },
  );
}

test(
  'camera inject_vidioc_qbuf_error before open is a driver that refuses the heap’s buffers: its own are exported',
  { skip },
  async () => {
    setControl(nodePath(), 'inject_vidioc_qbuf_error');
    const camera = open();
    assert.equal(camera.memory.kind, 'exported');
    assert.match(camera.memory.reason, /VIDIOC_QBUF failed with EINVAL/u);
    const frames = camera.frames();
    (await frames.next()).value?.close();
    camera.close();
  },
);

test('camera inject_v4l2_buf_flag_error is one damaged frame, and streaming goes on', { skip }, async () => {
  for (const skipDamaged of [false, true]) {
    const camera = open();
    const frames = camera.frames({ skipDamaged });
    (await frames.next()).value?.close();
    let damagedSeen = 0;
    for (let count = 0; camera.counts.damagedCount === 0 || damagedSeen < (skipDamaged ? 0 : 1); count += 1) {
      // A reader that is too slow misses frames, and may have missed the damaged one.
      if (count % FRAMES_TO_DAMAGE === 0) camera.controls.set('inject_v4l2_buf_flag_error');
      const { value } = await frames.next();
      if (value?.damaged === true) damagedSeen += 1;
      value?.close();
    }
    (await frames.next()).value?.close();
    assert.equal(damagedSeen, skipDamaged ? 0 : 1);
    camera.close();
  }
});

test('camera percentage_of_dropped_buffers is lost frames, counted by their sequence', { skip }, async () => {
  const camera = open();
  camera.controls.set('percentage_of_dropped_buffers', 50);
  const frames = camera.frames();
  let [dropped, first, last] = [0, -1, -1];
  for (let count = 0; count < 20; count += 1) {
    const { value } = await frames.next();
    dropped += value?.droppedCount ?? 0;
    last = value?.sequence ?? -1;
    if (first === -1) first = last;
    value?.close();
  }
  const { lostCount, droppedCount } = camera.counts;
  camera.controls.set('percentage_of_dropped_buffers', 0);
  camera.close();
  assert.ok(lostCount > 0);
  assert.equal(dropped, last - first - 19);
  assert.ok(dropped <= lostCount + droppedCount);
});

test('camera wrap_sequence_number goes on counting beyond 2^32', { skip }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'capture');
  setControl(path, 'wrap_sequence_number', true);
  // vivid begins 128 frames before: seconds, in which a slow guest takes the first one.
  const camera = openCamera(path, { ...OPTIONS, rate: 30 });
  const frames = camera.frames();
  let last = (await frames.next()).value;
  assert.ok((last?.sequence ?? 0) >= 2 ** 32 - 128 && (last?.sequence ?? 0) < 2 ** 32);
  last?.close();
  while ((last?.sequence ?? 0) < 2 ** 32 + 5) {
    const { value } = await frames.next();
    assert.equal(value?.droppedCount, (value?.sequence ?? 0) - (last?.sequence ?? 0) - 1);
    assert.ok((value?.droppedCount ?? -1) >= 0 && (value?.droppedCount ?? 2 ** 32) < 2 ** 31);
    value?.close();
    last = value;
  }
  camera.close();
  setControl(path, 'wrap_sequence_number', false);
});

test('camera frames that are not compressed are whole, and tell how many bytes they have', { skip }, async () => {
  const camera = open();
  const frames = camera.frames();
  const { value } = await frames.next();
  assert.deepEqual([value?.short, value?.bytesUsed], [false, [320 * 180 * 2]]);
  camera.close();
});
