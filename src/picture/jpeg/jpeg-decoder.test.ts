import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { missingFfmpeg } from '../../../test/support/processes/ffmpeg.ts';
import { repositoryRoot } from '../../../test/support/runner/source-files.ts';
import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { flatJpeg } from '../../../test/support/uvc/flat-jpeg.ts';
import type { BlockColour } from '../../../test/support/uvc/flat-jpeg.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { openHeap } from '../../backend/open-heap.ts';
import type { Heap } from '../../heap/heap.ts';
import { V4L2_PIX_FMT_MJPEG } from '../../uapi/videodev2-formats.ts';
import { describeCompressed } from '../../v4l2/video-format.ts';
import { describeFrame } from '../describe-frame.ts';
import { FrameLayout } from '../frame-layout.ts';
import { createJpegDecoder } from './jpeg-decoder.ts';
import type { JpegDecoder } from './jpeg-decoder.ts';

checkLeaksAfterFile();

const SIZE = { width: 64, height: 40 };
/** With bytes behind each row, which must stay. */
const STRIDE = 64 * 4 + 32;
const colourOf = (column: number, row: number): BlockColour => [column * 30, 60 + row * 30, 255 - column * 25];

function openTestHeap(t: TestContext): Heap {
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  return heap;
}

function openDecoder(t: TestContext): JpegDecoder {
  const decoder = createJpegDecoder();
  t.after(() => decoder.close());
  return decoder;
}

/** As a camera gives it: as many bytes as the driver has filled, of a longer buffer. */
function compressedFrame(heap: Heap, file: Uint8Array): FrameLayout {
  const buffer = heap.allocate(Math.max(file.length, 4096));
  buffer.accessSync('write', (access) => access.subarray().set(file));
  return new FrameLayout(describeCompressed({ ...SIZE, pixelformat: V4L2_PIX_FMT_MJPEG }, file.length), [buffer]);
}

function emptyPicture(heap: Heap, size: { width: number; height: number } = SIZE): FrameLayout {
  const description = describeFrame('ABGR8888', { ...size, stride: size.width === SIZE.width ? STRIDE : undefined });
  return new FrameLayout(description, [heap.allocate(description.length)]);
}

function close(...frames: readonly FrameLayout[]): void {
  for (const frame of frames) frame.buffers.forEach((buffer) => buffer.close());
}

/** BT.601 of full range, as JFIF has it (ITU-T T.871, 7). */
function rgbaOf([y, cb, cr]: BlockColour): number[] {
  const [blue, red] = [cb - 128, cr - 128];
  return [y + 1.402 * red, y - 0.344_136 * blue - 0.714_136 * red, y + 1.772 * blue, 255].map((value) =>
    Math.min(255, Math.max(0, Math.round(value))),
  );
}

test('JpegDecoder decodes from buffer to buffer, in its own thread', async (t) => {
  const heap = openTestHeap(t);
  const [file, picture] = [compressedFrame(heap, flatJpeg(SIZE, colourOf)), emptyPicture(heap)];
  await openDecoder(t).decode(file, picture);
  picture.accessSync('read', ([plane]) => {
    for (let y = 0; y < SIZE.height; y++) {
      const row = plane?.row(y) ?? [];
      for (let x = 0; x < SIZE.width; x++) {
        const expected = rgbaOf(colourOf(Math.floor(x / 8), Math.floor(y / 8)));
        const found = Array.from(row.slice(x * 4, x * 4 + 4));
        assert.ok(
          found.every((value, channel) => Math.abs(value - (expected[channel] ?? 0)) <= 1),
          `${x} ${y}: ${found.join(' ')} is not ${expected.join(' ')}`,
        );
      }
      assert.deepEqual(
        [...(plane?.bytes.subarray(y * STRIDE + SIZE.width * 4, (y + 1) * STRIDE) ?? [])],
        Array.from({ length: 32 }, () => 0),
      );
    }
  });
  close(file, picture);
});

test('JpegDecoder decodes what ffmpeg encodes, with bytes behind the end', { skip: missingFfmpeg() }, async (t) => {
  const heap = openTestHeap(t);
  const bars = ['-f', 'lavfi', '-i', `smptebars=s=${SIZE.width}x${SIZE.height}`, '-frames:v', '1'];
  // A sample of each colour for every pixel: decoders differ in how they spread shared ones.
  const encoding = ['-pix_fmt', 'yuvj444p', '-q:v', '1', '-f', 'mjpeg', '-'];
  const { stdout: jpeg } = spawnSync('ffmpeg', ['-v', 'error', ...bars, ...encoding]);
  const decoding = ['-v', 'error', '-f', 'mjpeg', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'rgba', '-'];
  const { stdout: expected } = spawnSync('ffmpeg', decoding, { input: jpeg });
  const file = compressedFrame(heap, Buffer.concat([jpeg, Buffer.alloc(100, 0xff)]));
  const picture = emptyPicture(heap);
  await openDecoder(t).decode(file, picture);
  const found = picture.accessSync('read', ([plane]) => plane?.copyOut() ?? new Uint8Array());
  assert.equal(found.length, expected.length);
  for (const [index, value] of expected.entries())
    assert.ok(Math.abs(value - (found[index] ?? 0)) <= 3, `byte ${index}: ${found[index]} is not ${value}`);
  close(file, picture);
});

