/** Replays of a screen's consumers against vkms, recorded live. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { openDisplay } from '../../src/drm/index.ts';
import { openHeap } from '../../src/index.ts';
import { describeFrame, FrameLayout } from '../../src/picture/index.ts';
import { DrmFbdevConsole } from '../../src/workload/consumers/drm-fbdev.ts';
import { DrmGemShmemScreen } from '../../src/workload/consumers/drm-gem-shmem.ts';
import { missingTestDriver } from '../support/devices/kernel-test-drivers.ts';
import { cannotTrace } from '../support/devices/layout-rights.ts';
import { callerIn, recordCalls, replayCalls } from '../support/devices/mapping-calls.ts';
import type { MappingCall } from '../support/devices/mapping-calls.ts';
import { loadVkms, unloadVkms } from '../support/devices/vkms.ts';

const SIZE = { width: 640, height: 480 };
/** Of XRGB8888: whole pages. */
const FRAME_BYTES = 1_228_800;
const WHOLE = { x: 0, y: 0, ...SIZE };
/** Pictures: a PAGE_FLIP each, and a SETCRTC before the first. vkms has no DIRTYFB. */
const SHOWN = [0, 1, 0];
/** The picture of each commit. */
const COMMITTED = [0, 0, 1, 0];
/** An event of each commit, by hand: whoever maps, which buffer, how much. */
const MAPPED: readonly MappingCall[] = COMMITTED.map((buffer) => ({
  call: '+drm_gem_shmem_vmap',
  buffer,
  sizeBytes: FRAME_BYTES,
  exporter: 'system',
  result: 0,
}));
const UNMAPPED: readonly MappingCall[] = COMMITTED.map((buffer) => ({ call: '-', buffer }));
const ROW_BYTES = 4096;
const ROW_COUNT = 8;

export function testVkmsReplay(): void {
  const skip = missingTestDriver('vkms') || cannotTrace();

  test('vkms and its replay map once a commit: SETCRTC and three flips', { skip }, async (t) => {
    const { card } = loadVkms();
    t.after(unloadVkms);
    const recorded = await recordCalls(callerIn, async () => await showPictures(card));
    assert.deepEqual(byKind(recorded), { mapped: MAPPED, unmapped: UNMAPPED });
    using heap = openEmbeddedHeap({ capacity: 16 * MiB });
    const replayed = await replayCalls(callerIn, async (kernel) => {
      const buffers = [heap.allocate(FRAME_BYTES), heap.allocate(FRAME_BYTES)];
      const screen = new DrmGemShmemScreen(kernel, 'vkms');
      const layout = { strideBytes: SIZE.width * 4, bytesPerPixel: 4 };
      for (const index of COMMITTED) {
        const buffer = buffers[index];
        assert.ok(buffer !== undefined);
        await screen.commit(buffer, layout, WHOLE);
      }
      await screen.disable();
      for (const buffer of buffers) buffer.close();
    });
    assert.deepEqual(byKind(replayed), byKind(recorded));
  });

  test('the console of vkms and its replay map no dma-buf', { skip }, async (t) => {
    const { console } = loadVkms();
    t.after(unloadVkms);
    const recorded = await recordCalls(callerIn, async () => {
      for (let turn = 0; turn < ROW_COUNT; turn += 1) writeFileSync(console, new Uint8Array(ROW_BYTES).fill(turn));
      await Promise.resolve();
    });
    assert.deepEqual(recorded, []);
    using heap = openEmbeddedHeap({ capacity: 16 * MiB });
    const replayed = await replayCalls(callerIn, async (kernel) => {
      const screen = new DrmFbdevConsole(kernel, heap, { strideBytes: ROW_BYTES, height: ROW_COUNT });
      for (let y = 0; y < ROW_COUNT; y += 1) screen.fillRectangle({ x: 0, y, width: ROW_BYTES, height: 1 }, y);
      screen.close();
      await Promise.resolve();
    });
    assert.deepEqual(replayed, []);
  });
}

/**
 * vkms unmaps the picture before in a worker, after it has reported the flip
 * (vkms_atomic_commit_tail): the next commit may have mapped by then. So each kind has an order of
 * its own, and both together have none.
 */
function byKind(calls: readonly MappingCall[]): Record<'mapped' | 'unmapped', readonly MappingCall[]> {
  const mapped = calls.filter(({ call }) => call.startsWith('+'));
  return { mapped, unmapped: calls.filter((call) => !mapped.includes(call)) };
}

/** Two buffers of the kernel's heap in turn, by the legacy interface. */
async function showPictures(path: string): Promise<void> {
  using heap = openHeap('system', { backends: ['kernel'] });
  using display = openDisplay({ path, api: 'legacy', mode: SIZE });
  const description = describeFrame('XRGB8888', SIZE);
  const framebuffers = [0, 1].map(() =>
    display.import(new FrameLayout(description, [heap.allocate(description.length)])),
  );
  for (const index of SHOWN) {
    const framebuffer = framebuffers[index];
    assert.ok(framebuffer !== undefined);
    await display.show(framebuffer);
  }
  display.close();
  for (const { frame } of framebuffers) for (const buffer of frame.buffers) buffer.close();
}
