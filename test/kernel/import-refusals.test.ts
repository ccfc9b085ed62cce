/** Descriptors that no buffer is made of: each with the right error, and nothing left open. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, MiB, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBufErrorCode, OwnedFd } from '../../src/index.ts';
import { CheckedCalls } from '../../src/linux/checked-calls.ts';
import { UnixSocketCalls } from '../../src/linux/unix-socket-calls.ts';
import { DMA_HEAP_IOCTL_ALLOC, dmaHeapAllocationData } from '../../src/uapi/dma-heap.ts';
import { O_CLOEXEC, O_RDONLY } from '../../src/uapi/fcntl.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { cannotOpen } from '../support/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/leak-check.ts';
import { createMemfd } from '../support/memfd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

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

/** Of a closed memfd's: nobody opens anything before it is used. */
function closedNumber(): number {
  const fd = createMemfd({ length: LENGTH });
  const number = fd.borrow();
  fd.close();
  return number;
}

/** As a heap gives it to whoever asks for one to read. */
function openReadOnlyHeapBuffer(t: TestContext): OwnedFd {
  const calls = new ReadOnlyHeap();
  return closing(t, calls.allocate());
}

class ReadOnlyHeap extends CheckedCalls {
  allocate(): OwnedFd {
    const heap = this.own(this.checked('open', this.raw.open('/dev/dma_heap/system', O_RDONLY | O_CLOEXEC)));
    const argument = dmaHeapAllocationData.write({ len: LENGTH, fdFlags: O_RDONLY | O_CLOEXEC });
    this.checked('ioctl', this.raw.ioctl(heap.borrow(), DMA_HEAP_IOCTL_ALLOC, argument));
    heap.close();
    return this.own(dmaHeapAllocationData.read(argument).fd);
  }
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
const ONLY_TO_READ = /not opened for reading and writing: .*O_RDWR/u;
const SEALED_AGAINST_WRITING = /sealed against writing/u;
const REFUSED: readonly Refused[] = [
  { name: 'a closed descriptor', code: 'EBADF', message: /EBADF/u, open: closedNumber },
  { name: 'a pipe', code: 'EINVAL', message: OTHER_KIND, open: openPipe },
  { name: 'a socket', code: 'EINVAL', message: OTHER_KIND, open: openSocket },
  { name: 'a directory', code: 'EINVAL', message: OTHER_KIND, open: (t) => opened(t, '/', constants.O_RDONLY) },
  { name: '/dev/null', code: 'EINVAL', message: OTHER_KIND, open: (t) => opened(t, '/dev/null', constants.O_RDWR) },
  {
    name: 'a regular file',
    code: 'EINVAL',
    message: /as (?:it is neither|whoever else holds)/u,
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
    code: 'EINVAL',
    message: SEALED_AGAINST_WRITING,
    open: sealedAgainst(F_SEAL_SHRINK | F_SEAL_WRITE),
  },
  {
    name: 'a memfd sealed against writing in the future',
    code: 'EINVAL',
    message: SEALED_AGAINST_WRITING,
    open: sealedAgainst(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE),
  },
  {
    name: 'a memfd of no length',
    code: 'EINVAL',
    message: /length of 0 bytes/u,
    open: sealedAgainst(F_SEAL_SHRINK, 0),
  },
  {
    name: 'a memfd that is not whole pages',
    code: 'EINVAL',
    message: /length of 65535 bytes is not whole pages of \d+/u,
    open: sealedAgainst(F_SEAL_SHRINK, LENGTH - 1),
  },
  {
    name: 'a memfd opened for reading',
    code: 'EACCES',
    message: ONLY_TO_READ,
    open: (t) => reopened(t, constants.O_RDONLY),
  },
  {
    name: 'a memfd opened for writing',
    code: 'EACCES',
    message: ONLY_TO_READ,
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
    message: ONLY_TO_READ,
    open: openReadOnlyHeapBuffer,
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
  test(`importBuffer() refuses ${name} with ${code}`, { skip }, (t) => {
    const fd = open(t);
    const before = readdirSync('/proc/self/fd').length;
    assert.throws(
      () => importBuffer(fd),
      (error) => {
        assert.ok(isDmaBufError(error, code), String(error));
        assert.match(error.message, message);
        return true;
      },
    );
    assert.equal(readdirSync('/proc/self/fd').length, before, 'Nothing stays open');
  });
}

test('importBuffer() refuses what is no descriptor, no option and no name', (t) => {
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
