/** Converters against vim2m, the kernel's test device of the memory-to-memory kind. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { describeVideoDevice, openCamera, openVideoConverter } from '../../src/v4l2/index.ts';
import type { CameraFrame, ConverterInput, VideoConverter, VideoConverterOptions } from '../../src/v4l2/index.ts';
import { CountedMaps } from '../support/devices/counted-maps.ts';
import { bindVim2m, missingVim2m, unloadVim2m, vim2mPath } from '../support/devices/vim2m.ts';
import { SINGLE_PLANAR, heldFiles, missingVivid, vividNode } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';

const skip = missingVim2m();
checkLeaksAfterFile();
after(() => {
  if (skip === false) unloadVim2m();
});

const WIDTH = 64;
const HEIGHT = 48;
const SAME_SIZE: VideoConverterOptions = {
  input: { width: WIDTH, height: HEIGHT, format: 'RGB565', buffers: 2 },
  output: { width: WIDTH, height: HEIGHT, format: 'BGR888', buffers: 2 },
};

function isRefusal(code: DmaBufErrorCode): (error: unknown) => boolean {
  return (error) => isDmaBufError(error, code);
}

/** Pixels of RGB565 that differ from their neighbours, and from picture to picture. */
function pixelAt(x: number, y: number, seed = 0): number {
  return (x * 2_654_435 + y * 40_503 + seed * 9973) & 0xffff;
}

function pictureOf(width: number, height: number, seed = 0): Uint8Array {
  const pixels = Uint16Array.from({ length: width * height }, (_, at) =>
    pixelAt(at % width, Math.floor(at / width), seed),
  );
  return new Uint8Array(pixels.buffer);
}

/** R, G and B as vim2m widens them: the bits that RGB565 does not have are ones. */
function widened(pixel: number): number[] {
  return [((pixel >> 11) << 3) | 7, (((pixel >> 5) & 0x3f) << 2) | 3, ((pixel & 0x1f) << 3) | 7];
}

/** What vim2m makes of {@link pictureOf} at the same size. `from` says which pixel goes where. */
function expectedRgb(seed = 0, from = (x: number, y: number): readonly [x: number, y: number] => [x, y]): Uint8Array {
  return Uint8Array.from(
    Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
      const [x, y] = from(at % WIDTH, Math.floor(at / WIDTH));
      return widened(pixelAt(x, y, seed));
    }).flat(),
  );
}

function write(input: ConverterInput, bytes: Uint8Array): void {
  input.layout.accessSync('write', ([plane]) => plane?.bytes.set(bytes));
}

function bytesOf(frame: CameraFrame): Uint8Array {
  return frame.layout.accessSync('read', ([plane]) => Uint8Array.from(plane?.bytes ?? []));
}

async function convertBytes(converter: VideoConverter, bytes: Uint8Array): Promise<Uint8Array> {
  using input = await converter.acquireWhenFree();
  write(input, bytes);
  using frame = await input.convert();
  return bytesOf(frame);
}

test('listVideoDevices() and describeVideoDevice() know vim2m as a converter of two queues', { skip }, () => {
  const { queues, ...device } = describeVideoDevice(vim2mPath());
  assert.deepEqual([device.kind, device.multiPlanar, device.driver], ['converter', false, 'vim2m']);
  assert.deepEqual(queues.map(({ direction }) => direction).toSorted(), ['capture', 'output']);
});

test('convert() makes of each picture what vim2m makes: converted, and turned as controls say', { skip }, async () => {
  using converter = openVideoConverter(vim2mPath(), SAME_SIZE);
  assert.deepEqual([converter.input.memory.kind, converter.output.memory.kind], ['imported', 'imported']);
  const picture = pictureOf(WIDTH, HEIGHT);
  assert.deepEqual(await convertBytes(converter, picture), expectedRgb());
  converter.controls.set('vertical_flip', true);
  assert.deepEqual(
    await convertBytes(converter, picture),
    expectedRgb(0, (x, y) => [x, HEIGHT - 1 - y]),
  );
  converter.controls.set('horizontal_flip', true);
  assert.deepEqual(
    await convertBytes(converter, picture),
    expectedRgb(0, (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y]),
  );
});

