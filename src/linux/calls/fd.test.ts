import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';

import { collectGarbageUntil } from '../../../test/support/runner/collect-garbage.ts';
import { DmaBufError } from '../../base/errors.ts';
import { OwnedFd } from './fd.ts';
import type { FdCalls } from './fd.ts';

function callsThat(calls: Partial<FdCalls>): FdCalls {
  return { close: () => {}, closeAside: () => {}, release: () => {}, ...calls };
}

/** A number without an open descriptor, and the numbers that were closed. */
function fakeFd(number = 7): { fd: OwnedFd; closed: number[] } {
  const closed: number[] = [];
  return { fd: new OwnedFd(number, callsThat({ close: (fd) => closed.push(fd) })), closed };
}

test('OwnedFd.borrow gives the number, and keeps owning it', () => {
  const { fd, closed } = fakeFd();
  assert.equal(fd.borrow(), 7);
  assert.equal(fd.borrow(), 7);
  assert.equal(fd.closed, false);
  assert.deepEqual(closed, []);
});

test('OwnedFd owns descriptor 0 like any other', () => {
  const { fd, closed } = fakeFd(0);
  assert.equal(fd.borrow(), 0);
  fd.close();
  assert.deepEqual(closed, [0]);
});

test('OwnedFd.close closes once', () => {
  const { fd, closed } = fakeFd();
  fd.close();
  fd.close();
  assert.equal(fd.closed, true);
  assert.deepEqual(closed, [7]);
});

test('OwnedFd[Symbol.dispose] closes', () => {
  const { fd, closed } = fakeFd();
  fd[Symbol.dispose]();
  assert.equal(fd.closed, true);
  assert.deepEqual(closed, [7]);
});

test('OwnedFd.take hands the number over: close leaves it alone from then on', () => {
  const { fd, closed } = fakeFd();
  assert.equal(fd.take(), 7);
  assert.equal(fd.closed, true);
  fd.close();
  assert.deepEqual(closed, []);
});

test('OwnedFd refuses borrow and take after close or take', () => {
  const { fd: closedFd } = fakeFd();
  closedFd.close();
  const { fd: takenFd } = fakeFd();
  takenFd.take();
  for (const fd of [closedFd, takenFd]) {
    for (const use of [() => fd.borrow(), () => fd.take()]) {
      assert.throws(use, { name: 'DmaBufError', code: 'ERR_DMABUF_CLOSED', errno: 0 });
    }
  }
});

test('OwnedFd.close does not close again after a failure, as the kernel has released the number', () => {
  let calls = 0;
  const fd = new OwnedFd(
    7,
    callsThat({
      close: () => {
        calls += 1;
        throw new DmaBufError('close failed with EINTR', { code: 'EINTR', syscall: 'close' });
      },
    }),
  );
  assert.throws(() => fd.close(), { code: 'EINTR' });
  assert.equal(fd.closed, true);
  fd.close();
  assert.equal(calls, 1);
});

test('OwnedFd.take excludes the number from the close at thread end, and close and closeAside do not', () => {
  const calls: string[] = [];
  const record = callsThat({
    close: (fd) => calls.push(`close ${fd}`),
    closeAside: (fd) => calls.push(`closeAside ${fd}`),
    release: (fd) => calls.push(`release ${fd}`),
  });
  new OwnedFd(7, record).take();
  new OwnedFd(8, record).close();
  const aside = new OwnedFd(9, record);
  aside.closeAside();
  aside.closeAside();
  aside.close();
  assert.equal(aside.closed, true);
  assert.deepEqual(calls, ['release 7', 'close 8', 'closeAside 9']);
});

test('OwnedFd.adopt takes ownership of a number, and closes it', (t) => {
  const number = openSync('/dev/null', 'r');
  const fd = OwnedFd.adopt(number);
  assert.equal(fd.borrow(), number);
  fd.close();
  assert.throws(() => fstatSync(number), { code: 'EBADF' });
  const taken = OwnedFd.adopt(openSync('/dev/null', 'r'));
  const again = taken.take();
  t.after(() => closeSync(again));
  taken.close();
  assert.ok(fstatSync(again).isCharacterDevice());
});

test('OwnedFd.adopt refuses values that are not descriptors, and closed ones', () => {
  for (const [fd, name, code] of [
    ['3', 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    [-1, 'RangeError', 'ERR_OUT_OF_RANGE'],
    [1.5, 'RangeError', 'ERR_OUT_OF_RANGE'],
    [2 ** 31, 'RangeError', 'ERR_OUT_OF_RANGE'],
    [2 ** 31 - 1, 'DmaBufError', 'EBADF'],
  ] as const)
    assert.throws(() => OwnedFd.adopt(fd as number), { name, code });
});

test("a user's OwnedFd is closed when it is collected, and the warning says what it was", async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listener);
  const number = adoptAndDrop();
  const isClosed = (): boolean => {
    try {
      fstatSync(number);
      return false;
    } catch {
      return true;
    }
  };
  assert.ok(await collectGarbageUntil(() => isClosed() && warnings.length > 0));
  process.off('warning', listener);
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['a descriptor that OwnedFd.adopt() took over was collected without having been closed'],
  );
});

/** In a frame of its own, which leaves no reference behind. */
function adoptAndDrop(): number {
  return OwnedFd.adopt(openSync('/dev/null', 'r')).borrow();
}
