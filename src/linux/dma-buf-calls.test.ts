import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { rawCallsWith } from '../../test/support/raw-calls.ts';
import { DmaBufCalls } from './dma-buf-calls.ts';
import type { BorrowedFd } from './fd.ts';
import type { RawCalls } from './libc.ts';

const EINTR = 4;
const EAGAIN = 11;
const EINVAL = 22;
const FD = 7 as BorrowedFd;

/** The C library, in which a call is refused with each of `errnos`, one after the other, and then succeeds; and how often it was made. */
function refusedAtFirst(name: 'ioctl' | 'poll', errnos: readonly number[]): { raw: RawCalls; count: () => number } {
  let count = 0;
  const call = (): number => {
    count += 1;
    return count <= errnos.length ? -1 : 0;
  };
  return { raw: rawCallsWith({ [name]: call, errno: () => errnos[count - 1] as number }), count: () => count };
}

test('sync() goes on after EINTR and EAGAIN, as often as they come', () => {
  const { raw, count } = refusedAtFirst('ioctl', [EINTR, EAGAIN, EAGAIN, EINTR]);
  new DmaBufCalls(raw).sync(FD, 1);
  assert.equal(count(), 5);
});

test('sync() throws any other refusal, also after an interruption', () => {
  const { raw, count } = refusedAtFirst('ioctl', [EINTR, EINVAL]);
  assert.throws(
    () => new DmaBufCalls(raw).sync(FD, 1),
    (error) => isDmaBufError(error, 'EINVAL') && error.syscall === 'ioctl',
  );
  assert.equal(count(), 2);
});

test('pollNow() goes on after EINTR: a signal interrupts also what does not wait', () => {
  const { raw, count } = refusedAtFirst('poll', [EINTR, EINTR]);
  assert.equal(new DmaBufCalls(raw).pollNow(FD, 1), 0);
  assert.equal(count(), 3);
  const refused = refusedAtFirst('poll', [EINVAL]);
  assert.throws(() => new DmaBufCalls(refused.raw).pollNow(FD, 1), { code: 'EINVAL', syscall: 'poll' });
});
