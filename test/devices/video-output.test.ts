/** Outputs against vivid, whose HDMI output can be connected to its HDMI input. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/index.ts';
import { openCamera, openVideoOutput } from '../../src/v4l2/index.ts';
import { SINGLE_PLANAR, missingVivid, heldFiles, setControl, vividNode } from '../support/devices/vivid.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';

const skip = missingVivid();
checkLeaksAfterFile();

const WIDTH = 1280;
const HEIGHT = 720;
/** Noise, while a slow guest has none of the output's frames ready: that the test ends. */
const OTHERS_MAX = 2000;

/** Pictures that differ in every byte. */
const PICTURES = Array.from({ length: 4 }, (_, frame) => new Uint8Array(WIDTH * HEIGHT * 2).fill(0x40 + 7 * frame));

/** In no byte other than one of the pictures. */
function isPicture(bytes: Uint8Array): boolean {
  return PICTURES.some((picture) => Buffer.compare(picture, bytes) === 0);
}

test(
  'openVideoOutput() to openCamera() through vivid’s HDMI gives identical frames, both on heap buffers',
  { skip },
  async () => {
    const before = await settled(heldFiles);
    using output = openVideoOutput(vividNode(SINGLE_PLANAR, 'output').path, {
      output: 1,
      width: WIDTH,
      height: HEIGHT,
      format: 'YUYV',
    });
    assert.equal(output.memory.kind, 'imported');
    const { path } = vividNode(SINGLE_PLANAR, 'capture');
    setControl(path, 'hdmi_000_0_is_connected_to', 2);
    // Text would be written into what comes in.
    setControl(path, 'osd_text_mode', 'None');
    const sending = new AbortController();
    const sent = (async () => {
      for (let count = 0; ; count += 1) {
        const frame = await output.acquireWhenFree({ signal: sending.signal });
        frame.layout.accessSync('write', ([plane]) =>
          plane?.bytes.set(PICTURES[count % PICTURES.length] as Uint8Array),
        );
        frame.submit();
      }
    })();
    const stopped = assert.rejects(sent, /enough/u);
    using camera = openCamera(path, {
      input: 'HDMI 000-0',
      takeTimings: true,
      width: WIDTH,
      height: HEIGHT,
      format: 'YUYV',
    });
    assert.equal(camera.memory.kind, 'imported');
    let [identical, others] = [0, 0];
    for await (const frame of camera.frames()) {
      // Before the first frame of the output is through, the input shows noise of its own.
      if (frame.layout.accessSync('read', ([plane]) => isPicture(plane?.bytes ?? new Uint8Array(0)))) identical += 1;
      else others += 1;
      frame.close();
      assert.ok(others < OTHERS_MAX, 'the frames are not those that were sent');
      if (identical === 5) break;
    }
    sending.abort(new Error('enough'));
    await stopped;
    camera.close();
    output.close();
    setControl(path, 'hdmi_000_0_is_connected_to', 0);
    openCamera(path, { input: 0, width: 640, height: 360, format: 'YUYV' }).close();
    await assertSettles(heldFiles, before);
  },
);

test('VideoOutput.acquire() is refused while the device has all frames, and after close', { skip }, () => {
  using output = openVideoOutput(vividNode(SINGLE_PLANAR, 'output').path, { output: 1, format: 'YUYV', buffers: 3 });
  const frames = output.buffers.map(() => output.acquire());
  assert.throws(
    () => output.acquire(),
    (error) => isDmaBufError(error, 'EAGAIN'),
  );
  frames[0]?.discard();
  output.acquire().discard();
  assert.throws(
    () => frames[0]?.submit(),
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
  output.close();
  assert.throws(
    () => output.acquire(),
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
});

test('openVideoOutput() takes heap buffers for pictures that do not end with a page', { skip }, async () => {
  const { path } = vividNode(SINGLE_PLANAR, 'output');
  const output = openVideoOutput(path, { output: 0, format: 'YUYV' });
  const { width, height, memories } = output.format;
  assert.ok((2 * width * height) % 4096 > 0, `${width}x${height}`);
  assert.deepEqual([output.memory.kind, memories[0]?.length], ['imported', 2 * width * height]);
  (await output.acquireWhenFree()).submit();
  output.close();
  openVideoOutput(path, { output: 1, format: 'YUYV' }).close();
});
