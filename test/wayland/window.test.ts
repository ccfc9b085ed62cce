/** Windows, as their requests go to a compositor and its events come back. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import { FrameLayout, describeFrame } from '../../src/picture/index.ts';
import { openWindow } from '../../src/wayland/index.ts';
import type { KeyEvent, PointerEvent, Window, WindowOptions, WindowSize } from '../../src/wayland/index.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { stateOf } from '../support/runner/promise-state.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { event, listenNaively, USUAL_GLOBALS } from './naive-compositor.ts';
import type { Answers, NaiveCompositor } from './naive-compositor.ts';

checkLeaksAfterFile();

async function opened(
  t: TestContext,
  answers: Answers = {},
  options: WindowOptions = {},
): Promise<{ window: Window; compositor: NaiveCompositor }> {
  const path = join(temporaryFolder(t), 'wayland');
  const accepting = listenNaively(t, path, answers).accept();
  const window = await openWindow({ display: path, width: 8, height: 4, ...options });
  t.after(() => window.close());
  return { window, compositor: await accepting };
}

interface PictureOptions {
  readonly shareable?: boolean;
  readonly format?: 'XRGB8888' | 'NV12';
}

function picture(t: TestContext, { shareable = true, format = 'XRGB8888' }: PictureOptions = {}): FrameLayout {
  const heap = openHeap('system', { backends: ['embedded'], contiguous: true });
  t.after(() => heap.close());
  const description = describeFrame(format, { width: 8, height: 4 });
  const buffer = heap.allocate(description.length, { shareable });
  t.after(() => buffer.close());
  return new FrameLayout(description, [buffer]);
}

const words = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32LE(at * 4));

test('openWindow() makes a window with a title, and waits until it is configured', async (t) => {
  const { window, compositor } = await opened(t, {}, { title: 'Grüße' });
  assert.deepEqual(window.size, { width: 8, height: 4 });
  const titles = compositor.seen.filter(({ on, opcode }) => on === 'xdg_toplevel' && opcode === 2);
  assert.deepEqual(
    titles.map(({ words: bytes }) => bytes.toString('latin1').slice(4)),
    [`${Buffer.from('Grüße').toString('latin1')}\0`],
  );
  const acks = compositor.seen.filter(({ on, opcode }) => on === 'xdg_surface' && opcode === 4);
  assert.deepEqual(
    acks.map(({ words: bytes }) => words(bytes)),
    [[7]],
  );
});

test('show() attaches the picture’s own memory, and tells when it is drawn and released', async (t) => {
  const { window, compositor } = await opened(t);
  const [first, second] = [picture(t), picture(t)];
  first.accessSync('write', ([plane]) => plane?.row(2).fill(0x5a));
  const shown = await window.show(first);
  await shown.drawn;
  assert.equal(await stateOf(shown.released), 'pending');
  // 4 rows of 32 bytes, XRGB8888.
  const made = compositor.seen.filter(({ on, opcode }) => on === 'wl_shm_pool' && opcode === 0);
  assert.deepEqual(
    made.map(({ words: bytes }) => words(bytes).slice(1)),
    [[0, 8, 4, 32, 1]],
  );
  const own = importBuffer(compositor.fds[0] ?? -1, { mode: 'read' });
  assert.equal(
    own.accessSync('read', (bytes) => bytes[2 * 32]),
    0x5a,
  );
  own.close();
  const next = await window.show(second, { damage: { x: 1, y: 2, width: 3, height: 1 } });
  await next.drawn;
  await shown.released;
  const damages = compositor.seen.filter(({ on, opcode }) => on === 'wl_surface' && opcode === 9);
  assert.deepEqual(
    damages.map(({ words: bytes }) => words(bytes)),
    [
      [0, 0, 8, 4],
      [1, 2, 3, 1],
    ],
  );
  // A picture that comes again is no new buffer.
  await (
    await window.show(first)
  ).drawn;
  assert.equal(compositor.seen.filter(({ on }) => on === 'wl_shm').length, 2);
});

test('a window tells the scale that the compositor wants, and shows pictures in the one that is given', async (t) => {
  const { window, compositor } = await opened(t);
  const scales: number[] = [];
  window.on('scale', (scale) => scales.push(scale));
  assert.equal(window.scale, 1);
  const surface = compositor.idOf('wl_surface');
  // What is no scale, and what is the same, is no news.
  compositor.send(...[2, 2, 0, -1, 3].map((scale) => event(surface, 2, scale)));
  await until(() => scales.length === 2);
  assert.deepEqual([scales, window.scale], [[2, 3], 3]);
  for (const scale of [2, 2, 4, undefined]) {
    const { drawn } = await window.show(picture(t), { scale });
    await drawn;
  }
  const sent = compositor.seen.filter(({ on, opcode }) => on === 'wl_surface' && opcode === 8);
  assert.deepEqual(
    sent.map(({ words: bytes }) => words(bytes)),
    [[2], [4], [1]],
  );
  await assert.rejects(window.show(picture(t), { scale: 3 }), {
    name: 'RangeError',
    message: "Cannot show the picture: 'scale' must divide the picture's size of 8 by 4, received 3",
  });
  for (const scale of [0, -1, 1.5, 65, Number.NaN])
    await assert.rejects(window.show(picture(t), { scale }), RangeError);
});

test('a compositor before version 6 tells the scale by the screens that a window is on', async (t) => {
  const globals = ['wl_output', 'wl_output', ...USUAL_GLOBALS];
  const { window, compositor } = await opened(t, { globals, versions: { wl_compositor: 5, wl_output: 4 } });
  const scales: number[] = [];
  window.on('scale', (scale) => scales.push(scale));
  await until(() => compositor.idsOf('wl_output').length === 2);
  const [low = 0, high = 0] = compositor.idsOf('wl_output');
  const surface = compositor.idOf('wl_surface');
  compositor.send(event(low, 3, 1), event(high, 3, 2));
  // On the low one, on both, on the high one alone, on none, and the high one is set otherwise.
  compositor.send(event(surface, 0, low), event(surface, 0, high), event(surface, 1, low), event(surface, 1, high));
  compositor.send(event(surface, 0, high), event(high, 3, 4), event(surface, 0, low), event(surface, 1, high));
  await until(() => scales.length === 3);
  assert.deepEqual([scales, window.scale], [[2, 4, 1], 1]);
});

test('a window emits what the compositor wants, and the user does', async (t) => {
  const { window, compositor } = await opened(t);
  const sizes: WindowSize[] = [];
  const keys: KeyEvent[] = [];
  const pointers: PointerEvent[] = [];
  let closing = 0;
  window.on('resize', (size) => sizes.push(size));
  window.on('key', (key) => keys.push(key));
  window.on('pointer', (pointer) => pointers.push(pointer));
  window.on('closing', () => (closing += 1));
  await until(() => compositor.idOf('wl_pointer') !== 0 && compositor.idOf('wl_keyboard') !== 0);
  const [toplevel, surface, keyboard, pointer] = ['xdg_toplevel', 'xdg_surface', 'wl_keyboard', 'wl_pointer'].map(
    (name) => compositor.idOf(name),
  ) as [number, number, number, number];
  compositor.send(
    event(toplevel, 0, 100, 0, Buffer.alloc(0)),
    event(surface, 0, 8),
    event(keyboard, 3, 1, 2, 16, 1),
    event(keyboard, 3, 2, 3, 16, 0),
    // 2.5 from the left, 1 from the top.
    event(pointer, 0, 1, compositor.idOf('wl_surface'), 640, 256),
    event(pointer, 3, 1, 2, 272, 1),
    event(pointer, 1, 3, compositor.idOf('wl_surface')),
    event(toplevel, 1),
  );
  await until(() => closing === 1);
  assert.deepEqual(sizes, [{ width: 100, height: 4 }]);
  assert.deepEqual(window.size, { width: 100, height: 4 });
  assert.deepEqual(keys, [
    { code: 16, pressed: true },
    { code: 16, pressed: false },
  ]);
  assert.deepEqual(pointers, [
    { kind: 'move', x: 2.5, y: 1, button: 0, pressed: false },
    { kind: 'button', x: 2.5, y: 1, button: 272, pressed: true },
    { kind: 'leave', x: 2.5, y: 1, button: 0, pressed: false },
  ]);
});

test('a compositor that asks whether the window lives gets its answer', async (t) => {
  const { compositor } = await opened(t);
  compositor.send(event(compositor.idOf('xdg_wm_base'), 0, 4711));
  await until(() => compositor.seen.some(({ on, opcode }) => on === 'xdg_wm_base' && opcode === 3));
  const pong = compositor.seen.findLast(({ on, opcode }) => on === 'xdg_wm_base' && opcode === 3);
  assert.deepEqual(words(pong?.words ?? Buffer.alloc(0)), [4711]);
});

test('what the compositor does not take is refused with the remedy', async (t) => {
  const { window } = await opened(t);
  await assert.rejects(window.show(picture(t, { format: 'NV12' })), (error: Error) => {
    assert.ok(isDmaBufError(error, 'EOPNOTSUPP'));
    assert.match(error.message, /NV12 8x4 .* in memfds: use XRGB8888/u);
    return true;
  });
  await assert.rejects(window.show(picture(t, { shareable: false })), (error) => isDmaBufError(error, 'EOPNOTSUPP'));
  await assert.rejects(window.show({} as FrameLayout), { name: 'TypeError' });
});

test('a compositor without windows is refused by the name of what it lacks', async (t) => {
  const path = join(temporaryFolder(t), 'wayland');
  const accepting = listenNaively(t, path, { globals: ['wl_compositor'] }).accept();
  await assert.rejects(openWindow({ display: path }), (error: Error) => {
    assert.ok(isDmaBufError(error, 'EOPNOTSUPP'));
    assert.match(error.message, /has no xdg_wm_base/u);
    return true;
  });
  (await accepting).end();
});

test("a protocol error of the compositor is an error with the compositor's name for it", async (t) => {
  const refuse = (compositor: NaiveCompositor): void =>
    compositor.send(event(1, 0, compositor.idOf('wl_surface'), 2, 'the size is no multiple of the scale'));
  const { window } = await opened(t);
  assert.ok(!window.closed);
  const { window: refused } = await opened(t, { at: { 'wl_surface 9': refuse } });
  const ended = new Promise<Error>((resolve) => {
    refused.once('end', resolve);
  });
  const { drawn, released } = await refused.show(picture(t));
  await assert.rejects(drawn, { code: 'EPROTO', message: /wl_surface\.invalid_size: "the size is no multiple/u });
  assert.match((await ended).message, /invalid_size/u);
  await released;
  await assert.rejects(refused.show(picture(t)), { code: 'EPROTO' });
});

test('a compositor that dies is an error, and releases every picture', async (t) => {
  const { window, compositor } = await opened(t);
  const ended = new Promise<Error>((resolve) => {
    window.once('end', resolve);
  });
  const shown = await window.show(picture(t));
  compositor.end();
  await shown.released;
  assert.ok(isDmaBufError(await ended, 'ECONNRESET'));
  await assert.rejects(window.show(picture(t)), (error) => isDmaBufError(error, 'ECONNRESET'));
});

test('close() releases every picture, and emits no end', async (t) => {
  const { window } = await opened(t);
  window.on('end', () => assert.fail('it was closed here'));
  const shown = await window.show(picture(t));
  window.close();
  window.close();
  await shown.released;
  await assert.rejects(window.show(picture(t)), (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
});

test('openWindow() is given up by its signal while a compositor says nothing', async (t) => {
  const path = join(temporaryFolder(t), 'wayland');
  const accepting = listenNaively(t, path, { at: { 'wl_display 0': () => {} } }).accept();
  const controller = new AbortController();
  const opening = openWindow({ display: path, signal: controller.signal });
  const compositor = await accepting;
  await until(() => compositor.seen.length > 0);
  controller.abort(new Error('enough'));
  await assert.rejects(opening, /enough/u);
});

test('openWindow() says where it looked when there is no compositor', async (t) => {
  await assert.rejects(openWindow({ display: join(temporaryFolder(t), 'none') }), (error) =>
    isDmaBufError(error, 'ENOENT'),
  );
});
