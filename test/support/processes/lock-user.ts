/**
 * A program: takes a lock of a file, says so, and keeps it as long as it lives, or gives it back at
 * once. Arguments: the file, and `keep` or `release`. Stdout: `asks`, then `has` with the time.
 */

import { writeSync } from 'node:fs';

import { FileLock } from '../../../src/workload/kernel/file-lock.ts';
import { LockUseCount, monotonicNs } from '../../../src/workload/kernel/kernel-lock.ts';

const [, , path = '', what] = process.argv;
const lock = new FileLock(path, new LockUseCount());
writeSync(1, 'asks\n');
lock.holdSync(() => {
  writeSync(1, `has ${monotonicNs()}\n`);
  if (what === 'keep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
lock.close();
