/** Buffers of descriptors from elsewhere that are only read. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KiB, createUdmabuf, importBuffer, isDmaBufError, openHeap } from '../../src/index.ts';
import type { OwnedFd } from '../../src/index.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE } from '../../src/uapi/memfd.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { createMemfd, openMemfdToRead } from '../support/devices/memfd.ts';
import { openReadOnlyHeapBuffer } from '../support/devices/read-only-heap-buffer.ts';

checkLeaksAfterFile();

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
