import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getSystemErrorName, inspect } from 'node:util';

import { DmaBufError, errnoName, isDmaBufError } from './errors.ts';

test('DmaBufError carries code, errno, syscall, values and cause', () => {
  const cause = new Error('before');
  const error = new DmaBufError('Cannot map', { code: 'ENOMEM', syscall: 'mmap', values: { need: 3 }, cause });
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'DmaBufError');
  assert.equal(error.message, 'Cannot map');
  assert.equal(error.code, 'ENOMEM');
  assert.equal(error.errno, -12);
  assert.equal(error.syscall, 'mmap');
  assert.deepEqual(error.values, { need: 3 });
  assert.equal(error.cause, cause);
});

test('DmaBufError has no cause, no system call and no values when none were given', () => {
  const error = new DmaBufError('Cannot', { code: 'EAGAIN' });
  assert.equal('cause' in error, false);
  assert.equal(error.syscall, undefined);
  assert.deepEqual(error.values, {});
});

test('DmaBufError has the errno 0 for ERR_DMABUF_CLOSED, and the negative number of every other', () => {
  assert.equal(new DmaBufError('Closed', { code: 'ERR_DMABUF_CLOSED' }).errno, 0);
  for (const [code, errno] of [
    ['EPERM', -1],
    ['ENODEV', -19],
    ['EOPNOTSUPP', -95],
  ] as const) {
    assert.equal(new DmaBufError('Refused', { code }).errno, errno);
  }
});

test('DmaBufError keeps its own copy of the values', () => {
  const values = { need: 3 };
  const error = new DmaBufError('Cannot map', { code: 'ENOMEM', values });
  values.need = 4;
  assert.deepEqual(error.values, { need: 3 });
});

test('DmaBufError shows its code and values, and no mark of its own, when inspected', () => {
  const text = inspect(new DmaBufError('Cannot map', { code: 'ENOMEM', values: { need: 3 } }));
  assert.match(text, /^DmaBufError: Cannot map/u);
  assert.match(text, /code: 'ENOMEM'/u);
  assert.match(text, /need: 3/u);
  assert.doesNotMatch(text, /Symbol/u);
});

test('isDmaBufError tells a DmaBufError, and its code, from everything else', () => {
  const error = new DmaBufError('Cannot map', { code: 'ENOMEM' });
  assert.equal(isDmaBufError(error), true);
  assert.equal(isDmaBufError(error, 'ENOMEM'), true);
  assert.equal(isDmaBufError(error, 'EAGAIN'), false);
  const imitation = Object.assign(new Error('Cannot map'), { name: 'DmaBufError', code: 'ENOMEM' });
  for (const value of [imitation, new TypeError('wrong'), { code: 'ENOMEM' }, 'ENOMEM', 12, null, undefined]) {
    assert.equal(isDmaBufError(value), false);
    assert.equal(isDmaBufError(value, 'ENOMEM'), false);
  }
});

test('isDmaBufError knows an error from another copy of this package', async () => {
  const copyUrl = `${new URL('errors.js', import.meta.url).href}?copy`;
  const copy = (await import(copyUrl)) as { DmaBufError: typeof DmaBufError };
  const error = new copy.DmaBufError('Cannot map', { code: 'ENOMEM' });
  assert.equal(error instanceof DmaBufError, false);
  assert.equal(isDmaBufError(error, 'ENOMEM'), true);
  assert.equal(isDmaBufError(error, 'EPERM'), false);
});

test('errnoName gives the names of include/uapi/asm-generic/errno.h, also where a number has two', () => {
  const expected: [errno: number, name: string][] = [
    [1, 'EPERM'],
    [2, 'ENOENT'],
    [4, 'EINTR'],
    [9, 'EBADF'],
    [11, 'EAGAIN'],
    [12, 'ENOMEM'],
    [14, 'EFAULT'],
    [16, 'EBUSY'],
    [19, 'ENODEV'],
    [22, 'EINVAL'],
    [24, 'EMFILE'],
    [25, 'ENOTTY'],
    [28, 'ENOSPC'],
    [35, 'EDEADLK'],
    [95, 'EOPNOTSUPP'],
    [110, 'ETIMEDOUT'],
  ];
  for (const [errno, name] of expected) assert.equal(errnoName(errno), name);
});

test('errnoName agrees with Node for every number that both know, but for the libc-only ENOTSUP', () => {
  for (let errno = 1; errno < 124; errno += 1) {
    const name = errnoName(errno);
    if (name === 'EIO' || name === 'EOPNOTSUPP') continue;
    const nodeName = getSystemErrorName(-errno);
    // libuv documents that it leaves out the STREAMS errors and a few more.
    if (!nodeName.startsWith('Unknown')) assert.equal(name, nodeName);
  }
});

test('errnoName gives EIO for a number without a name', () => {
  for (const errno of [0, -12, 4095]) assert.equal(errnoName(errno), 'EIO');
});
