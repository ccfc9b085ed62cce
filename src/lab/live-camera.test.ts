import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Camera } from '../v4l2/camera.ts';
import { until } from '../../test/support/runner/settled.ts';
import { LiveCamera } from './live-camera.ts';

/** A camera that gives JPEG whenever it is told to, and counts its closes. */
function cameraForTest(close: () => void = () => {}): { camera: Camera; give: () => void; closeCount: () => number } {
  let closeCount = 0;
  let give = (): void => {};
  const frame = {
    layout: { access: async () => Uint8Array.of(0xff, 0xd8) },
    close: () => {},
  };
  const camera = {
    format: { compressed: true },
    counts: { lostCount: 0, droppedCount: 0 },
    frames: async function* ({ signal }: { readonly signal: AbortSignal }) {
      for (;;) {
        await new Promise<void>((resolve, reject) => {
          give = resolve;
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
        yield frame;
      }
    },
    close: () => {
      closeCount += 1;
      close();
    },
  } as unknown as Camera;
  return { camera, give: () => give(), closeCount: () => closeCount };
}

test('LiveCamera tells two pages the same figures, of a second each', async () => {
  const { camera, give, closeCount } = cameraForTest();
  const live = new LiveCamera(camera);
  assert.equal(live.facts(1000).framesPerSecond, null);
  for (let number = 1; number <= 20; number += 1) {
    give();
    await until(() => live.latest?.number === number);
  }
  // One page asks when a second is over, the other a moment later.
  assert.equal(live.facts(2000).framesPerSecond, 20);
  assert.equal(live.facts(2040).framesPerSecond, 20);
  assert.equal(live.facts(2999).framesPerSecond, 20);
  assert.equal(live.facts(3000).framesPerSecond, 0);
  live.close();
  await until(() => closeCount() === 1);
});

test('LiveCamera tells a fault of closing to whoever looks, and ends no program', async () => {
  const { camera, closeCount } = cameraForTest(() => {
    throw new Error('The device is gone');
  });
  const live = new LiveCamera(camera);
  live.close();
  await until(() => closeCount() === 1);
  await new Promise((resolve) => void setImmediate(resolve));
  assert.throws(() => live.latest, /The device is gone/u);
});
