/**
 * Buffers of descriptors from elsewhere that are only read, and memfds whose length is not whole
 * pages.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KiB, createUdmabuf, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { DmaBuf, ImportOptions, OwnedFd } from '../../src/index.ts';
import { kernelCalls } from '../../src/linux/calls/kernel-calls.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd, openMemfdToRead } from '../support/devices/memfd.ts';
import { openReadOnlyHeapBuffer } from '../support/devices/read-only-heap-buffer.ts';

checkLeaksAfterFile();

const PAGE = kernelCalls.getpagesize();
const LENGTH = 64 * KiB;
const withoutHeap = cannotOpen('/dev/dma_heap/system');
const withoutUdmabuf = cannotOpen('/dev/udmabuf');

function closing<Closable extends { close(): void }>(t: TestContext, closable: Closable): Closable {
  t.after(() => closable.close());
  return closable;
}

/** A descriptor of zeros, {@link LENGTH} bytes of them. */
interface Origin {
  readonly name: string;
  readonly skip?: string | false;
  /** Whether the default mode takes it, too. */
  readonly isWritable: boolean;
  readonly open: () => OwnedFd;
}

const ORIGINS: readonly Origin[] = [
  { name: 'a memfd', isWritable: true, open: () => createMemfd({ length: LENGTH }) },
  { name: 'a memfd opened for reading', isWritable: false, open: () => openMemfdToRead({ length: LENGTH }) },
  ...Object.entries({ F_SEAL_WRITE, F_SEAL_FUTURE_WRITE }).map(([seal, seals]) => ({
    name: `a memfd with ${seal}`,
    isWritable: false,
    open: () => createMemfd({ length: LENGTH, seals: F_SEAL_SHRINK | seals }),
  })),
  {
    name: 'a memfd with F_SEAL_WRITE opened for reading',
    isWritable: false,
    open: () => openMemfdToRead({ length: LENGTH, seals: F_SEAL_SHRINK | F_SEAL_WRITE }),
  },
  { name: 'a heap buffer', skip: withoutHeap, isWritable: true, open: () => openFromHeap('kernel') },
  {
    name: 'a heap buffer opened for reading',
    skip: withoutHeap,
    isWritable: false,
    open: () => openReadOnlyHeapBuffer(LENGTH),
  },
  { name: 'a udmabuf', skip: withoutUdmabuf, isWritable: true, open: () => openFromHeap('udmabuf') },
];

function openFromHeap(backend: 'kernel' | 'udmabuf'): OwnedFd {
  const heap = openHeap('system', { backends: [backend] });
  const buffer = heap.allocate(LENGTH);
  const fd = buffer.exportFd();
  buffer.close();
  heap.close();
  return fd;
}

for (const { name, skip = false, isWritable, open } of ORIGINS) {
  test(`importBuffer(fd, { mode: 'read' }) takes ${name}`, { skip }, async (t) => {
    const fd = closing(t, open());
    const buffer = importBuffer(fd, { mode: 'read' });
    assert.deepEqual([buffer.readOnly, buffer.length], [true, LENGTH]);
    assert.ok(await buffer.access('read', (bytes) => bytes.every((byte) => byte === 0)));
    await assert.rejects(
      buffer.access('write', () => {}),
      (error) => isDmaBufError(error, 'EACCES'),
    );
    const view = buffer.vmap({ populate: true });
    assert.equal(view.copyOut().length, LENGTH);
    view.close();
    // Whether it is known depends on rights; that it can be asked for does not.
    assert.equal(typeof buffer.layout().known, 'boolean');
    const again = closing(t, importBuffer(closing(t, buffer.exportFd()), { mode: 'read' }));
    assert.equal(again.readOnly, true);
    buffer.close();
  });

  test(`importBuffer(fd) ${isWritable ? 'takes' : 'refuses'} ${name}`, { skip }, async (t) => {
    const fd = closing(t, open());
    if (isWritable) {
      const buffer = importBuffer(fd);
      assert.equal(buffer.readOnly, false);
      buffer.accessSync('write', (bytes) => bytes.fill(1));
      buffer.close();
      return;
    }
    const before = await settledDescriptors();
    assert.throws(
      () => importBuffer(fd),
      (error) => isDmaBufError(error, 'EACCES') && error.message.includes("{ mode: 'read' }"),
    );
    await assertHeld(before, 'something stays open');
  });
}

/** The signal or status of a process that stores into a view. */
function endOfStore(open: string): NodeJS.Signals | number | null {
  const script = fileURLToPath(new URL('storing-process.js', import.meta.url));
  const { signal, status } = spawnSync(process.execPath, [script, open], { stdio: 'ignore' });
  return signal ?? status;
}