test('convert() matches what comes out to what went in, with several under way', { skip }, async () => {
  using converter = openVideoConverter(vim2mPath(), {
    input: { ...SAME_SIZE.input, buffers: 4 },
    output: { ...SAME_SIZE.output, buffers: 3 },
  });
  const seeds = Array.from({ length: 12 }, (_, seed) => seed + 1);
  const made = seeds.map(async (seed) => {
    const input = await converter.acquireWhenFree();
    write(input, pictureOf(WIDTH, HEIGHT, seed));
    using frame = await input.convert({ timestampNs: BigInt(seed) * 1_000_000_007n });
    assert.deepEqual([frame.timestampClock, frame.damaged, frame.short], ['copy', false, false]);
    // V4L2 has whole µs.
    assert.equal(frame.timestampNs, ((BigInt(seed) * 1_000_000_007n) / 1000n) * 1000n);
    assert.deepEqual(bytesOf(frame), expectedRgb(seed), `picture ${seed}`);
  });
  await Promise.all(made);
  assert.equal(converter.inFlightCount, 0);
});

test('convert() takes pictures in buffers that it was given, on both sides, and they stay open', { skip }, async () => {
  using heap = openHeap('system');
  const layoutOf = (format: 'RGB565' | 'BGR888'): FrameLayout => {
    const description = describeFrame(format, { width: WIDTH, height: HEIGHT });
    return new FrameLayout(description, [heap.allocate(description.length)]);
  };
  const inputs = [layoutOf('RGB565'), layoutOf('RGB565')];
  const outputs = [layoutOf('BGR888'), layoutOf('BGR888')];
  const converter = openVideoConverter(vim2mPath(), {
    input: { ...SAME_SIZE.input, buffers: inputs.map(({ buffers }) => buffers) },
    output: { ...SAME_SIZE.output, buffers: outputs.map(({ buffers }) => buffers) },
  });
  for (const [seed, input] of [...inputs, ...inputs].entries()) {
    input.accessSync('write', ([plane]) => plane?.bytes.set(pictureOf(WIDTH, HEIGHT, seed)));
    const frame = await converter.convert(input);
    assert.ok(outputs.some(({ buffers }) => buffers[0] === frame.buffer));
    assert.deepEqual(bytesOf(frame), expectedRgb(seed));
    frame.close();
  }
  converter.close();
  for (const { buffers } of [...inputs, ...outputs]) {
    for (const buffer of buffers) {
      assert.equal(buffer.closed, false);
      buffer.close();
    }
  }
});

test(
  'convert() takes a camera’s frames as they are, and gives what it makes their timestamps',
  { skip: skip || missingVivid() },
  async () => {
    const size = { width: 640, height: 360 };
    const { path } = vividNode(SINGLE_PLANAR, 'capture');
    using camera = openCamera(path, { ...size, format: 'RGB565', rate: 30, input: 0 });
    using converter = openVideoConverter(vim2mPath(), {
      input: { ...size, format: 'RGB565', buffers: camera.buffers },
      output: { ...size, format: 'BGR888' },
    });
    let left = 2;
    for await (const frame of camera.frames()) {
      using made = await converter.convert(frame);
      assert.equal(made.timestampNs, frame.timestampNs);
      const pixels = frame.layout.accessSync(
        'read',
        ([plane]) => new Uint16Array(Uint8Array.from(plane?.bytes ?? []).buffer),
      );
      const expected = new Uint8Array(3 * pixels.length);
      for (const [at, pixel] of pixels.entries()) expected.set(widened(pixel), 3 * at);
      assert.equal(Buffer.compare(bytesOf(made), expected), 0);
      frame.close();
      await assert.rejects(converter.convert(frame), isRefusal('ERR_DMABUF_CLOSED'));
      left -= 1;
      if (left === 0) break;
    }
  },
);

