/** Frames of unmodified PipeWire 1.4: what GStreamer draws is the oracle. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { isDmaBufError } from '../../src/index.ts';
import type { FrameLayout } from '../../src/picture/index.ts';
import { experimentalReceivePipeWireFrames } from '../../src/pipewire/index.ts';
import { missingPipeWire, startPipeWire } from '../support/processes/pipewire.ts';
import type { PipeWire } from '../support/processes/pipewire.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';

const skip = missingPipeWire();
const [WIDTH, HEIGHT] = [320, 240];
/** After so many, the ball is where it was. */
const PERIOD = 200;
const FRAME_COUNT = 60;
const FORMATS: readonly (readonly [string, number])[] = [
  ['BGRx', 4],
  ['YUY2', 2],
];

function sumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pictureOf(layout: FrameLayout): Uint8Array {
  return layout.accessSync('read', ([plane]) => plane?.copyOut() ?? new Uint8Array());
}

function sourceOf(format: string): string {
  return `videotestsrc pattern=ball ! video/x-raw,format=${format},width=${WIDTH},height=${HEIGHT},framerate=30/1`;
}

/** By the sum of its bytes, when each of a period's pictures comes. */
async function placesOf(pipewire: PipeWire, format: string, pixelBytes: number): Promise<Map<string, number>> {
  const description = sourceOf(format).replace('videotestsrc', `videotestsrc num-buffers=${PERIOD}`);
  const bytes = await pipewire.startPipeline(`${description} ! fdsink`).ended();
  const length = WIDTH * HEIGHT * pixelBytes;
  assert.equal(bytes.length, PERIOD * length);
  const sums = Array.from({ length: PERIOD }, (_, index) =>
    sumOf(bytes.subarray(index * length, (index + 1) * length)),
  );
  const places = new Map(sums.map((sum, index) => [sum, index]));
  assert.equal(places.size, PERIOD);
  return places;
}

for (const [format, pixelBytes] of FORMATS)
  test(
    `60 frames of PipeWire in ${format} are those that were drawn, every pixel, and come in order`,
    { skip },
    async (t) => {
      const held = await settledDescriptors();
      const pipewire = await startPipeWire(t);
      const places = await placesOf(pipewire, format, pixelBytes);
      const sink = 'pipewiresink mode=provide stream-properties=p,node.name=source';
      const source = pipewire.startPipeline(
        `${sourceOf(format).replace('videotestsrc', 'videotestsrc is-live=true')} ! ${sink}`,
      );
      const frames = await experimentalReceivePipeWireFrames({ remote: pipewire.remote, name: 'consumer' });
      const linked = pipewire.link('source:output_1', 'consumer:input');
      const found: (number | undefined)[] = [];
      for await (const frame of frames) {
        found.push(places.get(sumOf(pictureOf(frame.layout))));
        frame.close();
        if (found.length === FRAME_COUNT) break;
      }
      await linked;
      assert.ok(!found.includes(undefined), `pictures that nobody has drawn: ${found.join(' ')}`);
      for (const [index, place = 0] of found.slice(1).entries()) {
        const step = (place - (found[index] ?? 0) + PERIOD) % PERIOD;
        assert.ok(step >= 1 && step < PERIOD / 2, `picture ${place} came after ${found[index]}`);
      }
      await source.kill();
      await pipewire.kill();
      await assertHeld(held, 'descriptors stayed open');
    },
  );

test('a slow reader gets the newest frame, and is told how many it has missed', { skip }, async (t) => {
  const pipewire = await startPipeWire(t);
  const sink = 'pipewiresink mode=provide stream-properties=p,node.name=source';
  const live = sourceOf('BGRx').replace('videotestsrc', 'videotestsrc is-live=true');
  const source = pipewire.startPipeline(`${live} ! ${sink}`);
  using frames = await experimentalReceivePipeWireFrames({ remote: pipewire.remote, name: 'consumer' });
  await pipewire.link('source:output_1', 'consumer:input');
  const { value: first } = await frames.next();
  first?.close();
  await sleep(1000);
  const { value: next } = await frames.next();
  // 30 come in a second; the machine may be busy.
  assert.ok((next?.droppedCount ?? 0) >= 3, `${next?.droppedCount} dropped`);
  next?.close();
  await source.kill();
});

test('Frames of a PipeWire that dies end with ECONNRESET, and close what was read', { skip }, async (t) => {
  const pipewire = await startPipeWire(t);
  const frames = await experimentalReceivePipeWireFrames({ remote: pipewire.remote });
  const refused = assert.rejects(frames.next(), (error) => isDmaBufError(error, 'ECONNRESET'));
  await pipewire.kill();
  await refused;
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
});
