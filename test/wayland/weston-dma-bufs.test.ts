/** Real dma-bufs in a window of an unmodified weston that draws by OpenGL, pixel by pixel. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { openHeap } from '../../src/index.ts';
import { openWindow } from '../../src/wayland/index.ts';
import { missingWeston, startWeston } from '../support/processes/weston.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { SIZE, picture, wrongPixels } from './painted-picture.ts';

checkLeaksAfterFile();

for (const [backend, device] of [
  ['kernel', '/dev/dma_heap/system'],
  ['udmabuf', '/dev/udmabuf'],
] as const) {
  const missing = existsSync(device) ? false : `there is no ${device}: npm run vm boots a kernel that has it`;
  test(
    `weston shows dma-bufs of ${device}, and not one pixel is another`,
    { skip: missing || missingWeston('gl') },
    async (t) => {
      const { display } = await startWeston(t, SIZE, { renderer: 'gl' });
      const window = await openWindow({ display, ...SIZE });
      t.after(() => window.close());
      const heap = openHeap('system', { backends: [backend] });
      t.after(() => heap.close());
      for (const seed of [1, 2, 3]) {
        const layout = picture(t, heap, { seed });
        assert.notEqual(layout.buffers[0]?.exporter, 'memfd');
        await (
          await window.show(layout)
        ).drawn;
        assert.equal(await wrongPixels(display, seed), 0);
      }
    },
  );
}
