/** Compositors that lie: each is an error, ends nothing else, and leaves nothing behind. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { MiB, isDmaBufError } from '../../src/index.ts';
import { openWindow } from '../../src/wayland/index.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { event, listenNaively } from './naive-compositor.ts';
import type { NaiveCompositor } from './naive-compositor.ts';

checkLeaksAfterFile();

/** What a compositor does once the window is there, and what is said of it. */
const MISDEEDS: Readonly<Record<string, readonly [act: (compositor: NaiveCompositor) => void, message: RegExp]>> = {
  'an event of 4 bytes': [(one) => one.send(Buffer.from('0100000000000400', 'hex')), /an event has 4 bytes/u],
  'an event of 11 bytes': [(one) => one.send(Buffer.from('0100000000000b00', 'hex')), /an event has 11 bytes/u],
  'an event that the display has not': [(one) => one.send(event(1, 9)), /wl_display has no event 9/u],
  'an event that is cut': [(one) => one.send(event(1, 1)), /an event is cut/u],
  'an event with more than it has': [(one) => one.send(event(1, 1, 1, 2)), /4 bytes follow an event/u],
  'a text without its end': [
    (one) => one.send(event(1, 0, 0, 0, Buffer.from('never'))),
    /a text does not end with NUL/u,
  ],
  'a keymap without its descriptor': [
    (one) => one.send(event(one.idOf('wl_keyboard'), 0, 1, 100)),
    /wl_keyboard\.keymap came without its descriptor/u,
  ],
  'an error with the codes of a terminal': [
    (one) => one.send(event(1, 0, 1, 3, '\u001B[2J')),
    /wl_display\.implementation: "\\u\{1b\}\[2J"/u,
  ],
  'an error of an object that is gone': [
    (one) => one.send(event(1, 0, 4711, 3, 'why')),
    /an object that is gone\.3: "why"/u,
  ],
};

for (const [name, [act, message]] of Object.entries(MISDEEDS))
  test(`a compositor that sends ${name} is an error, and nothing is left of it`, async (t) => {
    const held = await settledDescriptors();
    const path = join(temporaryFolder(t), 'wayland');
    const listening = listenNaively(t, path);
    const accepting = listening.accept();
    const window = await openWindow({ display: path });
    const compositor = await accepting;
    await until(() => compositor.idOf('wl_keyboard') !== 0);
    const ended = new Promise<Error>((resolve) => {
      window.once('end', resolve);
    });
    act(compositor);
    const error = await ended;
    assert.ok(isDmaBufError(error, 'EPROTO'), String(error));
    assert.match(error.message, message);
    compositor.end();
    listening.close();
    await assertHeld(held, 'nothing is left');
  });

test('a compositor that sends descriptors without events is an error before this process has no more', async (t) => {
  const held = await settledDescriptors();
  const path = join(temporaryFolder(t), 'wayland');
  const listening = listenNaively(t, path);
  const accepting = listening.accept();
  const window = await openWindow({ display: path });
  const compositor = await accepting;
  const ended = new Promise<Error>((resolve) => {
    window.once('end', resolve);
  });
  const memfds = Array.from({ length: 100 }, () => createMemfd({ length: MiB }));
  // The bytes of an event that never ends.
  for (let count = 0; count < 15; count += 1) compositor.stream.writeWithFds(Buffer.from('01000000', 'hex'), memfds);
  for (const memfd of memfds) memfd.close();
  assert.match((await ended).message, /descriptors came that no event takes|has \d+ bytes|has no event/u);
  compositor.end();
  listening.close();
  await assertHeld(held, 'nothing is left');
});

test('events of objects that are not there are passed over', async (t) => {
  const path = join(temporaryFolder(t), 'wayland');
  const accepting = listenNaively(t, path).accept();
  const window = await openWindow({ display: path });
  t.after(() => window.close());
  const compositor = await accepting;
  compositor.send(event(4711, 3, 1, 2, 3), event(compositor.idOf('xdg_wm_base'), 0, 5));
  await until(() => compositor.seen.some(({ on, opcode }) => on === 'xdg_wm_base' && opcode === 3));
  assert.ok(!window.closed);
});
