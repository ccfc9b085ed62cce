/**
 * Buffers made from descriptors from elsewhere: which are accepted, which are refused, and who owns
 * the memory.
 */

import assert from 'node:assert/strict';
import { fstatSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { KiB, createUdmabuf, importBuffer, openHeap } from '../../src/index.ts';
import type { DmaBuf, OwnedFd } from '../../src/index.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { collectWarnings } from '../conformance/suite.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile, heldMemory } from '../support/runner/leak-check.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { Vgem, missingVgem } from '../support/devices/vgem.ts';

checkLeaksAfterFile();
const warnings = collectWarnings();

const LENGTH = 64 * KiB;
const NOTHING = { fds: [], mappingCount: 0 };

function closing<Closable extends { close(): void }>(t: TestContext, closable: Closable): Closable {
  t.after(() => closable.close());
  return closable;
}

/** Where a descriptor comes from, and what the buffer made of it must be. */
interface Origin {
  readonly name: string;
  readonly skip: string | false;
  readonly exporter: string;
  readonly isDmaBuf: boolean;
  /** A descriptor of zeros, {@link LENGTH} bytes of them, that only the caller holds. */
  readonly open: () => OwnedFd;
}

function openFromHeap(backend: 'kernel' | 'udmabuf'): OwnedFd {
  const heap = openHeap('system', { backends: [backend] });
  const buffer = heap.allocate(LENGTH, { name: 'origin' });
  const fd = buffer.exportFd();
  buffer.close();
  heap.close();
  return fd;
}

function openCreatedUdmabuf(): OwnedFd {
  const memfd = createMemfd({ length: LENGTH });
  const buffer = createUdmabuf([{ fd: memfd }], { name: 'origin' });
  const fd = buffer.exportFd();
  buffer.close();
  memfd.close();
  return fd;
}

function openShareable(): OwnedFd {
  const heap = openEmbeddedHeap();
  const buffer = heap.allocate(LENGTH, { shareable: true, name: 'origin' });
  const fd = buffer.exportFd();
  buffer.close();
  heap.close();
  return fd;
}

const withoutUdmabuf = cannotOpen('/dev/udmabuf');
const ORIGINS: readonly Origin[] = [
  {
    name: 'a heap buffer',
    skip: cannotOpen('/dev/dma_heap/system'),
    exporter: 'system',
    isDmaBuf: true,
    open: () => openFromHeap('kernel'),
  },
  {
    name: 'a buffer of the udmabuf heap',
    skip: withoutUdmabuf,
    exporter: 'udmabuf',
    isDmaBuf: true,
    open: () => openFromHeap('udmabuf'),
  },
  { name: 'a udmabuf of a memfd', skip: withoutUdmabuf, exporter: 'udmabuf', isDmaBuf: true, open: openCreatedUdmabuf },
  {
    name: 'a sealed memfd',
    skip: false,
    exporter: 'memfd',
    isDmaBuf: false,
    open: () => createMemfd({ length: LENGTH }),
  },
  {
    name: 'a shareable buffer',
    skip: false,
    exporter: withoutUdmabuf === false ? 'udmabuf' : 'memfd',
    isDmaBuf: withoutUdmabuf === false,
    open: openShareable,
  },
];

function fill(buffer: DmaBuf, byte: number): void {
  buffer.accessSync('write', (bytes) => bytes.fill(byte));
}

function assertFilled(buffer: DmaBuf, byte: number): void {
  buffer.accessSync('read', (bytes) => assert.equal(Buffer.compare(bytes, Buffer.alloc(buffer.length, byte)), 0));
}

