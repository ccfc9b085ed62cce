/** Replays of a screen's consumers against the real drivers, recorded live. */

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { openDisplay } from '../../src/drm/index.ts';
import { openHeap } from '../../src/index.ts';
import { describeFrame, FrameLayout } from '../../src/picture/index.ts';
import { DrmFbdevConsole } from '../../src/workload/consumers/drm-fbdev.ts';
import { DrmGemShmemScreen } from '../../src/workload/consumers/drm-gem-shmem.ts';
import { cannotTrace } from '../support/devices/layout-rights.ts';
import { callerIn, recordCalls, replayCalls } from '../support/devices/mapping-calls.ts';
import type { Screens } from '../support/devices/screens.ts';

const SIZE = { width: 640, height: 480 };
/** Of XRGB8888: whole pages. */
const FRAME_BYTES = 1_228_800;
const WHOLE = { x: 0, y: 0, ...SIZE };
/** One SETCRTC, a PAGE_FLIP for each picture shown, a DIRTYFB for each that was damaged. */
const [SHOWN_COUNT, DAMAGED_COUNT] = [4, 3];
const COMMIT_COUNT = 8;
const CONSOLE = '/dev/fb0';

export function testScreenReplay(screens: Screens): void {
  const cirrus = screens.get('cirrus');
  const skip =
    (cirrus === undefined ? 'there is no screen cirrus: test/vm/screens.test.ts boots a guest with it' : false) ||
    cannotTrace();

  test('cirrus and its replay map once a commit: SETCRTC, flips, DIRTYFB', { skip }, async () => {
    const recorded = await recordCalls(callerIn, async () => await showPictures(cirrus?.path));
    assert.equal(recorded.filter(({ call }) => call.startsWith('+')).length, COMMIT_COUNT);
    using heap = openEmbeddedHeap({ capacity: 16 * MiB });
    const replayed = await replayCalls(callerIn, async (kernel) => {
      using buffer = heap.allocate(FRAME_BYTES);
      const screen = new DrmGemShmemScreen(kernel, 'cirrus');
      const layout = { strideBytes: SIZE.width * 4, bytesPerPixel: 4 };
      for (let commit = 0; commit < COMMIT_COUNT; commit += 1) await screen.commit(buffer, layout, WHOLE);
      await screen.disable();
    });
    assert.deepEqual(replayed, recorded);
  });

  const noConsole = skip || (existsSync(CONSOLE) ? false : `there is no console, ${CONSOLE}`);
  test('the console and its replay map no dma-buf', { skip: noConsole }, async () => {
    const recorded = await recordCalls(callerIn, async () => {
      for (let turn = 0; turn < 8; turn += 1) writeFileSync(CONSOLE, new Uint8Array(4096).fill(turn));
      await Promise.resolve();
    });
    assert.deepEqual(recorded, []);
    using heap = openEmbeddedHeap({ capacity: 16 * MiB });
    const replayed = await replayCalls(callerIn, async (kernel) => {
      const screen = new DrmFbdevConsole(kernel, heap, { strideBytes: 4096, height: 480 });
      for (let turn = 0; turn < 8; turn += 1) screen.fillRectangle({ x: 0, y: turn, width: 4096, height: 1 }, turn);
      screen.close();
      await Promise.resolve();
    });
    assert.deepEqual(replayed, []);
  });

  for (const id of ['bochs', 'virtio', 'qxl'] as const)
    test(`${id} and a replay cannot be compared`, {
      skip: `the driver refuses buffers of others (screen-pictures.ts: import() on ${id})`,
    });
}

/** A buffer of the kernel's heap by the legacy interface, and then what was damaged in it. */
async function showPictures(path: string | undefined): Promise<void> {
  using heap = openHeap('system', { backends: ['kernel'] });
  const description = describeFrame('XRGB8888', SIZE);
  using buffer = heap.allocate(description.length);
  using display = openDisplay({ path, api: 'legacy', mode: SIZE });
  const framebuffer = display.import(new FrameLayout(description, [buffer]));
  for (let shown = 0; shown < SHOWN_COUNT; shown += 1)
    await display.show(framebuffer, shown < SHOWN_COUNT - DAMAGED_COUNT ? {} : { damage: [WHOLE] });
}
