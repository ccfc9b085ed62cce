/**
 * A producer of a frame ring that never ends by itself: `node ring-producer-peer.js PATH
 * FRAME_LENGTH SERVE_OPTIONS`. Serves every process that connects to PATH.
 */

import process from 'node:process';
import { setImmediate } from 'node:timers/promises';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { createFrameRing } from '../../src/share/ring/index.ts';
import { listen } from '../../src/share/index.ts';
import type { ServeOptions } from '../../src/share/ring/index.ts';
import { stampFrame } from './frame-stamps.ts';

const [path = '', frameLength = '4096', serveOptions = '{}'] = process.argv.slice(2);
const ring = createFrameRing(openEmbeddedHeap(), { frameLength: Number(frameLength), frameCount: 8 });
void ring.serve(await listen(path), JSON.parse(serveOptions) as ServeOptions);
process.stdout.write('listening');
for (let stamp = 1; ; stamp += 1) {
  const frame = ring.acquire();
  stampFrame(frame.bytes, stamp);
  frame.publish();
  await setImmediate();
}
