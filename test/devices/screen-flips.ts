import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openDisplay } from '../../src/drm/index.ts';
import type { Display, Framebuffer } from '../../src/drm/index.ts';
import { importBuffer, isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode, SyncFile } from '../../src/index.ts';
import { Vgem, missingVgem } from '../support/devices/vgem.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import type { Screens } from '../support/devices/screens.ts';

const SIZE = { width: 640, height: 480 };

const refusal =
  (code: DmaBufErrorCode, text = /./u) =>
  (error: unknown): boolean =>
    isDmaBufError(error, code) && text.test(error.message);

/** How flips come about, wait for each other and for fences, and are refused. */
export function testScreenFlips(screens: Screens): void {
  const cirrus = screens.get('cirrus');
  const skip =
    cirrus === undefined ? 'there is no screen cirrus: test/vm/screens.test.ts boots a guest with it' : false;
  const open = (options = {}): Display => openDisplay({ path: cirrus?.path, mode: SIZE, ...options });
  const allocate = (display: Display): Framebuffer => display.allocate({ ...SIZE, format: 'XRGB8888' });

  for (const [id, card] of screens) {
    test(`show() of many at once shows one after the other on ${id}`, async () => {
      using display = openDisplay({ path: card.path, mode: SIZE });
      const framebuffers = [allocate(display), allocate(display)];
      const shown: number[] = [];
      const flips = Array.from({ length: 8 }, async (_, index) => {
        const { timestamp } = await display.show(framebuffers[index % 2] as Framebuffer);
        shown.push(index);
        return timestamp;
      });
      const timestamps = await Promise.all(flips);
      assert.deepEqual(shown, [0, 1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(
        timestamps.toSorted((one, other) => Number(one - other)),
        timestamps,
      );
    });

    test(`show() with outFence gives a fence that is signaled when the flip is reported on ${id}`, async () => {
      using display = openDisplay({ path: card.path, mode: SIZE });
      const framebuffer = allocate(display);
      await display.show(framebuffer);
      const fences: SyncFile[] = [];
      await display.show(framebuffer, { outFence: (fence) => fences.push(fence) });
      assert.equal(fences.length, 1);
      await fences[0]?.wait();
      const info = fences[0]?.info();
      assert.equal(info?.status, 1);
      assert.deepEqual(
        info.fences.map(({ driverName }) => driverName),
        [card.driver],
      );
      fences[0]?.close();
    });
  }

  const noFences = skip === false ? missingVgem() : skip;
  test('show() with inFence flips once the fence is signaled', { skip: noFences }, async () => {
    const vgem = Vgem.open();
    assert.ok(vgem !== undefined);
    const handle = vgem.createBuffer();
    const fence = vgem.attachFence(handle, 'write');
    const fd = vgem.exportBuffer(handle);
    using buffer = importBuffer(fd);
    fd.close();
    using inFence = buffer.exportSyncFile('read');
    using display = open();
    const framebuffer = allocate(display);
    await display.show(framebuffer);
    const shown = display.show(framebuffer, { inFence });
    assert.equal(await stateOf(shown), 'pending');
    assert.equal(inFence.signaled, false);
    vgem.signal(fence);
    const { timestamp } = await shown;
    assert.ok(timestamp >= (inFence.info().fences[0]?.timestampNs ?? 0n) - 1000n);
    vgem.close();
  });

  test(
    'show() that is aborted rejects with the reason, and the next waits for what is under way',
    { skip },
    async () => {
      using display = open();
      const framebuffer = allocate(display);
      await assert.rejects(display.show(framebuffer, { signal: AbortSignal.abort(new Error('before')) }), /before/u);
      const controller = new AbortController();
      const shown = display.show(framebuffer, { signal: controller.signal });
      controller.abort(new Error('meanwhile'));
      await assert.rejects(shown, /meanwhile/u);
      await display.show(framebuffer);
    },
  );

  test('close() rejects what waits for its turn, and what is asked for afterwards', { skip }, async () => {
    const display = open();
    const framebuffer = allocate(display);
    // The kernel may have reported it by now.
    const underWay = display.show(framebuffer).catch((error: unknown) => error);
    const waiting = assert.rejects(display.show(framebuffer), refusal('ERR_DMABUF_CLOSED'));
    display.close();
    const ended = await underWay;
    assert.ok(!(ended instanceof Error) || isDmaBufError(ended, 'ERR_DMABUF_CLOSED'));
    await waiting;
    assert.equal(framebuffer.closed, true);
    for (const use of [
      () => display.allocate({ ...SIZE, format: 'XRGB8888' }),
      () => display.import(framebuffer.frame),
      () => display.setMode(SIZE),
    ])
      assert.throws(use, refusal('ERR_DMABUF_CLOSED'));
    await assert.rejects(display.show(framebuffer), refusal('ERR_DMABUF_CLOSED'));
    display.close();
  });

  test('show() refuses a framebuffer that was closed, and one of another display', { skip }, async () => {
    using display = open();
    const framebuffer = allocate(display);
    framebuffer.close();
    await assert.rejects(display.show(framebuffer), refusal('ERR_DMABUF_CLOSED'));
    const other = screens.get('bochs');
    if (other === undefined) return;
    using otherDisplay = openDisplay({ path: other.path, mode: SIZE });
    await assert.rejects(display.show(allocate(otherDisplay)), TypeError);
    await assert.rejects(display.show({} as Framebuffer), TypeError);
  });

  test('show() sets the mode again once what it showed was removed', { skip }, async () => {
    using display = open();
    const framebuffer = allocate(display);
    await display.show(framebuffer);
    framebuffer.close();
    await display.show(allocate(display));
  });

  test('show() of a picture that does not fit names both sizes', { skip }, async () => {
    using display = open();
    const small = display.allocate({ width: 320, height: 180, format: 'XRGB8888' });
    const sizes = /the picture is of 320x180 pixels and the screen of 640x480/u;
    await assert.rejects(
      display.show(small),
      (error) =>
        isDmaBufError(error) && ['EINVAL', 'ERANGE', 'ENOSPC'].includes(error.code) && sizes.test(error.message),
    );
    await assert.rejects(display.show(small, { plane: 1 }), refusal('EINVAL', /those of the screen are \d+/u));
    await assert.rejects(display.show(small, { source: { x: 300, y: 0, width: 21, height: 1 } }), RangeError);
  });

  test('allocate() and import() name the formats that the planes take', { skip }, () => {
    using display = open();
    const takes =
      /the (?:planes of the screen take|plane \d+ takes) RG16, RG24, XR24, not NV12|takes RG16, RG24, XR24, not NV12/u;
    assert.throws(() => display.allocate({ ...SIZE, format: 'NV12' }), refusal('EINVAL', takes));
    assert.throws(() => display.allocate({ ...SIZE, format: 'MJPEG' }), TypeError);
  });

  test('the legacy interface says what it cannot do', { skip }, async () => {
    using display = open({ api: 'legacy' });
    const framebuffer = allocate(display);
    const destination = { x: 1, y: 0, width: 600, height: 480 };
    const source = { x: 0, y: 0, width: 600, height: 480 };
    await assert.rejects(
      display.show(framebuffer, { outFence: (fence) => fence.close() }),
      refusal('EOPNOTSUPP', /knows no fences/u),
    );
    for (const part of [{ source }, { source, destination }])
      await assert.rejects(display.show(framebuffer, part), refusal('EOPNOTSUPP', /fills the screen, 640x480/u));
  });
}
