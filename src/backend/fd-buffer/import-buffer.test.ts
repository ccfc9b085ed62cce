import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { createMemfd } from '../../../test/support/devices/memfd.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { SyncFile } from '../../heap/sync-file.ts';
import { OwnedFd } from '../../linux/calls/fd.ts';
import type { FdCalls } from '../../linux/calls/fd.ts';
import { kernelCalls } from '../../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../../linux/calls/kernel-calls.ts';
import { importBuffer } from './import-buffer.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const RAW_FD_CALLS: FdCalls = {
  close: (fd) => kernelCalls.close(fd),
  closeAside: (fd) => kernelCalls.closeAside(fd),
  release: (fd) => kernelCalls.release(fd),
};

const F_GET_SEALS = 1034;
const F_DUPFD_CLOEXEC = 1030;

/** The C library, with a log of the calls. */
function recordingCalls(): { raw: RawCalls; calls: string[] } {
  const calls: string[] = [];
  const raw = Object.fromEntries(
    Object.entries(kernelCalls).map(([name, call]) => [
      name,
      (...values: number[]): number => {
        if (name !== 'getpagesize') calls.push(name === 'fcntl' ? `fcntl ${values[1]}` : name);
        return (call as (...values: number[]) => number)(...values);
      },
    ]),
  ) as unknown as RawCalls;
  return { raw, calls };
}

/** The names of the `node:fs` functions called meanwhile. */
function recordFileCalls(t: TestContext): string[] {
  const called: string[] = [];
  for (const name of ['fstatSync', 'statSync', 'lstatSync', 'statfsSync', 'readFileSync', 'openSync'] as const) {
    const real = fs[name] as (...values: unknown[]) => unknown;
    t.mock.method(fs, name, (...values: unknown[]) => {
      called.push(name);
      return real(...values);
    });
  }
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return called;
}

/** Descriptors that are not buffers, and whose files might block any call. */
function foreignDescriptors(t: TestContext): Record<string, OwnedFd> {
  const file = join(temporaryFolder(t), 'file');
  fs.writeFileSync(file, 'text');
  const numbers = {
    'regular file': fs.openSync(file, 'r+'),
    folder: fs.openSync('/', 'r'),
    device: fs.openSync('/dev/null', 'r+'),
    'epoll descriptor': kernelCalls.epoll_create1(0),
    socket: kernelCalls.socket(2, 1, 0),
  };
  const entries = Object.entries(numbers).map(([name, number]): [string, OwnedFd] => {
    assert.ok(number >= 0, name);
    const fd = new OwnedFd(number, RAW_FD_CALLS);
    t.after(() => fd.close());
    return [name, fd];
  });
  return Object.fromEntries(entries);
}

test('importBuffer makes no call that can block on an unknown file, and closes it aside', async (t) => {
  const foreign = foreignDescriptors(t);
  const aside = t.mock.method(OwnedFd.prototype, 'closeAside');
  for (const [name, fd] of Object.entries(foreign)) {
    await t.test(name, (t2) => {
      const { raw, calls } = recordingCalls();
      const fileCalls = recordFileCalls(t2);
      aside.mock.resetCalls();
      assert.throws(() => importBuffer(fd, {}, otherMachine({ raw })), {
        code: 'EINVAL',
        message: /neither a dma-buf nor a memfd/u,
      });
      assert.deepEqual(
        calls.filter((call) => call !== 'close' && call !== 'closeAside'),
        [`fcntl ${F_DUPFD_CLOEXEC}`, `fcntl ${F_GET_SEALS}`],
      );
      assert.deepEqual(fileCalls, []);
      assert.equal(aside.mock.callCount(), 1);
      assert.equal(fd.closed, false);
    });
  }
});

test('SyncFile.fromFd asks an unknown file for nothing but its name', (t) => {
  const foreign = foreignDescriptors(t);
  const fileCalls = recordFileCalls(t);
  const ioctl = t.mock.method(kernelCalls, 'ioctl');
  for (const [name, fd] of Object.entries(foreign)) {
    assert.throws(() => SyncFile.fromFd(fd), { name: 'DmaBufError', code: 'EINVAL' }, name);
    assert.equal(fd.closed, false);
  }
  assert.deepEqual(fileCalls, []);
  assert.equal(ioctl.mock.callCount(), 0);
});

test('importBuffer reads the status of a memfd once its seals have identified it', (t) => {
  const memfd = createMemfd({ length: kernelCalls.getpagesize() });
  const { raw, calls } = recordingCalls();
  const fileCalls = recordFileCalls(t);
  const statx = t.mock.method(kernelCalls, 'statx');
  const buffer = importBuffer(memfd, {}, otherMachine({ raw }));
  assert.deepEqual(calls.slice(0, 2), [`fcntl ${F_DUPFD_CLOEXEC}`, `fcntl ${F_GET_SEALS}`]);
  assert.deepEqual(fileCalls, []);
  assert.ok(statx.mock.callCount() > 0);
  buffer.close();
  memfd.close();
});

test('importBuffer gives a typed error where /proc does not identify a descriptor', (t) => {
  const fd = new OwnedFd(fs.openSync('/dev/null', 'r+'), RAW_FD_CALLS);
  t.mock.method(fs, 'readlinkSync', () => {
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT', errno: -2, syscall: 'readlink' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
    fd.close();
  });
  assert.throws(() => importBuffer(fd), { name: 'DmaBufError', code: 'ENOENT', syscall: 'readlink' });
});

test('importBuffer refuses invalid options, and quotes a name with line breaks', () => {
  const memfd = createMemfd({ length: kernelCalls.getpagesize() });
  assert.throws(() => importBuffer(memfd, { nme: 'x' } as never), { name: 'TypeError' });
  assert.throws(() => importBuffer(memfd, { name: 5 as never }), { name: 'TypeError' });
  const buffer = importBuffer(memfd, { name: 'a\nb\u001b[2J' });
  assert.equal(buffer.name, 'a\nb\u001b[2J');
  buffer.close();
  assert.throws(() => buffer.vmap(), { message: /buffer "a\\u\{a\}b\\u\{1b\}\[2J"/u });
  memfd.close();
});
