import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { listDisplays, openDisplay } from '../../src/drm/index.ts';
import { isDmaBufError } from '../../src/index.ts';
import { makersOfShown } from '../support/devices/screens.ts';
import type { Screens } from '../support/devices/screens.ts';
import { assertSettles, settled, until } from '../support/runner/settled.ts';
import { asNobody } from '../support/processes/other-user.ts';

const SIZE = { width: 640, height: 480 };
const MODE_CHANGE_COUNT = 200;

/** A program that shows pictures and goes on for ever. Resolves once they are there. */
async function startShowing(paths: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SHOWING_SCRIPT, ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  return child;
}

const SHOWING_SCRIPT = `
  import { openDisplay } from '${new URL('../../src/drm/index.js', import.meta.url).href}';
  const displays = [];
  for (const path of process.argv.slice(1)) {
    const display = openDisplay({ path, mode: ${JSON.stringify(SIZE)} });
    await display.show(display.allocate({ ...${JSON.stringify(SIZE)}, format: 'XRGB8888' }));
    displays.push(display);
  }
  console.log('shown');
  setInterval(() => displays, 1000);
`;

/** What could be left: descriptors, mappings, buffers of the machine, framebuffers of the card. */
function holdings(card: { readonly path: string }): unknown {
  const bufinfo = readFileSync('/sys/kernel/debug/dma_buf/bufinfo', 'utf8');
  const debug = `/sys/kernel/debug/dri/${card.path.replace(/^\D+/u, '')}`;
  return {
    fds: readdirSync('/proc/self/fd').length,
    mappings: readFileSync('/proc/self/maps', 'utf8').match(/dmabuf/gu)?.length ?? 0,
    buffers: /Total (?<count>\d+) objects/u.exec(bufinfo)?.groups?.['count'],
    framebuffers: readFileSync(`${debug}/framebuffer`, 'utf8').match(/^framebuffer\[/gmu)?.length ?? 0,
  };
}

/** The master of a screen, and what is left after its end or that of the card. */
export function testScreenEnds(screens: Screens): void {
  for (const [id, card] of screens) {
    test(`close() gives the screen of ${id} back to the console`, async () => {
      const display = openDisplay({ path: card.path, mode: SIZE });
      await display.show(display.allocate({ ...SIZE, format: 'XRGB8888' }));
      assert.deepEqual(makersOfShown(card).includes('fbcon'), false);
      display.close();
      assert.deepEqual(makersOfShown(card), ['fbcon']);
    });
  }

  const cirrus = screens.get('cirrus');
  const path = cirrus?.path ?? '';
  const skip =
    cirrus === undefined ? 'there is no screen cirrus: test/vm/screens.test.ts boots a guest with it' : false;

  test('a program that is killed (SIGKILL) gives its screens back to the console', { skip }, async () => {
    const cards = [...screens.values()];
    const child = await startShowing(cards.map((card) => card.path));
    assert.deepEqual(
      cards.flatMap(makersOfShown).filter((maker) => maker === 'fbcon'),
      [],
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const card of cards) {
      await until(() => makersOfShown(card).includes('fbcon'));
      assert.deepEqual(makersOfShown(card), ['fbcon']);
    }
  });

  test('openDisplay() names the program that has the screen, and how to get it', { skip }, async () => {
    const child = await startShowing([path]);
    try {
      const text = new RegExp(`node \\(process ${child.pid}\\) has ${path} .* text console`, 'u');
      assert.throws(
        () => openDisplay(path),
        (error) => isDmaBufError(error, 'EBUSY') && text.test(error.message) && error.syscall === 'ioctl',
      );
      assert.ok(listDisplays().find((card) => card.path === path)?.available);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
    openDisplay(path).close();
  });

  test('openDisplay() says so where this very process has the screen', { skip }, () => {
    using display = openDisplay(path);
    assert.throws(
      () => openDisplay(display.path),
      (error) => isDmaBufError(error, 'EBUSY') && /this process shows .* close that display first/u.test(error.message),
    );
  });

  test('openDisplay() as another user than root: EACCES, of the card and of its master', { skip }, () => {
    assert.throws(
      () => asNobody(() => openDisplay(path)),
      (error) => isDmaBufError(error, 'EACCES') && error.syscall === 'open' && /belongs to root/u.test(error.message),
    );
    chmodSync(path, 0o666);
    try {
      asNobody(() => openDisplay(path).close());
      using display = openDisplay(path);
      assert.throws(
        () => asNobody(() => openDisplay(display.path)),
        (error) => isDmaBufError(error, 'EACCES') && error.syscall === 'ioctl' && /shows/u.test(error.message),
      );
    } finally {
      chmodSync(path, 0o600);
    }
  });

  test(
    `setMode() ${MODE_CHANGE_COUNT} times leaves no descriptor, mapping, buffer or framebuffer`,
    { skip },
    async () => {
      using display = openDisplay(path);
      const modes = [SIZE, { width: 800, height: 600 }];
      const framebuffers = modes.map((mode) => display.allocate({ ...mode, format: 'RGB565' }));
      const showNext = async (index: number): Promise<void> => {
        const framebuffer = framebuffers[index % 2];
        assert.ok(framebuffer !== undefined);
        const mode = display.setMode(framebuffer.frame);
        assert.deepEqual([mode.width, mode.height], [framebuffer.frame.width, framebuffer.frame.height]);
        await display.show(framebuffer);
      };
      await showNext(0);
      await showNext(1);
      const before = await settled(() => holdings({ path }));
      for (let index = 0; index < MODE_CHANGE_COUNT; index += 1) await showNext(index);
      await assertSettles(() => holdings({ path }), before);
    },
  );

  test('openDisplay() and close(), again and again, leave nothing', { skip }, async () => {
    const openAndClose = async (): Promise<void> => {
      using display = openDisplay({ path, mode: SIZE });
      await display.show(display.allocate({ ...SIZE, format: 'RGB565' }));
    };
    await openAndClose();
    const before = await settled(() => holdings({ path }));
    for (let count = 0; count < 10; count += 1) await openAndClose();
    await assertSettles(() => holdings({ path }), before);
  });

  test('a display whose card is unplugged says so, and closes; plugged in again, it opens', { skip }, async () => {
    const device = cirrus?.bus?.split(' ')[1] ?? '';
    const display = openDisplay({ path, mode: SIZE });
    const framebuffer = display.allocate({ ...SIZE, format: 'XRGB8888' });
    await display.show(framebuffer);
    writeFileSync('/sys/bus/pci/drivers/cirrus/unbind', device);
    const isUnplugged = (error: unknown): boolean =>
      isDmaBufError(error, 'ENODEV') && /it was unplugged/u.test(error.message);
    await assert.rejects(display.show(framebuffer), isUnplugged);
    assert.equal(existsSync(path), false);
    display.close();
    writeFileSync('/sys/bus/pci/drivers/cirrus/bind', device);
    await until(() => listDisplays().some((card) => card.available && card.driver === 'cirrus'));
    const again = openDisplay({ driver: 'cirrus', mode: SIZE });
    await again.show(again.allocate({ ...SIZE, format: 'XRGB8888' }));
    again.close();
  });
}
