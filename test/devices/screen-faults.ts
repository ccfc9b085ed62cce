import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { listDisplays } from '../../src/drm/list-displays.ts';
import { openDisplay } from '../../src/drm/open-display.ts';
import { isDmaBufError } from '../../src/index.ts';
import { FailingCalls } from '../support/fakes/failing-calls.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';
import { makersOfShown } from '../support/devices/screens.ts';
import { assertSettles, settled } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import type { Screens } from '../support/devices/screens.ts';

/**
 * What may fail without an error: an ioctl, after which the driver is taken not to have something,
 * and the close of a buffer, whose file is gone all the same.
 */
const SPARED: ReadonlySet<string> = new Set(['ioctl', 'close']);

const fdCount = (): number => readdirSync('/proc/self/fd').length;

/** Whichever system call fails, nothing is left. */
export function testScreenFaults(screens: Screens): void {
  const cirrus = screens.get('cirrus');
  const skip =
    cirrus === undefined ? 'there is no screen cirrus: test/vm/screens.test.ts boots a guest with it' : false;

  test('listDisplays(): the n-th system call fails, for every n', { skip }, async (t) => {
    // Of one card: the others' calls are the same.
    const root = temporaryFolder(t);
    mkdirSync(join(root, 'dev/dri'), { recursive: true });
    symlinkSync(cirrus?.path ?? '', join(root, 'dev/dri/card0'));
    const before = await settled(fdCount);
    for (let n = 1; ; n += 1) {
      const calls = new FailingCalls();
      calls.failAt(n);
      try {
        const listed = listDisplays(otherMachine({ raw: calls.raw, root }));
        assert.equal(listed.length, calls.failed === 'ioctl' ? listed.length : 1);
        assert.equal(listed[0]?.available ?? true, calls.failed !== 'open');
      } catch (error) {
        assert.ok(isDmaBufError(error), inspect(error));
        assert.equal(error.syscall, calls.failed);
      }
      await assertSettles(fdCount, before, `call ${n}, ${calls.failed}`);
      if (calls.failed === undefined) break;
    }
  });

  for (const api of ['atomic', 'legacy'] as const) {
    test(
      `openDisplay(), allocate(), show() and close() by ${api}: the n-th system call fails, for every n`,
      {
        skip,
      },
      async () => {
        const mode = { width: 640, height: 480 };
        const run = async (machine: ReturnType<typeof otherMachine>): Promise<void> => {
          const display = openDisplay({ path: cirrus?.path, mode, api }, machine);
          try {
            const framebuffer = display.allocate({ ...mode, format: 'RGB565' });
            const damage = [{ x: 0, y: 0, width: 1, height: 1 }];
            await display.show(framebuffer);
            await display.show(framebuffer, { damage });
          } finally {
            display.close();
          }
        };
        await run(otherMachine({}));
        const before = await settled(fdCount);
        let failureCount = 0;
        for (let n = 1; ; n += 1) {
          const calls = new FailingCalls();
          calls.failAt(n);
          try {
            await run(otherMachine({ raw: calls.raw }));
            assert.ok(calls.failed === undefined || SPARED.has(calls.failed), `call ${n}, ${calls.failed}`);
          } catch (error) {
            assert.ok(isDmaBufError(error), inspect(error));
            assert.equal(error.syscall ?? calls.failed, calls.failed, inspect(error));
            failureCount += 1;
          }
          await assertSettles(fdCount, before, `call ${n}, ${calls.failed}`);
          if (calls.failed === undefined) break;
        }
        assert.ok(failureCount > 20, `${failureCount} calls failed`);
        assert.deepEqual(makersOfShown({ path: cirrus?.path ?? '' }), ['fbcon']);
      },
    );
  }
}