test('a store into a read-only view ends the process only where the kernel maps no private copies', async (t) => {
  assert.equal(endOfStore('memfd'), 0);
  for (const [heap, skip, end] of [
    ['udmabuf', withoutUdmabuf, 0],
    ['foreign udmabuf', withoutUdmabuf, 'SIGSEGV'],
    ['kernel', withoutHeap, 'SIGSEGV'],
  ] as const) {
    await t.test(`${heap}: ${end}`, { skip }, () => {
      assert.equal(endOfStore(heap), end);
    });
  }
});

test('the driver makes no udmabuf of a memfd that is sealed against future writing', { skip: withoutUdmabuf }, (t) => {
  const memfd = closing(t, createMemfd({ length: LENGTH, seals: F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE }));
  assert.throws(() => createUdmabuf([{ fd: memfd }]), /sealed against writing/u);
});

/** A sealed memfd whose every byte is 7. */
function memfdOf(t: TestContext, length: number): OwnedFd {
  const memfd = closing(t, createMemfd({ length }));
  for (let written = 0; written < length;) written += writeSync(memfd.borrow(), Buffer.alloc(length - written, 7));
  return memfd;
}

function importPart(t: TestContext, length: number, options: ImportOptions = {}): DmaBuf {
  return closing(t, importBuffer(memfdOf(t, length), options));
}

test('importBuffer() takes a memfd up to its last whole page', (t) => {
  for (const [fileLength, length] of [
    [PAGE, PAGE],
    [PAGE + 1, PAGE],
    [2 * PAGE - 1, PAGE],
    [3 * PAGE + 17, 3 * PAGE],
  ] as const) {
    for (const mode of ['read', 'readwrite'] as const) {
      const buffer = importPart(t, fileLength, { mode });
      assert.equal(buffer.length, length);
      assert.ok(buffer.accessSync('read', (bytes) => bytes.length === length && bytes.every((byte) => byte === 7)));
    }
  }
});

test('importBuffer(fd, { length }) takes the given length of a memfd', (t) => {
  for (const [fileLength, length] of [
    [4 * PAGE, PAGE],
    [4 * PAGE, 4 * PAGE],
    [4 * PAGE + 9, 3 * PAGE],
  ] as const) {
    const buffer = importPart(t, fileLength, { length });
    const view = buffer.vmap();
    assert.deepEqual([buffer.length, view.bytes.length], [length, length]);
    assert.ok(view.bytes.every((byte) => byte === 7));
    view.close();
  }
});

test("importBuffer(fd, { length }) refuses an invalid length, and one beyond the memfd's whole pages", async (t) => {
  const fd = memfdOf(t, 4 * PAGE + 9);
  const before = await settledDescriptors();
  for (const wrong of [0, -PAGE, PAGE + 1, PAGE / 2, Number.NaN, 2 ** 53])
    assert.throws(() => importBuffer(fd, { length: wrong }), RangeError);
  for (const wrong of ['4096', 4096n, null] as unknown[])
    assert.throws(() => importBuffer(fd, { length: wrong as number }), TypeError);
  for (const wrong of ['write', 'readonly', true, null])
    assert.throws(() => importBuffer(fd, { mode: wrong as 'read' }), TypeError);
  assert.throws(
    () => importBuffer(fd, { length: 5 * PAGE }),
    (error) => isDmaBufError(error, 'EINVAL') && error.message.includes(`whole pages have ${4 * PAGE} bytes`),
  );
  await assertHeld(before, 'something stays open');
});

test('exportFd() of a part of a memfd is refused: the descriptor would hand out all of it', (t) => {
  for (const buffer of [importPart(t, PAGE + 1), importPart(t, 4 * PAGE, { length: PAGE })]) {
    assert.throws(
      () => buffer.exportFd(),
      (error) => isDmaBufError(error, 'EOPNOTSUPP') && error.message.includes('a part of its file'),
    );
  }
  assert.ok(closing(t, importPart(t, 4 * PAGE, { length: 4 * PAGE }).exportFd()).borrow() > 2);
});

test('importBuffer(fd, { length }) of a dma-buf takes the whole of it or nothing', { skip: withoutUdmabuf }, (t) => {
  const fd = closing(t, openFromHeap('udmabuf'));
  assert.equal(closing(t, importBuffer(fd, { length: LENGTH })).length, LENGTH);
  assert.throws(
    () => importBuffer(fd, { length: LENGTH - PAGE }),
    (error) => isDmaBufError(error, 'EINVAL') && error.message.includes('imported whole'),
  );
});
