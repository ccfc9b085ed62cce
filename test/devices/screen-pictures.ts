import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openDisplay } from '../../src/drm/index.ts';
import { isDmaBufError, openHeap } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { dumpScreen } from '../support/devices/screen-dump.ts';
import { OTHER_PATTERN, PATTERN, draw, shownPixels } from '../support/devices/screens.ts';
import type { Picture, ScreenFormat, ScreenId, Screens } from '../support/devices/screens.ts';

type Size = readonly [width: number, height: number];

/** Screen, format and mode. */
const PICTURES: readonly (readonly [ScreenId, ScreenFormat, Size])[] = [
  // 4,096 bytes a row are more than cirrus has: its driver converts to 24 bits.
  ['cirrus', 'XRGB8888', [1024, 768]],
  ['cirrus', 'XRGB8888', [800, 600]],
  ['cirrus', 'RGB888', [1024, 768]],
  ['cirrus', 'RGB565', [1024, 768]],
  ['cirrus', 'RGB565', [640, 480]],
  ['bochs', 'XRGB8888', [1280, 800]],
  ['bochs', 'BGRX8888', [800, 600]],
  ['virtio', 'XRGB8888', [1280, 800]],
  ['virtio', 'XRGB8888', [640, 480]],
  ['qxl', 'XRGB8888', [1024, 768]],
  ['qxl', 'ARGB8888', [800, 600]],
];

/** What drivers answer to a buffer that is not theirs. */
const IMPORT_REFUSALS = { bochs: 'EINVAL', virtio: 'ENODEV', qxl: 'ENOSYS' } as const;

/** Their devices draw from a queue, and may do so after the driver has reported the flip. */
const QUEUEING: ReadonlySet<ScreenId> = new Set(['virtio', 'qxl']);
const DUMP_COUNT_MAX = 100;

/** That the screen shows the picture, pixel by pixel. */
async function assertShown(id: ScreenId, size: Size, format: ScreenFormat, picture: Picture): Promise<void> {
  const expected = shownPixels(...size, format, picture);
  let dump = await dumpScreen(id);
  for (let count = 1; QUEUEING.has(id) && count < DUMP_COUNT_MAX; count += 1) {
    if (Buffer.compare(dump.pixels, expected) === 0) break;
    dump = await dumpScreen(id);
  }
  assert.deepEqual([dump.width, dump.height], size);
  const at = dump.pixels.findIndex((byte, index) => byte !== expected[index]);
  const place = `pixel ${Math.floor(at / 3) % size[0]}, ${Math.floor(at / 3 / size[0])}`;
  assert.equal(
    at,
    -1,
    `${place}: ${dump.pixels.subarray(at, at + 6).join()} instead of ${expected.subarray(at, at + 6).join()}`,
  );
  assert.equal(dump.pixels.length, expected.length);
}

function skipWithout(screens: Screens, id: ScreenId): string | false {
  return screens.has(id) ? false : `there is no screen ${id}: test/vm/screens.test.ts boots a guest with it`;
}

