import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { bytesOf, withStudio } from '../../test/support/fakes/blit-studio.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { isDmaBufError } from '../base/errors.ts';
import { KiB } from '../base/sizes.ts';
import type { Attachment } from '../heap/importer/attachment.ts';
import type { AccessMode } from '../linux/calls/cpu-access-maintenance.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { createBlitter } from './blitter.ts';
import type { Blitter } from './blitter.ts';

checkLeaksAfterFile();

test(
  'Blitter.blitSync() converts colours as BT.601 and BT.709 have them',
  withStudio(({ blitter, frame }) => {
    // Black, white, and red, green and blue at 75 %: the numbers of ITU-R BT.801's bars.
    const yuyv = [16, 128, 16, 128, 235, 128, 235, 128, 65, 100, 65, 212, 112, 72, 112, 58, 35, 212, 35, 114];
    const source = frame('YUYV', 10, 1, yuyv);
    const picture = frame('XRGB8888', 10, 1);
    blitter.blitSync(source, picture);
    const everySecond = (bytes: readonly number[]): number[][] =>
      [0, 8, 16, 24, 32].map((at) => bytes.slice(at, at + 4));
    assert.deepEqual(everySecond(bytesOf(picture)), [
      [0, 0, 0, 255],
      [255, 255, 255, 255],
      [1, 0, 191, 255],
      [0, 191, 0, 255],
      [192, 1, 0, 255],
    ]);
    const hd = frame('YUYV', 2, 1, [51, 109, 51, 212]);
    const red = frame('BGR888', 2, 1);
    blitter.blitSync(hd, red, { sourceColors: { encoding: 'bt709', range: 'limited' } });
    assert.deepEqual(bytesOf(red), [191, 0, 1, 191, 0, 1]);
  }),
);

test(
  'Blitter.blitSync() takes the colours of a frame as V4L2 says them',
  withStudio(({ blitter, frame }) => {
    const colors = { encoding: 'bt601', range: 'full', colorspace: 7, transferFunction: 0 } as const;
    const source = frame('YUYV', 2, 1, [76, 85, 76, 255]);
    const picture = frame('RGB888', 2, 1);
    blitter.blitSync(source, picture, { sourceColors: colors });
    assert.deepEqual(bytesOf(picture).slice(0, 3), [0, 0, 254]);
  }),
);

test(
  'Blitter.blitSync() puts the first byte where DRM’s names say',
  withStudio(({ blitter, frame }) => {
    const source = frame('RGB888', 1, 1, [10, 20, 30]);
    for (const [format, expected] of [
      ['BGR888', [30, 20, 10]],
      ['XRGB8888', [10, 20, 30, 255]],
      ['ABGR8888', [30, 20, 10, 255]],
      ['RGB565', [0b1010_0001, 0b0010_0000]],
      ['BGR565', [0b1010_0100, 0b0000_1000]],
    ] as const) {
      const destination = frame(format, 1, 1);
      blitter.blitSync(source, destination);
      assert.deepEqual(bytesOf(destination), expected, format);
    }
  }),
);

test(
  'Blitter.blitSync() mirrors, then turns clockwise',
  withStudio(({ blitter, frame }) => {
    const pixels = (...values: number[]): number[] => values.flatMap((value) => [value, value, value]);
    const source = frame('RGB888', 3, 2, pixels(1, 2, 3, 4, 5, 6));
    const seen = (options: Parameters<Blitter['blitSync']>[2], width: number, height: number): number[] => {
      const destination = frame('RGB888', width, height);
      blitter.blitSync(source, destination, options);
      return bytesOf(destination).filter((_, index) => index % 3 === 0);
    };
    assert.deepEqual(seen({ rotate: 90 }, 2, 3), [4, 1, 5, 2, 6, 3]);
    assert.deepEqual(seen({ rotate: 180 }, 3, 2), [6, 5, 4, 3, 2, 1]);
    assert.deepEqual(seen({ rotate: 270 }, 2, 3), [3, 6, 2, 5, 1, 4]);
    assert.deepEqual(seen({ flip: 'horizontal' }, 3, 2), [3, 2, 1, 6, 5, 4]);
    assert.deepEqual(seen({ flip: 'vertical' }, 3, 2), [4, 5, 6, 1, 2, 3]);
    assert.deepEqual(seen({ flip: 'both' }, 3, 2), [6, 5, 4, 3, 2, 1]);
    assert.deepEqual(seen({ flip: 'horizontal', rotate: 90 }, 2, 3), [6, 3, 5, 2, 4, 1]);
  }),
);