for (const { name, skip, exporter, isDmaBuf, open } of ORIGINS) {
  test(`importBuffer() of ${name} agrees with what the kernel says of it`, { skip }, (t) => {
    const fd = closing(t, open());
    const buffer = closing(t, importBuffer(fd));
    assert.deepEqual([buffer.length, buffer.exporter, buffer.deviceImportable], [LENGTH, exporter, isDmaBuf]);
    assert.deepEqual([buffer.inode, fstatSync(fd.borrow()).size], [fstatSync(fd.borrow()).ino, LENGTH]);
    if (!isDmaBuf) return;
    const info = readFileSync(`/proc/self/fdinfo/${fd.borrow()}`, 'utf8');
    assert.ok(info.includes(`exp_name:\t${exporter}\nname:\torigin\n`), info);
    assert.equal(buffer.name, 'origin');
    const renamed = closing(t, importBuffer(fd, { name: 'here' }));
    assert.equal(renamed.name, 'here');
    assert.match(readFileSync(`/proc/self/fdinfo/${fd.borrow()}`, 'utf8'), /^name:\torigin$/mu);
  });

  test(
    `importBuffer() of ${name} keeps its memory after the descriptor is closed, and leaves it open before`,
    { skip },
    (t) => {
      const fd = open();
      const buffer = closing(t, importBuffer(fd.borrow()));
      assert.equal(fd.closed, false);
      assert.equal(fstatSync(fd.borrow()).size, LENGTH);
      fd.close();
      assertFilled(buffer, 0);
      fill(buffer, 7);
      assertFilled(buffer, 7);
      const again = closing(t, buffer.exportFd());
      buffer.close();
      assertFilled(closing(t, importBuffer(again)), 7);
    },
  );

  test(`importBuffer() of ${name} twice gives two buffers of the same bytes`, { skip }, (t) => {
    const fd = closing(t, open());
    const [first, second] = [closing(t, importBuffer(fd)), closing(t, importBuffer(fd))];
    const [mine, theirs] = [first.vmap(), second.vmap()];
    mine.bytes[LENGTH - 1] = 9;
    assert.equal(theirs.bytes[LENGTH - 1], 9);
    theirs.bytes[0] = 8;
    mine.close();
    first.close();
    assert.equal(theirs.bytes[0], 8);
    theirs.close();
  });

  test(`setName() of ${name} is seen by later imports`, { skip }, (t) => {
    const fd = closing(t, open());
    const buffer = closing(t, importBuffer(fd));
    buffer.setName('renamed');
    assert.equal(buffer.name, 'renamed');
    // A memfd's name is what it was created with.
    assert.equal(closing(t, importBuffer(fd)).name, isDmaBuf ? 'renamed' : '');
  });

  test(`importBuffer() of ${name}: a buffer that is collected unclosed gives its memory back`, { skip }, async () => {
    await collectGarbageUntil(() => isDeepStrictEqual(heldMemory(), NOTHING));
    const before = heldMemory();
    const fd = open();
    const importAndForget = (): number | undefined => importBuffer(fd, { name: 'forgotten' }).vmap().bytes[0];
    assert.equal(importAndForget(), 0);
    fd.close();
    assert.equal(heldMemory().fds.length, before.fds.length + 1);
    await collectGarbageUntil(() => isDeepStrictEqual(heldMemory(), before));
    assert.deepEqual(heldMemory(), before);
    // Node warns once for all buffers that were imported and forgotten.
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]?.message ?? '',
      /^buffer "forgotten" of 64 KiB .* was collected without having been closed$/u,
    );
  });
}

test('importBuffer() of a memfd that may grow keeps the length that it had', (t) => {
  const fd = closing(t, createMemfd({ length: LENGTH }));
  const buffer = closing(t, importBuffer(fd));
  writeSync(fd.borrow(), Buffer.alloc(LENGTH, 3), 0, LENGTH, LENGTH);
  assert.deepEqual([buffer.length, fstatSync(fd.borrow()).size], [LENGTH, 2 * LENGTH]);
  assertFilled(buffer, 0);
});

test("importBuffer() of a device's own buffer: the CPU uses the same memory", { skip: missingVgem() }, (t) => {
  const vgem = Vgem.open();
  assert.ok(vgem !== undefined);
  closing(t, vgem);
  const fd = vgem.exportBuffer(vgem.createBuffer());
  const buffer = closing(t, importBuffer(fd));
  const twin = closing(t, importBuffer(fd));
  const info = readFileSync(`/proc/self/fdinfo/${fd.borrow()}`, 'utf8');
  fd.close();
  assert.deepEqual(
    [buffer.length, buffer.exporter],
    [4 * KiB, /^exp_name:\t(?<name>.*)$/mu.exec(info)?.groups?.['name']],
  );
  fill(buffer, 5);
  assertFilled(twin, 5);
});