/** Known pictures, against what the emulator says that the screen shows. */
export function testScreenPictures(screens: Screens): void {
  for (const [id, format, size] of PICTURES) {
    const [width, height] = size;
    const title = `show() of an allocated ${format} of ${width}x${height} puts exactly its pixels on the screen of ${id}`;
    test(title, { skip: skipWithout(screens, id) }, async () => {
      using display = openDisplay({ path: screens.get(id)?.path, mode: { width, height } });
      const framebuffer = display.allocate({ width, height, format });
      draw(framebuffer.frame, format, PATTERN);
      const before = process.hrtime.bigint();
      const { timestamp, clock, sequence } = await display.show(framebuffer);
      assert.equal(clock, 'monotonic');
      // Exact to a microsecond, and the kernel cuts off the rest.
      assert.ok(timestamp >= before - 1000n && timestamp <= process.hrtime.bigint(), `${timestamp}, ${before}`);
      assert.equal(sequence, undefined);
      await assertShown(id, size, format, PATTERN);
    });
  }

  for (const [id, card] of screens) {
    test(`show() by the legacy interface puts the same pixels on the screen of ${id}`, async () => {
      const size: Size = [640, 480];
      const mode = { width: 640, height: 480 };
      using display = openDisplay({ path: card.path, api: 'legacy', mode });
      assert.equal(display.api, 'legacy');
      const [first, second] = [PATTERN, OTHER_PATTERN].map((picture) => {
        const framebuffer = display.allocate({ ...mode, format: 'XRGB8888' });
        draw(framebuffer.frame, 'XRGB8888', picture);
        return framebuffer;
      });
      assert.ok(first !== undefined && second !== undefined);
      await display.show(first);
      await assertShown(id, size, 'XRGB8888', PATTERN);
      await display.show(second);
      await assertShown(id, size, 'XRGB8888', OTHER_PATTERN);
      draw(second.frame, 'XRGB8888', PATTERN);
      await display.show(second, { damage: [{ x: 0, y: 0, width: 640, height: 480 }] });
      await assertShown(id, size, 'XRGB8888', PATTERN);
    });
  }

  for (const backend of ['kernel', 'udmabuf'] as const) {
    const skip = skipWithout(screens, 'cirrus');
    test(`import() of a buffer of the ${backend} heap shows it on cirrus, without a copy`, { skip }, async () => {
      const size: Size = [800, 600];
      using heap = openHeap('system', { backends: [backend] });
      using display = openDisplay({ path: screens.get('cirrus')?.path, mode: { width: 800, height: 600 } });
      const description = describeFrame('XRGB8888', { width: 800, height: 600, strideAlignment: 4096 });
      const frame = new FrameLayout(description, [heap.allocate(description.length)]);
      draw(frame, 'XRGB8888', PATTERN);
      const framebuffer = display.import(frame);
      assert.equal(framebuffer.allocated, false);
      await display.show(framebuffer);
      await assertShown('cirrus', size, 'XRGB8888', PATTERN);
      // Written again, in the very buffer.
      draw(frame, 'XRGB8888', OTHER_PATTERN);
      await display.show(framebuffer);
      await assertShown('cirrus', size, 'XRGB8888', OTHER_PATTERN);
      display.close();
      for (const buffer of frame.buffers) buffer.close();
    });
  }

  for (const [id, code] of Object.entries(IMPORT_REFUSALS) as [keyof typeof IMPORT_REFUSALS, string][]) {
    test(
      `import() on ${id} names the driver's refusal and display.allocate()`,
      { skip: skipWithout(screens, id) },
      () => {
        using heap = openHeap('system', { backends: ['kernel'] });
        using display = openDisplay({ path: screens.get(id)?.path });
        const description = describeFrame('XRGB8888', sizeOf(display.mode));
        using buffer = heap.allocate(description.length);
        assert.throws(
          () => display.import(new FrameLayout(description, [buffer])),
          (error) =>
            isDmaBufError(error) && error.code === code && /refuses .* display\.allocate\(\)/u.test(error.message),
        );
      },
    );
  }

  const skip = skipWithout(screens, 'cirrus');
  test('import() refuses a buffer of the embedded heap, which is no dma-buf', { skip }, () => {
    using heap = openHeap('system', { backends: ['embedded'] });
    using display = openDisplay({ path: screens.get('cirrus')?.path });
    const description = describeFrame('XRGB8888', sizeOf(display.mode));
    using buffer = heap.allocate(description.length);
    assert.throws(() => display.import(new FrameLayout(description, [buffer])), { code: 'EOPNOTSUPP' });
  });

  for (const [id, card] of screens) {
    test(`import() of a frame over a buffer that ${id} allocated gives its framebuffer`, () => {
      using display = openDisplay({ path: card.path });
      const framebuffer = display.allocate({ ...sizeOf(display.mode), format: 'XRGB8888' });
      const { description, buffers } = framebuffer.frame;
      assert.equal(buffers[0]?.deviceImportable, true);
      assert.equal(display.import(new FrameLayout(description, buffers)), framebuffer);
      assert.equal(display.import(framebuffer.frame), framebuffer);
      framebuffer.close();
      assert.equal(buffers[0].closed, true);
    });
  }

  test('show() with damage copies those rectangles alone', { skip }, async () => {
    const size: Size = [640, 480];
    using display = openDisplay({ path: screens.get('cirrus')?.path, mode: { width: 640, height: 480 } });
    const framebuffer = display.allocate({ width: 640, height: 480, format: 'XRGB8888' });
    draw(framebuffer.frame, 'XRGB8888', PATTERN);
    await display.show(framebuffer);
    draw(framebuffer.frame, 'XRGB8888', OTHER_PATTERN);
    const damage = [
      { x: 10, y: 20, width: 100, height: 50 },
      { x: 300, y: 20, width: 7, height: 50 },
    ];
    await display.show(framebuffer, { damage });
    const isDamaged = (x: number, y: number): boolean =>
      y >= 20 && y < 70 && ((x >= 10 && x < 110) || (x >= 300 && x < 307));
    const expected: Picture = (x, y) => (isDamaged(x, y) ? OTHER_PATTERN : PATTERN)(x, y);
    await assertShown('cirrus', size, 'XRGB8888', expected);
    await display.show(framebuffer);
    await assertShown('cirrus', size, 'XRGB8888', OTHER_PATTERN);
  });

  const noVirtio = skipWithout(screens, 'virtio');
  test('show() of a source shows that part of a larger picture', { skip: noVirtio }, async () => {
    using display = openDisplay({ path: screens.get('virtio')?.path, mode: { width: 640, height: 480 } });
    const framebuffer = display.allocate({ width: 800, height: 600, format: 'XRGB8888' });
    draw(framebuffer.frame, 'XRGB8888', PATTERN);
    await display.show(framebuffer, { source: { x: 100, y: 50, width: 640, height: 480 } });
    await assertShown('virtio', [640, 480], 'XRGB8888', (x, y) => PATTERN(x + 100, y + 50));
  });
}

function sizeOf({ width, height }: { readonly width: number; readonly height: number }): {
  width: number;
  height: number;
} {
  return { width, height };
}