test(
  'Blitter.blitSync() scales to the nearest pixel, or between pixels',
  withStudio(({ blitter, frame }) => {
    const source = frame('XRGB8888', 2, 1, [0, 0, 0, 0, 100, 200, 40, 0]);
    const wide = frame('XRGB8888', 4, 1);
    blitter.blitSync(source, wide);
    assert.deepEqual(bytesOf(wide).filter((_, index) => index % 4 === 0), [0, 0, 100, 100]); // prettier-ignore
    blitter.blitSync(source, wide, { filter: 'bilinear' });
    assert.deepEqual(bytesOf(wide).filter((_, index) => index % 4 === 0), [0, 25, 75, 100]); // prettier-ignore
  }),
);

test(
  'Blitter.blitSync() copies a rectangle within a picture, and refuses one that overlaps',
  withStudio(({ blitter, frame }) => {
    const picture = frame('RGB565', 4, 2, [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0]);
    const left = { x: 0, y: 0, width: 2, height: 2 };
    blitter.blitSync(picture, picture, { sourceRectangle: left, destinationRectangle: { ...left, x: 2 } });
    assert.deepEqual(bytesOf(picture), [1, 0, 2, 0, 1, 0, 2, 0, 5, 0, 6, 0, 5, 0, 6, 0]);
    const overlap = { sourceRectangle: left, destinationRectangle: { ...left, x: 1 } };
    assert.throws(() => blitter.blitSync(picture, picture, overlap), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    const [buffer] = picture.buffers;
    assert.ok(buffer !== undefined);
    const other = new FrameLayout(describeFrame('RGB888', { width: 2, height: 2 }), [buffer]);
    assert.throws(() => blitter.blitSync(other, picture), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    assert.throws(() => blitter.blitSync(picture, other), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  }),
);

test(
  'Blitter.blitSync() refuses to write the other half of a colour that it reads',
  withStudio(({ blitter, frame }) => {
    const picture = frame('NV12', 8, 2);
    const column = (x: number): { x: number; y: number; width: number; height: number } => ({ x, y: 0, width: 1, height: 2 }); // prettier-ignore
    assert.throws(
      () => blitter.blitSync(picture, picture, { sourceRectangle: column(2), destinationRectangle: column(3) }),
      { name: 'RangeError' },
    );
    blitter.blitSync(picture, picture, { sourceRectangle: column(3), destinationRectangle: column(4) });
  }),
);

test(
  'Blitter.blitSync() refuses pictures and options that are none',
  withStudio(({ blitter, frame }) => {
    const picture = frame('XRGB8888', 4, 4);
    const wide = frame('RGB565', 16_385, 1);
    for (const other of [undefined, {}, describeFrame('XRGB8888', { width: 4, height: 4 })]) {
      assert.throws(() => blitter.blitSync(other as never, picture), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => blitter.blitSync(picture, other as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    assert.throws(() => blitter.blitSync(frame('R8', 4, 4), picture), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /'source' must be of one of the formats YUYV, .*FrameLayout \{ R8 4x4/u,
    });
    for (const options of [
      { filter: 'cubic' },
      { rotate: 45 },
      { flip: 'sideways' },
      { sourceColors: { encoding: 'bt470' } },
      { destinationColors: { gamma: 2 } },
      { scale: 2 },
    ])
      assert.throws(() => blitter.blitSync(picture, picture, options as never), TypeError, inspect(options));
    const whole = { x: 0, y: 0, width: 4, height: 4 };
    for (const part of [{ x: 4 }, { x: -1 }, { width: 0 }, { width: 5 }, { y: 1 }, { height: 1.5 }])
      assert.throws(() => blitter.blitSync(picture, picture, { sourceRectangle: { ...whole, ...part } }), RangeError);
    assert.throws(() => blitter.blitSync(wide, picture), /from 1 to 16384/u);
    assert.throws(() => blitter.unmap({} as never), TypeError);
    assert.throws(() => createBlitter({ length: 0 }), RangeError);
    assert.throws(() => createBlitter({ size: 1 } as never), TypeError);
  }),
);

test(
  'Blitter.blitSync() takes a row of 16,384 pixels',
  withStudio(({ blitter, frame }) => {
    const source = frame('YUYV', 16_384, 2);
    source.accessSync('write', ([plane]) => plane?.bytes.fill(128));
    const column = frame('RGB565', 2, 16_384);
    blitter.blitSync(source, column, { rotate: 90 });
    assert.ok(bytesOf(column).every((byte, index) => byte === [0x10, 0x84][index % 2]));
  }),
);

test(
  'Blitter keeps buffers mapped, and lets the one used least recently go when it needs the room',
  withStudio(({ blitter, frame }) => {
    const frames = Array.from({ length: 4 }, () => frame('RGB565', 128, 128));
    const [first, second, third, fourth] = frames as [FrameLayout, FrameLayout, FrameLayout, FrameLayout];
    blitter.blitSync(first, second);
    blitter.blitSync(third, first);
    assert.equal(blitter.mappedCount, 3);
    blitter.blitSync(third, fourth);
    assert.equal(blitter.mappedCount, 4);
    const large = frame('RGB565', 128, 256);
    blitter.blitSync(first, large, { filter: 'bilinear' });
    // The second makes room, and then the third for the rest of it.
    assert.ok(blitter.mappedCount < 5);
    blitter.unmap(first.buffers[0] as never);
    blitter.unmap(first.buffers[0] as never);
  }, 128 * KiB),
);

test(
  'Blitter.blitSync() says when the buffers of one blit do not fit, and leaves nothing held',
  withStudio(({ heap, blitter, frame }) => {
    const source = frame('RGB565', 128, 128);
    const destination = frame('RGB565', 256, 256);
    assert.throws(
      () => blitter.blitSync(source, destination),
      (error) => isDmaBufError(error, 'ENOMEM'),
    );
    const small = frame('RGB565', 64, 64);
    blitter.blitSync(source, small);
    assert.equal(heap.stats().usedBytes, (32 + 128 + 8) * KiB);
  }, 64 * KiB),
);

test(
  'Blitter lets a buffer that was closed go at the next blit',
  withStudio(({ heap, blitter, frame }) => {
    const source = frame('RGB565', 128, 128);
    const destination = frame('RGB565', 128, 128);
    const gone = frame('RGB565', 128, 128);
    blitter.blitSync(gone, destination);
    gone.buffers[0]?.close();
    assert.equal(heap.stats().usedBytes, 96 * KiB);
    blitter.blitSync(source, destination);
    assert.equal(heap.stats().usedBytes, 64 * KiB);
    assert.throws(
      () => blitter.blitSync(gone, destination),
      (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
    );
  }),
);

test(
  'Blitter.blitSync() maps no window, and brackets each buffer by what it does with it',
  withStudio(async ({ heap, blitter, frame }) => {
    const source = frame('RGB565', 8, 8);
    const destination = frame('RGB565', 8, 8);
    const seen: string[] = [];
    const mappingCounts: number[] = [];
    const attachments: (Attachment | undefined)[] = [];
    const watch = async (name: string, { buffers }: FrameLayout): Promise<void> => {
      const device = {
        name,
        beginCpuAccess: (mode: AccessMode) => {
          seen.push(`begin ${name} ${mode}`);
          mappingCounts.push(heap.stats().mappingCount);
        },
        endCpuAccess: (mode: AccessMode) => void seen.push(`end ${name} ${mode}`),
      };
      await attachments.at(attachments.push(buffers[0]?.attach(device)) - 1)?.map();
    };
    await watch('source', source);
    await watch('destination', destination);
    blitter.blitSync(source, destination);
    blitter.blitSync(source, destination, { destinationRectangle: { x: 0, y: 0, width: 4, height: 4 } });
    assert.deepEqual(
      seen,
      ['write', 'readwrite'].flatMap((mode) => [
        'begin source read',
        `begin destination ${mode}`,
        `end destination ${mode}`,
        'end source read',
      ]),
    );
    assert.equal(blitter.mappedCount, 2);
    assert.deepEqual([...new Set(mappingCounts)], [heap.stats().mappingCount]);
    for (const attachment of attachments) attachment?.detach();
  }),
);
