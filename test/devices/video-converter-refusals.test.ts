/** What a converter refuses, and what becomes of it when a system call fails: against vim2m. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { openCamera, openVideoOutput } from '../../src/v4l2/index.ts';
import type { VideoConverterOptions } from '../../src/v4l2/index.ts';
import { openVideoConverter } from '../../src/v4l2/video-converter.ts';
import { checkEachCallFails } from '../support/devices/each-call-fails.ts';
import { missingVim2m, unloadVim2m, vim2mPath } from '../support/devices/vim2m.ts';
import { heldFiles } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

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

test('a converter is refused what it cannot be, with what it can', { skip }, () => {
  const path = vim2mPath();
  const before = heldFiles();
  assert.throws(
    () => openVideoConverter(path, { input: { format: 'YUYV' } }),
    /^DmaBufError: Cannot open the input of \/dev\/video\d+ as it has no format YUYV: take one of RGBP, RGBR, RGB3, BGR3$/u,
  );
  assert.throws(
    () => openVideoConverter(path, { output: { width: 1280, height: 720 } }),
    /Cannot open the output of \/dev\/video\d+ as it would take RGBP 640x480 instead of RGBP 1280x720/u,
  );
  assert.throws(() => openCamera(path), /converts frames from one queue to another \(openVideoConverter\)/u);
  assert.throws(() => openVideoOutput(path), isRefusal('ENOTTY'));
  assert.deepEqual(heldFiles(), before);
});

test(
  'convert() refuses pictures in other buffers, laid out otherwise, busy, or of a time that is taken',
  { skip },
  async () => {
    using heap = openHeap('system');
    const description = describeFrame('RGB565', { width: WIDTH, height: HEIGHT });
    const buffers = [heap.allocate(description.length), heap.allocate(description.length), heap.allocate(4096)];
    const [one, other] = [0, 1].map((index) => new FrameLayout(description, buffers.slice(index, index + 1)));
    assert.ok(one !== undefined && other !== undefined);
    using converter = openVideoConverter(vim2mPath(), {
      ...SAME_SIZE,
      input: { ...SAME_SIZE.input, buffers: buffers.slice(0, 2) },
    });
    converter.controls.set('transaction_time_msec', 100);
    await assert.rejects(converter.convert({} as FrameLayout), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    const elsewhere = new FrameLayout(describeFrame('RGB565', { width: 32, height: 32 }), buffers.slice(2));
    await assert.rejects(converter.convert(elsewhere), {
      name: 'RangeError',
      message: /'picture' must lie in buffers of the input/u,
    });
    const smaller = new FrameLayout(describeFrame('RGB565', { width: 32, height: 32 }), buffers.slice(0, 1));
    await assert.rejects(converter.convert(smaller), {
      name: 'RangeError',
      message: /laid out as the input: RG16 64x48/u,
    });
    for (const options of [{ timestampNs: 1 }, { bytesUsed: [1, 2] }, { signal: {} }, { speed: 1 }])
      await assert.rejects(converter.convert(one, options as object), /^(?:TypeError|RangeError)/u);
    const made = converter.convert(one, { timestampNs: 5000n });
    await assert.rejects(converter.convert(one), isRefusal('EBUSY'));
    await assert.rejects(converter.convert(other, { timestampNs: 5999n }), isRefusal('EEXIST'));
    (await made).close();
    const input = converter.acquire();
    await assert.rejects(converter.convert(one), isRefusal('EBUSY'));
    input.discard();
    input.discard();
    assert.throws(() => input.layout, isRefusal('ERR_DMABUF_CLOSED'));
    await assert.rejects(input.convert(), isRefusal('ERR_DMABUF_CLOSED'));
    (await converter.convert(one)).close();
    converter.close();
    for (const buffer of buffers) buffer.close();
  },
);

test('openVideoConverter(): each call that fails is a typed error or is done without', { skip }, async () => {
  using heap = openHeap('system');
  const input = { ...SAME_SIZE.input, heap };
  const output = { ...SAME_SIZE.output, heap };
  await checkEachCallFails(async (machine) => {
    const converter = openVideoConverter(vim2mPath(), { input, output }, machine);
    try {
      for (let count = 0; count < 3; count += 1) {
        const frame = await (await converter.acquireWhenFree()).convert();
        frame.layout.accessSync('read', ([plane]) => plane?.bytes[0]);
        frame.close();
      }
    } finally {
      converter.close();
    }
  });
});
