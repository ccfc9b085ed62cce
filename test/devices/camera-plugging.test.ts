/** A camera that is unplugged while it streams: vivid, taken away from its driver. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { isDmaBufError } from '../../src/index.ts';
import { openCamera } from '../../src/v4l2/index.ts';
import { heldDescriptors } from '../share/held-descriptors.ts';
import { readDmaBufTotals } from '../support/devices/dma-buf-totals.ts';
import { CONTIGUOUS_ONLY, SINGLE_PLANAR, bindVivid, missingVivid } from '../support/devices/vivid.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { settled } from '../support/runner/settled.ts';

const skip = missingVivid();
checkLeaksAfterFile();

const SIZE = { width: 640, height: 360 };

/** A round takes about 0.9 s of a guest that TCG runs. 500 in a soak: docs/guide/guest.md. */
const PLUG_COUNT = Number(process.env['DMABUF_PLUG_COUNT'] ?? '10');

/** vivid's devices by whose memory their frames lie in. */
const CAMERAS = [
  { memory: 'imported', instance: SINGLE_PLANAR, options: { ...SIZE, format: 'YUYV', buffers: 4 } },
  {
    memory: 'exported',
    instance: CONTIGUOUS_ONLY,
    options: { width: 1280, height: 720, format: 'XRGB8888', buffers: 2 },
  },
] as const;

/** What a camera could leave behind: here, and of the machine's dma-bufs and their bytes. */
interface Holdings {
  readonly descriptors: Readonly<Record<string, number>>;
  readonly mappingCount: number;
  readonly dmaBufs: string;
}

function readHoldings(): Holdings {
  return {
    descriptors: heldDescriptors(),
    mappingCount: heldMemory().mappingCount,
    dmaBufs: readDmaBufTotals(),
  };
}

/** Opens the camera and streams, unplugs it with a frame still held, closes it, and plugs it in. */
async function unplugWhileStreaming({ memory, instance, options }: (typeof CAMERAS)[number]): Promise<void> {
  const camera = openCamera(`platform:vivid-00${instance}`, options);
  assert.equal(camera.memory.kind, memory);
  const frames = camera.frames();
  const held = (await frames.next()).value;
  held?.layout.accessSync('read', ([plane]) => plane?.bytes[0]);
  bindVivid('unbind');
  await assert.rejects(
    async () => {
      for (;;) (await frames.next()).value?.close();
    },
    (error) => isDmaBufError(error, 'ENODEV') && /unplugged/u.test(error.message),
  );
  camera.close();
  bindVivid('bind');
}

for (const camera of CAMERAS) {
  const title = `camera.frames() over ${camera.memory} memory ends with ENODEV when unplugged, ${PLUG_COUNT} times: no descriptor, mapping or page is left`;
  test(title, { skip }, async (t) => {
    // What the first camera of a process opens for good.
    await unplugWhileStreaming(camera);
    await collectGarbageUntil(() => heldMemory().mappingCount === 0);
    const before = await settled(readHoldings);
    const begin = performance.now();
    for (let round = 0; round < PLUG_COUNT; round += 1) await unplugWhileStreaming(camera);
    t.diagnostic(`${Math.round((performance.now() - begin) / PLUG_COUNT)} ms a round`);
    await collectGarbageUntil(() => isDeepStrictEqual(readHoldings(), before));
    assert.deepEqual(readHoldings(), before);
    t.diagnostic(`before and after: ${JSON.stringify(before)}`);
  });
}

test('openCamera() with reconnect goes on when the camera is plugged in again', { skip }, async () => {
  const camera = openCamera('platform:vivid-000', { ...SIZE, format: 'YUYV', reconnect: true });
  const frames = camera.frames();
  (await frames.next()).value?.close();
  bindVivid('unbind');
  const pending = (async () => {
    for (let count = 0; count < 8; count += 1) (await frames.next()).value?.close();
  })();
  await new Promise((resolve) => setTimeout(resolve, 100));
  bindVivid('bind');
  await pending;
  assert.ok(camera.counts.deliveredCount >= 9);
  camera.close();
});
