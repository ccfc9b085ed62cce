/** Descriptors that cannot become buffers: each with the right error, and nothing left open. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, MiB, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBufErrorCode, OwnedFd } from '../../src/index.ts';
import { UnixSocketCalls } from '../../src/linux/calls/unix-socket-calls.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { openReadOnlyHeapBuffer } from '../support/devices/read-only-heap-buffer.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

checkLeaksAfterFile();

const LENGTH = 64 * KiB;
/** include/uapi/linux/memfd.h, include/uapi/asm-generic/fcntl.h */
const MFD_HUGETLB = 0x0004;
const O_PATH = 0o10000000;

function closing<Closable extends { close(): void }>(t: TestContext, closable: Closable): Closable {
  t.after(() => closable.close());
  return closable;
}

/** What is refused: a descriptor, opened for the test, and how. */
interface Refused {
  readonly name: string;
  readonly skip?: string | false;
  readonly code: DmaBufErrorCode;
  readonly message: RegExp;
  readonly open: (t: TestContext) => OwnedFd | number;
}

function opened(t: TestContext, path: string, flags: number): number {
  const fd = openSync(path, flags);
  t.after(() => closeSync(fd));
  return fd;
}

function openPipe(t: TestContext): number {
  const path = join(temporaryFolder(t), 'pipe');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  return opened(t, path, constants.O_RDWR);
}

function openSocket(t: TestContext): OwnedFd {
  const [here, there] = new UnixSocketCalls(4096).createPair();
  t.after(() => there.close());
  return closing(t, here);
}

function openRegularFile(t: TestContext): number {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, Buffer.alloc(LENGTH));
  return opened(t, path, constants.O_RDWR);
}

/** Of a closed memfd: its number is not reused before the test uses it. */
function closedNumber(): number {
  const fd = createMemfd({ length: LENGTH });
  const number = fd.borrow();
  fd.close();
  return number;
}

function openSyncFile(t: TestContext): OwnedFd {
  const heap = closing(t, openHeap('system', { backends: ['kernel'] }));
  const file = closing(t, closing(t, heap.allocate(LENGTH)).exportSyncFile('write'));
  return closing(t, file.exportFd());
}

const sealedAgainst =
  (seals: number, length = LENGTH) =>
  (t: TestContext): OwnedFd =>
    closing(t, createMemfd({ length, seals }));

/** Another open file of the same memfd. */
function reopened(t: TestContext, flags: number): number {
  return opened(t, `/proc/self/fd/${closing(t, createMemfd({ length: LENGTH })).borrow()}`, flags);
}

const OTHER_KIND = /neither a dma-buf nor a memfd/u;
const COULD_SHRINK = /could shrink it: .*MFD_ALLOW_SEALING.*F_SEAL_SHRINK/u;
const TO_READ = /\{ mode: 'read' \}/u;
const NOT_TO_READ = /not opened for reading and writing: .*O_RDWR/u;
const REFUSED: readonly Refused[] = [
  { name: 'a closed descriptor', code: 'EBADF', message: /EBADF/u, open: closedNumber },
  { name: 'a pipe', code: 'EINVAL', message: OTHER_KIND, open: openPipe },
  { name: 'a socket', code: 'EINVAL', message: OTHER_KIND, open: openSocket },
  { name: 'a directory', code: 'EINVAL', message: OTHER_KIND, open: (t) => opened(t, '/', constants.O_RDONLY) },
  { name: '/dev/null', code: 'EINVAL', message: OTHER_KIND, open: (t) => opened(t, '/dev/null', constants.O_RDWR) },
  {
    name: 'a regular file',
    code: 'EINVAL',
    message: /as (?:it is neither|another holder)/u,
    open: openRegularFile,
  },
  { name: 'an unsealed memfd', code: 'EINVAL', message: COULD_SHRINK, open: sealedAgainst(0) },
  {
    name: 'a memfd sealed against growing alone',
    code: 'EINVAL',
    message: COULD_SHRINK,
    open: sealedAgainst(F_SEAL_GROW),
  },
  {
    name: 'a memfd sealed against writing',
    code: 'EACCES',
    message: TO_READ,
    open: sealedAgainst(F_SEAL_SHRINK | F_SEAL_WRITE),
  },
  {
    name: 'a memfd sealed against writing in the future',
    code: 'EACCES',
    message: TO_READ,
    open: sealedAgainst(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE),
  },
  {
    name: 'a memfd of no length',
    code: 'EINVAL',
    message: /it is empty/u,
    open: sealedAgainst(F_SEAL_SHRINK, 0),
  },
  {
    name: 'a memfd opened for reading',
    code: 'EACCES',
    message: TO_READ,
    open: (t) => reopened(t, constants.O_RDONLY),
  },
  {
    name: 'a memfd opened for writing',
    code: 'EACCES',
    message: NOT_TO_READ,
    open: (t) => reopened(t, constants.O_WRONLY),
  },
  { name: 'a memfd opened as a path', code: 'EBADF', message: /EBADF/u, open: (t) => reopened(t, O_PATH) },
  {
    name: 'a memfd with huge pages',
    code: 'EINVAL',
    message: /huge pages/u,
    open: (t) => closing(t, createMemfd({ length: 2 * MiB, flags: MFD_HUGETLB })),
  },
  {
    name: 'a heap buffer for reading',
    skip: cannotOpen('/dev/dma_heap/system'),
    code: 'EACCES',
    message: TO_READ,
    open: (t) => closing(t, openReadOnlyHeapBuffer(LENGTH)),
  },
  {
    name: 'a sync file',
    skip: cannotOpen('/dev/dma_heap/system'),
    code: 'EINVAL',
    message: OTHER_KIND,
    open: openSyncFile,
  },
];

for (const { name, skip = false, code, message, open } of REFUSED) {
  test(`importBuffer() refuses ${name} with ${code}`, { skip }, async (t) => {
    const fd = open(t);
    const before = await settledDescriptors();
    assert.throws(
      () => importBuffer(fd),
      (error) => {
        assert.ok(isDmaBufError(error, code), String(error));
        assert.match(error.message, message);
        return true;
      },
    );
    await assertHeld(before, 'something stays open');
  });
}

test('importBuffer() refuses invalid descriptors, options and names', (t) => {
  const fd = closing(t, createMemfd({ length: LENGTH }));
  for (const wrong of [undefined, null, '3', {}, 3n]) assert.throws(() => importBuffer(wrong as number), TypeError);
  for (const wrong of [-1, 1.5, Number.NaN, 2 ** 31]) assert.throws(() => importBuffer(wrong), RangeError);
  assert.throws(() => importBuffer(fd, { label: 'x' } as object), TypeError);
  assert.throws(() => importBuffer(fd, { name: 'x'.repeat(32) }), RangeError);
  const closed = createMemfd({ length: LENGTH });
  closed.close();
  assert.throws(
    () => importBuffer(closed),
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
});
