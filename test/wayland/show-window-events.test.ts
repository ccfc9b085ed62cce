/** `dmabuf show` in a window whose compositor changes its size, and whose user closes it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { CLI_PATH } from '../support/processes/run-cli.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { event, listenNaively } from './naive-compositor.ts';
import type { NaiveCompositor } from './naive-compositor.ts';

checkLeaksAfterFile();

const PICTURE = fileURLToPath(new URL('../../../docs/camera-to-screen.png', import.meta.url));

/** The command, with its end, once it has shown the picture. */
async function shown(t: TestContext): Promise<{ compositor: NaiveCompositor; ended: Promise<unknown[]> }> {
  const path = join(temporaryFolder(t), 'wayland');
  const accepting = listenNaively(t, path).accept();
  const env = { ...process.env, WAYLAND_DISPLAY: path };
  const command = spawn(process.execPath, [CLI_PATH, 'show', PICTURE], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  t.after(() => command.kill('SIGKILL'));
  const ended = once(command, 'close');
  const compositor = await accepting;
  await until(() => sizesOf(compositor).length > 0);
  return { compositor, ended };
}

/** Of the buffers that were made, by wl_shm_pool.create_buffer. */
function sizesOf({ seen }: NaiveCompositor): string[] {
  return seen
    .filter(({ on, opcode }) => on === 'wl_shm_pool' && opcode === 0)
    .map(({ words }) => `${words.readInt32LE(8)}x${words.readInt32LE(12)}`);
}

test('dmabuf show paints a picture again when the window has another size, until the window is closed', async (t) => {
  const { compositor, ended } = await shown(t);
  // The picture's own.
  assert.deepEqual(sizesOf(compositor), ['640x480']);
  for (const [width, height] of [
    [64, 32],
    [30, 90],
  ] as const) {
    compositor.send(
      event(compositor.idOf('xdg_toplevel'), 0, width, height, Buffer.alloc(0)),
      event(compositor.idOf('xdg_surface'), 0, 8),
    );
    await until(() => sizesOf(compositor).at(-1) === `${width}x${height}`);
  }
  assert.deepEqual(sizesOf(compositor), ['640x480', '64x32', '30x90']);
  compositor.send(event(compositor.idOf('xdg_toplevel'), 1));
  assert.deepEqual(await ended, [0, null]);
});

test('dmabuf show ends at Escape, and at no other key', async (t) => {
  const { compositor, ended } = await shown(t);
  await until(() => compositor.idOf('wl_keyboard') !== 0);
  const keyboard = compositor.idOf('wl_keyboard');
  // KEY_A goes down, KEY_ESC comes up: neither is meant. The size tells that both were read.
  compositor.send(event(keyboard, 3, 1, 1, 30, 1), event(keyboard, 3, 2, 2, 1, 0));
  compositor.send(
    event(compositor.idOf('xdg_toplevel'), 0, 64, 32, Buffer.alloc(0)),
    event(compositor.idOf('xdg_surface'), 0, 8),
  );
  await until(() => sizesOf(compositor).at(-1) === '64x32');
  compositor.send(event(keyboard, 3, 3, 3, 1, 1));
  assert.deepEqual(await ended, [0, null]);
});
