import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { isDmaBufError } from '../../base/errors.ts';
import { FileLockCalls } from '../../linux/calls/file-lock-calls.ts';
import { FailingCalls } from '../../../test/support/fakes/failing-calls.ts';
import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { FileLock } from './file-lock.ts';
import { LockUseCount, monotonicNs } from './kernel-lock.ts';
import type { LockHold } from './kernel-lock.ts';

checkLeaksAfterFile();

const LOCK_USER = fileURLToPath(new URL('../../../test/support/processes/lock-user.js', import.meta.url));

function lockFile(t: TestContext): string {
  const path = join(temporaryFolder(t), 'lock');
  writeFileSync(path, '');
  return path;
}

interface LockUser {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly nextLine: () => Promise<string>;
}

function startUser(t: TestContext, path: string, what: 'keep' | 'release'): LockUser {
  const child = spawn(process.execPath, [LOCK_USER, path, what], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, nextLine: async () => String((await lines.next()).value) };
}

test('who waits for a process that is killed gets its lock, and not before', async (t) => {
  const path = lockFile(t);
  const holder = startUser(t, path, 'keep');
  assert.equal(await holder.nextLine(), 'asks');
  assert.match(await holder.nextLine(), /^has \d+$/u);
  const waiters = ['release', 'release'].map(() => startUser(t, path, 'release'));
  for (const waiter of waiters) assert.equal(await waiter.nextLine(), 'asks');
  const killedNs = monotonicNs();
  holder.child.kill('SIGKILL');
  for (const { nextLine, child } of waiters) {
    const takenNs = Number((await nextLine()).replace('has ', ''));
    assert.ok(takenNs >= killedNs, `${takenNs} is before ${killedNs}`);
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 0);
  }
});

test('tasks of one thread have a lock one at a time, in their order', async (t) => {
  const holds: LockHold[] = [];
  const count = new LockUseCount((hold) => void holds.push(hold));
  const lock = new FileLock(lockFile(t), count);
  const order: string[] = [];
  const hold = async (name: string): Promise<void> =>
    await lock.hold(async () => {
      order.push(`${name} begins`);
      assert.equal(lock.isHeld, true);
      await turn();
      order.push(`${name} ends`);
    });
  await Promise.all([hold('a'), hold('b')]);
  lock.holdSync(() => order.push('c'));
  assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c']);
  assert.equal(lock.isHeld, false);
  const { holdCount, waitCount } = count.read();
  assert.deepEqual([holdCount, waitCount, count.waits.length], [3, 1, 1]);
  for (const { askedNs, takenNs, releasedNs } of holds) assert.ok(askedNs <= takenNs && takenNs <= releasedNs);
  lock.close();
});

test('a lock is given back when its holder fails', async (t) => {
  const path = lockFile(t);
  const lock = new FileLock(path, new LockUseCount());
  const fail = (): never => {
    throw new Error('the holder fails');
  };
  await assert.rejects(lock.hold(fail), /the holder fails/u);
  assert.throws(() => lock.holdSync(fail), /the holder fails/u);
  assert.equal(lock.isHeld, false);
  // Another open file of it would wait for ever.
  const other = new FileLock(path, new LockUseCount());
  assert.equal(
    other.holdSync(() => 'next'),
    'next',
  );
  other.close();
  lock.close();
});

test('where the kernel refuses a lock, nobody has it: the n-th system call fails, for every n', async (t) => {
  const calls = new FailingCalls();
  const lock = new FileLock(lockFile(t), new LockUseCount(), new FileLockCalls(calls.raw));
  // Taking it, and giving it back.
  for (const n of [1, 2]) {
    calls.failAt(n);
    await assert.rejects(
      lock.hold(() => {}),
      (error) => isDmaBufError(error, 'ENOLCK'),
    );
    assert.deepEqual([calls.failed, lock.isHeld], ['flock', false]);
  }
  calls.failAt();
  assert.equal(await lock.hold(() => calls.callCount), 1);
  lock.close();
});
