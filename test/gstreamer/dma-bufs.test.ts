/** Real dma-bufs, to a pipeline from the system heap, and from one that has a camera's own. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { openHeap } from '../../src/index.ts';
import { describeVideoFrame, receiveFrames, serveFrames } from '../../src/gstreamer/index.ts';
import { FrameLayout } from '../../src/picture/index.ts';
import { rgbAt } from '../support/devices/color-bars.ts';
import { SINGLE_PLANAR, missingVivid, setControl, vividNode } from '../support/devices/vivid.ts';
import { missingGStreamer } from '../support/processes/gstreamer-root.ts';
import { runPipeline, startPipeline } from '../support/processes/gstreamer.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

checkLeaksAfterFile();

const HEAP = '/dev/dma_heap/system';
const missingHeap = existsSync(HEAP) ? false : `there is no ${HEAP}: npm run vm boots a kernel that has it`;

test(
  'a pipeline reads dma-bufs of the system heap, and has every byte',
  { skip: missingHeap || missingGStreamer() },
  async (t) => {
    const caps = 'video/x-raw,format=RGBx,width=320,height=240,framerate=30/1';
    const description = describeVideoFrame(caps);
    const server = await serveFrames(join(temporaryFolder(t), 'frames'), { caps });
    t.after(() => server.close());
    const heap = openHeap('system', { backends: ['kernel'] });
    t.after(() => heap.close());
    const received = runPipeline(t, `unixfdsrc socket-path=${server.path} ! fdsink`);
    await server.whenConnected();
    const sent: Buffer[] = [];
    for (let seed = 0; seed < 3; seed += 1) {
      const bytes = Buffer.from(
        Uint8Array.from({ length: description.length }, (_, at) => (at * 7 + seed * 31) & 0xff),
      );
      const buffer = heap.allocate(description.length);
      t.after(() => buffer.close());
      buffer.accessSync('write', (memory) => memory.set(bytes));
      assert.equal(server.send(new FrameLayout(description, [buffer])).clientCount, 1);
      sent.push(bytes);
    }
    await server.end();
    assert.ok((await received).equals(Buffer.concat(sent)));
  },
);

/** Colours are shared at the edges of bars. */
const EDGE = 4;
/** Where vivid rounds otherwise than double precision does. */
const ROUNDING = 2;

test(
  "a camera's own dma-bufs come from v4l2src, with the picture that it shows",
  { skip: missingVivid() || missingGStreamer() },
  async (t) => {
    const { path: device } = vividNode(SINGLE_PLANAR, 'capture');
    setControl(device, 'test_pattern', '100% Colorbar');
    setControl(device, 'osd_text_mode', 'None');
    const path = join(temporaryFolder(t), 'camera');
    const caps = 'video/x-raw,format=BGRx,width=640,height=360,framerate=30/1';
    const source = `v4l2src device=${device} io-mode=dmabuf num-buffers=6`;
    const camera = startPipeline(t, `${source} ! ${caps} ! unixfdsink socket-path=${path} wait-for-connection=true`);
    await camera.listens(path);
    const files = new Set<number>();
    let count = 0;
    for await (const frame of await receiveFrames(path, { backlog: 4 })) {
      assert.equal(frame.buffer.exporter, 'videobuf2_vmalloc');
      files.add(frame.buffer.inode);
      frame.layout.accessSync('read', ([plane]) => {
        for (const y of [0, 179, 359]) {
          const row = plane?.row(y) ?? new Uint8Array(0);
          for (let x = 0; x < 640; x += 3) {
            const inBar = x % 80;
            if (inBar < EDGE || inBar >= 80 - EDGE) continue;
            for (const [index, color] of rgbAt(x, 640).entries()) {
              const seen = row[4 * x + 2 - index] ?? Number.NaN;
              assert.ok(Math.abs(seen - color) <= ROUNDING, `${seen} for ${color}, of colour ${index} at ${x}, ${y}`);
            }
          }
        }
      });
      frame.close();
      count += 1;
    }
    await camera.ended();
    assert.ok(count > 0 && count <= 6, `${count} frames`);
    // The camera's few buffers come again.
    assert.ok(files.size <= count);
  },
);