test('the kernel maps each buffer of both queues once, however many pictures are converted', { skip }, async () => {
  const maps = new CountedMaps();
  try {
    using converter = openVideoConverter(vim2mPath(), SAME_SIZE);
    for (let seed = 0; seed < 6; seed += 1) await convertBytes(converter, pictureOf(WIDTH, HEIGHT, seed));
    assert.deepEqual(maps.read(), { all: 4, eager: 4 });
  } finally {
    maps.close();
  }
});

test(
  'convert() waits while all that was made is open, and acquire() while all inputs are taken',
  { skip },
  async () => {
    using converter = openVideoConverter(vim2mPath(), SAME_SIZE);
    const picture = pictureOf(WIDTH, HEIGHT);
    const open = await Promise.all([0, 1].map(async () => await (await converter.acquireWhenFree()).convert()));
    const inputs = [converter.acquire(), converter.acquire()];
    assert.throws(() => converter.acquire(), isRefusal('EAGAIN'));
    for (const input of inputs) write(input, picture);
    const [one, other] = inputs.map((input) => input.convert());
    await assert.rejects(converter.acquireWhenFree({ signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
    assert.equal(converter.inFlightCount, 2);
    open[0]?.close();
    (await one)?.close();
    (await other)?.close();
    assert.equal(converter.inFlightCount, 0);
  },
);

test('an abort gives up one conversion, and the converter goes on', { skip }, async () => {
  using converter = openVideoConverter(vim2mPath(), SAME_SIZE);
  converter.controls.set('transaction_time_msec', 200);
  const abort = new AbortController();
  const given = converter.acquire().convert({ signal: abort.signal });
  abort.abort(new Error('no longer'));
  await assert.rejects(given, /no longer/u);
  assert.equal(converter.inFlightCount, 1);
  await assert.rejects(converter.acquire().convert({ signal: abort.signal }), /no longer/u);
  converter.controls.set('transaction_time_msec', 1);
  for (let seed = 0; seed < 4; seed += 1)
    assert.deepEqual(await convertBytes(converter, pictureOf(WIDTH, HEIGHT, seed)), expectedRgb(seed));
});

test('close() rejects what is under way, and gives every buffer back', { skip }, async () => {
  const before = await settled(heldFiles);
  const converter = openVideoConverter(vim2mPath(), SAME_SIZE);
  const frame = await converter.acquire().convert();
  converter.controls.set('transaction_time_msec', 500);
  const made = [converter.acquire().convert(), converter.acquire().convert()];
  const waiting = converter.acquireWhenFree();
  converter.close();
  converter.close();
  for (const each of [...made, waiting]) await assert.rejects(each, isRefusal('ERR_DMABUF_CLOSED'));
  assert.equal(frame.closed, true);
  assert.throws(() => converter.acquire(), isRefusal('ERR_DMABUF_CLOSED'));
  await assertSettles(heldFiles, before);
});

test(
  'a converter that is unplugged ends what is under way, and can be opened again when it is back',
  { skip },
  async () => {
    const before = await settled(heldFiles);
    const converter = openVideoConverter(vim2mPath(), SAME_SIZE);
    const frame = await converter.acquire().convert();
    converter.controls.set('transaction_time_msec', 200);
    const made = converter.acquire().convert();
    bindVim2m('unbind');
    try {
      await assert.rejects(made, isRefusal('ENODEV'));
      assert.throws(() => converter.acquire(), isRefusal('ENODEV'));
      frame.close();
      converter.close();
      await assertSettles(heldFiles, before);
    } finally {
      bindVim2m('bind');
    }
    using again = openVideoConverter(vim2mPath(), SAME_SIZE);
    assert.deepEqual(await convertBytes(again, pictureOf(WIDTH, HEIGHT)), expectedRgb());
  },
);
