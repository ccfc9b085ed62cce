import assert from 'node:assert/strict';
import { fstatSync, closeSync, openSync, readlinkSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { rawCallsFailing } from '../../../test/support/fakes/raw-calls.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBufErrorCode } from '../../base/errors.ts';
import { PidfdCalls } from './pidfd-calls.ts';

const calls = new PidfdCalls();

test('PidfdCalls.duplicateFrom() gives the same open file, close-on-exec', async (t) => {
  const file = openSync('/etc/passwd', 'r');
  const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', file] });
  t.after(() => child.kill());
  await once(child, 'spawn');
  const duplicate = calls.duplicateFrom({ pid: child.pid ?? -1, fd: 3 });
  assert.equal(fstatSync(duplicate.borrow()).ino, fstatSync(file).ino);
  duplicate.close();
  closeSync(file);
});

function assertRefused(body: () => unknown, code: DmaBufErrorCode, message: RegExp): void {
  assert.throws(body, (error) => {
    assert.ok(isDmaBufError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });
}

test('PidfdCalls.duplicateFrom() says what is wrong with the process or the descriptor', () => {
  const noProcess = { pid: 2 ** 31 - 1, fd: 0 };
  assertRefused(() => calls.duplicateFrom(noProcess), 'ESRCH', /there is no process 2147483647/u);
  const noDescriptor = { pid: process.pid, fd: 2 ** 31 - 1 };
  assertRefused(() => calls.duplicateFrom(noDescriptor), 'EBADF', /it has no such descriptor/u);
});

test('PidfdCalls.duplicateFrom() says who may take a descriptor', () => {
  const before = readlinkSync('/proc/self/fd/0');
  const refusing = new PidfdCalls(rawCallsFailing('pidfd_getfd', { nth: 1, errno: 1 }));
  assertRefused(
    () => refusing.duplicateFrom({ pid: process.pid, fd: 0 }),
    'EPERM',
    /the right to trace that process \(ptrace\)$/u,
  );
  const old = new PidfdCalls(rawCallsFailing('pidfd_open', { nth: 1, errno: 38 }));
  assertRefused(() => old.duplicateFrom({ pid: process.pid, fd: 0 }), 'ENOSYS', /came with 5\.6/u);
  assert.equal(readlinkSync('/proc/self/fd/0'), before);
});
