/**
 * Refusals before the driver is called. test/kernel/udmabuf-self-tests.test.ts tests the results.
 */

import assert from 'node:assert/strict';
import { openSync, closeSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { createMemfd } from '../../../test/support/devices/memfd.ts';
import { heldMemory } from '../../../test/support/runner/leak-check.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorCode } from '../../base/errors.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { kernelCalls } from '../../linux/calls/kernel-calls.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../uapi/memfd.ts';
import { createUdmabuf } from './create-udmabuf.ts';
import type { UdmabufItem } from './create-udmabuf.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const PAGE = kernelCalls.getpagesize();

function memfdWith(t: TestContext, options: { length?: number; seals?: number } = {}): OwnedFd {
  const memfd = createMemfd({ length: 4 * PAGE, ...options });
  t.after(() => memfd.close());
  return memfd;
}

function assertRefused(items: unknown, expected: DmaBufErrorCode | typeof RangeError, message: RegExp): void {
  const before = heldMemory();
  assert.throws(
    () => createUdmabuf(items as UdmabufItem[]),
    (error: Error) => {
      const right = typeof expected === 'string' ? isDmaBufError(error, expected) : error.constructor === expected;
      assert.ok(right, String(error));
      assert.match(error.message, message);
      return true;
    },
  );
  assert.deepEqual(heldMemory(), before);
}

test('createUdmabuf() refuses a value that is not a list of items', (t) => {
  const fd = memfdWith(t);
  assertRefused(fd, TypeError, /'items' must be an array/u);
  assertRefused([], RangeError, /at least one item/u);
  assertRefused([fd.borrow()], TypeError, /must be an object/u);
  assertRefused([{ fd, size: PAGE }], TypeError, /size' is not one of the options/u);
  assertRefused([{ fd: '3' }], TypeError, /'items\[0\]\.fd' must be an OwnedFd or the number of one/u);
  assertRefused([{ fd: -1 }], RangeError, /whole number from 0/u);
  assert.throws(() => createUdmabuf([{ fd }], { name: 'x'.repeat(32) }), RangeError);
  assert.throws(() => createUdmabuf([{ fd }], { label: 'x' } as object), TypeError);
});

test('createUdmabuf() refuses items that are not whole pages within their memfd', (t) => {
  const fd = memfdWith(t);
  assertRefused(
    [{ fd, offset: PAGE / 2 }],
    RangeError,
    /'items\[0\]\.offset' must be whole pages of \d+ bytes, received/u,
  );
  assertRefused([{ fd, length: PAGE + 1 }], RangeError, /'items\[0\]\.length' must be whole pages/u);
  assertRefused([{ fd, length: 0 }], RangeError, /'items\[0\]\.length' must/u);
  assertRefused([{ fd, offset: -PAGE }], RangeError, /'items\[0\]\.offset' must/u);
  assertRefused([{ fd, offset: 1.5 }], RangeError, /'items\[0\]\.offset' must/u);
  assertRefused([{ fd, offset: '0' }], TypeError, /'items\[0\]\.offset' must/u);
  assertRefused([{ fd, offset: PAGE, length: 4 * PAGE }], RangeError, /end within its memfd of \d+ bytes/u);
  assertRefused([{ fd, offset: 4 * PAGE }], RangeError, /'items\[0\]\.length' must/u);
  assertRefused([{ fd: memfdWith(t, { length: PAGE + 1 }) }], RangeError, /'items\[0\]\.length' must be whole pages/u);
});

test('createUdmabuf() refuses files of another kind, and memfds without the seals', (t) => {
  const nothing = openSync('/dev/null', 'r+');
  t.after(() => closeSync(nothing));
  assertRefused([{ fd: nothing, length: PAGE }], 'EINVAL', /must be a memfd/u);
  assertRefused([{ fd: memfdWith(t, { seals: 0 }) }], 'EINVAL', /could shrink: .* F_SEAL_SHRINK/u);
  assertRefused([{ fd: memfdWith(t, { seals: F_SEAL_GROW }) }], 'EINVAL', /could shrink/u);
  for (const seal of [F_SEAL_WRITE, F_SEAL_FUTURE_WRITE])
    assertRefused([{ fd: memfdWith(t, { seals: F_SEAL_SHRINK | seal }) }], 'EINVAL', /sealed against writing/u);
  const closed = memfdWith(t);
  const number = closed.borrow();
  closed.close();
  assertRefused([{ fd: closed }], 'ERR_DMABUF_CLOSED', /after it was closed/u);
  assertRefused([{ fd: number }], 'EBADF', /fcntl failed with EBADF/u);
});

test('createUdmabuf() gives the remedy without a device, and checks its limits first', (t) => {
  const fd = memfdWith(t);
  const machine = temporaryTree(t, {
    'sys/module/udmabuf/parameters/list_limit': '3\n',
    'sys/module/udmabuf/parameters/size_limit_mb': '1\n',
  });
  const refused = (root: string, items: UdmabufItem[], code: DmaBufErrorCode, message: RegExp): void =>
    assert.throws(
      () => createUdmabuf(items, {}, otherMachine({ root })),
      (error) => isDmaBufError(error, code) && message.test(error.message),
    );
  refused(
    temporaryTree(t, {}),
    [{ fd }],
    'ENOENT',
    /^Cannot make a udmabuf as there is no \/dev\/udmabuf.*CONFIG_UDMABUF/u,
  );
  refused(
    machine,
    [{ fd }, { fd }, { fd }, { fd }],
    'EINVAL',
    /at most 3 items: current value is 4; as root, run: echo 48 > .*\/list_limit$/u,
  );
  const large = memfdWith(t, { length: 2 ** 20 + PAGE });
  refused(
    machine,
    [{ fd: large }],
    'EINVAL',
    /at most 1 MiB: current value is \d+ bytes; as root, run: echo 16 > .*size_limit_mb/u,
  );
});
