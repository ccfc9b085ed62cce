import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../base/errors.ts';
import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { DmaBufCalls } from './dma-buf-calls.ts';
import type { BorrowedFd } from './fd.ts';
import type { RawCalls } from './kernel-calls.ts';

const EINTR = 4;
const EAGAIN = 11;
const EINVAL = 22;
const FD = 7 as BorrowedFd;

/**
 * The C library, in which a call is refused with each of `errnos` in turn and then succeeds; and
 * the number of calls.
 */
function refusedAtFirst(name: 'ioctl' | 'poll', errnos: readonly number[]): { raw: RawCalls; count: () => number } {
  let count = 0;
  const call = (): number => {
    count += 1;
    return -(errnos[count - 1] ?? 0);
  };
  return { raw: rawCallsWith({ [name]: call }), count: () => count };
}

test('sync() repeats after every EINTR and EAGAIN', () => {
  const { raw, count } = refusedAtFirst('ioctl', [EINTR, EAGAIN, EAGAIN, EINTR]);
  new DmaBufCalls(raw).sync(FD, 1);
  assert.equal(count(), 5);
});

test('sync() throws any other refusal, even after an interruption', () => {
  const { raw, count } = refusedAtFirst('ioctl', [EINTR, EINVAL]);
  assert.throws(
    () => new DmaBufCalls(raw).sync(FD, 1),
    (error) => isDmaBufError(error, 'EINVAL') && error.syscall === 'ioctl',
  );
  assert.equal(count(), 2);
});

test('pollNow() repeats after EINTR: a signal interrupts even a poll that does not wait', () => {
  const { raw, count } = refusedAtFirst('poll', [EINTR, EINTR]);
  assert.equal(new DmaBufCalls(raw).pollNow(FD, 1), 0);
  assert.equal(count(), 3);
  const refused = refusedAtFirst('poll', [EINVAL]);
  assert.throws(() => new DmaBufCalls(refused.raw).pollNow(FD, 1), { code: 'EINVAL', syscall: 'poll' });
});
