/** A producer of a frame ring that never ends by itself: `node ring-producer-peer.js PATH FRAME_LENGTH`. Serves who connects to PATH. */

import process from 'node:process';
import { setImmediate } from 'node:timers/promises';

import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import { createFrameRing, listenForBuffers } from '../../src/share/index.ts';
import { stampFrame } from './frame-stamps.ts';

const [path = '', frameLength = '4096'] = process.argv.slice(2);
const ring = createFrameRing(openEmbeddedHeap(), { frameLength: Number(frameLength), frameCount: 8 });
void ring.serve(await listenForBuffers(path));
process.stdout.write('listening');
for (let stamp = 1; ; stamp += 1) {
  const frame = ring.acquire();
  stampFrame(frame.bytes, stamp);
  frame.publish();
  await setImmediate();
}
