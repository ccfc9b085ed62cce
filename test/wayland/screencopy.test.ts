/** captureScreen() by screencopy, as its requests go to a compositor and its events come back. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { Heap } from '../../src/index.ts';
import type { FrameLayout } from '../../src/picture/index.ts';
import { captureScreen } from '../../src/wayland/index.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { event, listenNaively } from './naive-compositor.ts';
import type { NaiveCompositor } from './naive-compositor.ts';
import { embeddedHeap } from './painted-picture.ts';

checkLeaksAfterFile();

type Act = (compositor: NaiveCompositor) => void;

const MANAGER = 'zwlr_screencopy_manager_v1';
const FRAME = 'zwlr_screencopy_frame_v1';
const GLOBALS = ['wl_compositor', 'wl_shm', 'wl_output', MANAGER];

/** XRGB8888, 2 pixels a row and 3 rows, 16 bytes from row to row. */
const wantRows: Act = (one) => one.send(event(one.idOf(FRAME), 0, 1, 2, 3, 16));

const sendReady: Act = (one) => one.send(event(one.idOf(FRAME), 2, 0, 0, 0));

/** What a compositor of these globals shows. */
async function captured(
  t: TestContext,
  {
    globals = GLOBALS,
    capture = wantRows,
    copy = sendReady,
    heap = embeddedHeap(t),
  }: {
    globals?: readonly string[];
    capture?: Act;
    copy?: Act;
    heap?: Heap;
  },
): Promise<FrameLayout> {
  const path = join(temporaryFolder(t), 'wayland');
  const accepting = listenNaively(t, path, {
    globals,
    at: { [`${MANAGER} 0`]: capture, [`${FRAME} 0`]: copy },
  }).accept();
  try {
    const layout = await captureScreen(heap, { display: path });
    t.after(() => layout.buffers[0]?.close());
    return layout;
  } finally {
    (await accepting).end();
  }
}

/** Writes 1, 2, … to the rows of the client's memory. */
function fill(one: NaiveCompositor): void {
  const own = importBuffer(one.fds[0] ?? -1);
  own.accessSync('write', (bytes) => {
    for (const row of [0, 1, 2]) bytes.fill(row + 1, row * 16, row * 16 + 16);
  });
  own.close();
}

/** The first byte of each row. */
function firstBytes(layout: FrameLayout): (number | undefined)[] {
  return layout.accessSync('read', ([plane]) => [0, 1, 2].map((row) => plane?.row(row)[0]));
}

test('captureScreen() lets the compositor fill a picture as it wants it', async (t) => {
  const copy: Act = (one) => {
    fill(one);
    one.send(event(one.idOf(FRAME), 1, 0));
    sendReady(one);
  };
  const layout = await captured(t, { copy });
  assert.deepEqual([layout.width, layout.height, layout.planes[0]?.stride], [2, 3, 16]);
  assert.deepEqual(firstBytes(layout), [1, 2, 3]);
});

test('captureScreen() turns over a picture whose last row comes first', async (t) => {
  const copy: Act = (one) => {
    fill(one);
    one.send(event(one.idOf(FRAME), 1, 1));
    sendReady(one);
  };
  assert.deepEqual(firstBytes(await captured(t, { copy })), [3, 2, 1]);
});

const sendFailed: Act = (one) => one.send(event(one.idOf(FRAME), 3));

for (const [name, options, code, message] of [
  ['fails at once', { capture: sendFailed }, 'EIO', /its copy failed/u],
  ['fails at the copy', { copy: sendFailed }, 'EIO', /its copy failed/u],
  [
    'wants rows shorter than their pixels',
    { capture: (one: NaiveCompositor) => one.send(event(one.idOf(FRAME), 0, 1, 2, 3, 4)) },
    'EPROTO',
    /a picture that cannot be: /u,
  ],
  [
    'wants a picture without pixels',
    { capture: (one: NaiveCompositor) => one.send(event(one.idOf(FRAME), 0, 1, 0, 0, 0)) },
    'EPROTO',
    /a picture that cannot be: /u,
  ],
  [
    'wants a format that nobody knows',
    { capture: (one: NaiveCompositor) => one.send(event(one.idOf(FRAME), 0, 0x3f3f_3f3f, 2, 3, 16)) },
    'EPROTO',
    /a picture that cannot be: /u,
  ],
  [
    'wants a format that its wl_shm does not have',
    // XB24.
    { capture: (one: NaiveCompositor) => one.send(event(one.idOf(FRAME), 0, 0x3432_4258, 2, 3, 16)) },
    'EOPNOTSUPP',
    /does not take it in memfds/u,
  ],
  ['has no output', { globals: ['wl_shm', MANAGER] }, 'EOPNOTSUPP', /it has no wl_output/u],
  ['shows its outputs to nobody', { globals: ['wl_shm', 'wl_output'] }, 'EOPNOTSUPP', /through the desktop portal/u],
] as const)
  test(`a compositor that ${name} is an error, ${code}`, async (t) => {
    await assert.rejects(captured(t, options), (error: Error) => {
      assert.ok(isDmaBufError(error, code), String(error));
      assert.match(error.message, message);
      return true;
    });
  });

const UDMABUF = '/dev/udmabuf';
const missingUdmabuf = existsSync(UDMABUF) ? false : `there is no ${UDMABUF}: npm run vm boots a kernel that has it`;

test('captureScreen() by screencopy refuses a heap of dma-bufs', { skip: missingUdmabuf }, async (t) => {
  const heap = openHeap('system', { backends: ['udmabuf'] });
  t.after(() => heap.close());
  await assert.rejects(captured(t, { heap }), {
    code: 'EOPNOTSUPP',
    message: /use the embedded heap, opened with contiguous: true$/u,
  });
});