test('JpegDecoder gives each of many at a time its own picture', async (t) => {
  const heap = openTestHeap(t);
  const decoder = openDecoder(t);
  const jobs = Array.from({ length: 8 }, (_, index) => {
    const level = index * 30;
    return {
      level,
      file: compressedFrame(
        heap,
        flatJpeg(SIZE, () => [level, 128, 128]),
      ),
      picture: emptyPicture(heap),
    };
  });
  await Promise.all(jobs.map(async ({ file, picture }) => await decoder.decode(file, picture)));
  for (const { level, file, picture } of jobs) {
    const first = picture.accessSync('read', ([plane]) => [...(plane?.row(0).slice(0, 4) ?? [])]);
    assert.deepEqual(first, [level, level, level, 255]);
    close(file, picture);
  }
});

test('JpegDecoder refuses damaged files, and decodes the next', async (t) => {
  const heap = openTestHeap(t);
  const decoder = openDecoder(t);
  const whole = flatJpeg(SIZE, () => [100, 128, 128]);
  const picture = emptyPicture(heap);
  const noise = Uint8Array.from({ length: 4000 }, (_, index) => (index * 7919) & 0xff);
  const damaged = [new Uint8Array(1), noise, whole.subarray(0, 30), Uint8Array.of(...whole.subarray(0, 100), ...noise)];
  for (const bytes of damaged) {
    const file = compressedFrame(heap, bytes);
    await assert.rejects(
      decoder.decode(file, picture),
      (error) => isDmaBufError(error, 'EBADMSG') && /^Cannot decode a JPEG as it is damaged: ./u.test(error.message),
    );
    close(file);
  }
  const file = compressedFrame(heap, whole);
  await decoder.decode(file, picture);
  assert.deepEqual(
    picture.accessSync('read', ([plane]) => plane?.row(0)[0]),
    100,
  );
  close(file, picture);
});

test('JpegDecoder refuses pictures of another size or format, and all after its close', async (t) => {
  const heap = openTestHeap(t);
  const decoder = openDecoder(t);
  const file = compressedFrame(
    heap,
    flatJpeg(SIZE, () => [100, 128, 128]),
  );
  const [picture, small] = [emptyPicture(heap), emptyPicture(heap, { width: 32, height: 40 })];
  await assert.rejects(decoder.decode(file, small), {
    name: 'DmaBufError',
    code: 'EINVAL',
    message: 'Cannot decode a JPEG of 64x40 into a picture of 32x40: give one of its size',
    values: { width: 64, height: 40 },
  });
  await assert.rejects(decoder.decode(picture, picture), /'file' must be of format MJPEG or JPEG/u);
  await assert.rejects(decoder.decode(file, file), /'picture' must be of format ABGR8888 or XBGR8888/u);
  await assert.rejects(decoder.decode({} as FrameLayout, picture), /'file' must be a FrameLayout or a Uint8Array/u);
  const running = decoder.decode(file, picture);
  decoder.close();
  await assert.rejects(running, (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  await assert.rejects(decoder.decode(file, picture), (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
  assert.equal(decoder.closed, true);
  close(file, picture, small);
});

/** Run beside the package as installed: from the bundle, and its thread with it. */
const PROGRAM = `
  import { openHeap } from 'dmabuf';
  import { FrameLayout, createJpegDecoder, describeFrame } from 'dmabuf/picture';
  const heap = openHeap('system', { backends: ['embedded'] });
  const shape = describeFrame('ABGR8888', { width: 16, height: 8 });
  const picture = new FrameLayout(shape, [heap.allocate(shape.length)]);
  await createJpegDecoder().decode(Buffer.from(process.argv[1], 'base64'), picture);
  picture.accessSync('read', ([plane]) => console.log(...plane.row(0).slice(0, 4)));
`;

test('createJpegDecoder() of the bundle works, and its idle thread does not keep the process', () => {
  const jpeg = flatJpeg({ width: 16, height: 8 }, () => [77, 128, 128]);
  const words = ['--input-type=module', '--eval', PROGRAM, Buffer.from(jpeg).toString('base64')];
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: repositoryRoot, encoding: 'utf8' });
  assert.deepEqual([stdout, stderr], ['77 77 77 255\n', '']);
});
