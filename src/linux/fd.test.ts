import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DmaBufError } from '../base/errors.ts';
import { OwnedFd } from './fd.ts';

/** A descriptor that is none, and the numbers that were closed. */
function fakeFd(number = 7): { fd: OwnedFd; closed: number[] } {
  const closed: number[] = [];
  return { fd: new OwnedFd(number, (fd) => closed.push(fd)), closed };
}

test('OwnedFd.borrow gives the number, and goes on owning it', () => {
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
  const fd = new OwnedFd(7, () => {
    calls += 1;
    throw new DmaBufError('close failed with EINTR', { code: 'EINTR', syscall: 'close' });
  });
  assert.throws(() => fd.close(), { code: 'EINTR' });
  assert.equal(fd.closed, true);
  fd.close();
  assert.equal(calls, 1);
});
