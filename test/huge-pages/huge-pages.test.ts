/**
 * The pages of buffers where the machine allows huge pages: as the kernel reports them, not as this
 * package intends them.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { cannotAllowHugePages, HugePageSetting, withHugePageSetting } from '../../bench/huge-page-setting.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import type { EmbeddedHeap, EmbeddedHeapOptions } from '../../src/backend/embedded/index.ts';
import { importBuffer, KiB, MiB, openHeap } from '../../src/index.ts';
import type { BufferView, DmaBuf, VmapOptions } from '../../src/index.ts';
import { addressOf } from '../../src/linux/calls/kernel-calls.ts';
import { thisMachine } from '../../src/linux/machine.ts';
import { readSharedHugePages } from '../../src/linux/proc/huge-pages.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';

const skip = cannotAllowHugePages();
/** With pages of 4 KiB. */
const HUGE = 2 * MiB;
/** That a test ends. */
const WINDOWS_MAX = 20;
const SETTING = '/sys/kernel/mm/transparent_hugepage/shmem_enabled';

checkLeaksAfterFile();

/**
 * A test of a heap that was opened while huge pages were allowed. They are allowed only for that
 * time.
 */
function hugePageTest(
  name: string,
  body: (heap: EmbeddedHeap) => void,
  options: EmbeddedHeapOptions = { capacity: 64 * MiB },
): void {
  test(name, { skip }, () =>
    withHugePageSetting('advise', () => {
      using heap = openEmbeddedHeap(options);
      body(heap);
    }),
  );
}

/**
 * Of the mappings within a view, in bytes: what the kernel maps as huge pages (man 5
 * proc_pid_smaps, ShmemPmdMapped).
 */
function hugeBytesMapped(view: BufferView): number {
  const start = addressOf(view.bytes);
  const sections = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/mu);
  return sections.reduce((sum, section) => {
    const [from = '', to = ''] = section.split(/[- ]/u, 2);
    const isWithin = Number.parseInt(from, 16) >= start && Number.parseInt(to, 16) <= start + view.length;
    return isWithin ? sum + Number(/^ShmemPmdMapped: +(\d+) kB$/mu.exec(section)?.[1] ?? 0) * KiB : sum;
  }, 0);
}

/**
 * A view whose window begins at a multiple of a huge page. Windows do if possible: a thread of V8
 * that maps at the same moment, or a gap, defeats it.
 */
function alignedView(buffer: DmaBuf, options: VmapOptions = {}): BufferView {
  for (let left = WINDOWS_MAX; left > 0; left -= 1) {
    // Nothing is committed by a window that has no such place.
    using window = buffer.vmap();
    if (addressOf(window.bytes) % HUGE === 0) return buffer.vmap(options);
  }
  return assert.fail('no window begins at a multiple of a huge page');
}

function allocateTouched(heap: EmbeddedHeap, length: number): DmaBuf {
  const buffer = heap.allocate(length);
  buffer.accessSync('write', (bytes) => bytes.fill(1));
  return buffer;
}

hugePageTest('a buffer is committed and mapped by huge pages, and by ordinary ones where none fits', (heap) => {
  assert.deepEqual(heap.stats().hugePages, { pageBytes: HUGE, reason: `${SETTING} is "advise"` });
  const buffer = heap.allocate(8 * MiB + 12 * KiB);
  const view = alignedView(buffer);
  view.bytes[3 * MiB] = 1;
  assert.equal(heap.stats().committedBytes, HUGE, 'the first touch takes one huge page');
  view.bytes[8 * MiB] = 1;
  assert.equal(heap.stats().committedBytes, HUGE + 4 * KiB, 'what is no whole huge page is taken page by page');
  view.close();
  const populated = alignedView(buffer, { populate: true });
  assert.equal(hugeBytesMapped(populated), 8 * MiB);
  assert.equal(heap.stats().committedBytes, 8 * MiB + 12 * KiB);
  assert.deepEqual([populated.bytes[3 * MiB], populated.bytes[8 * MiB], populated.bytes[5 * MiB]], [1, 1, 0]);
  populated.close();
  buffer.close();
});

hugePageTest('a heap in use takes whole huge pages where there are any', (heap) => {
  // Leaves single blocks of 1 MiB free, which a system heap would take first.
  const parts = Array.from({ length: 16 }, () => heap.allocate(MiB));
  parts.forEach((part, index) => {
    if (index % 2 === 0) part.close();
  });
  const buffer = heap.allocate(4 * MiB);
  const view = alignedView(buffer, { populate: true });
  assert.equal(hugeBytesMapped(view), 4 * MiB);
  const layout = buffer.layout();
  assert.ok(layout.known);
  assert.deepEqual(
    [...layout.table.entries()].map(({ length }) => length),
    [MiB, MiB, MiB, MiB],
    'the table is a system heap’s all the same',
  );
  view.close();
  for (const each of [buffer, ...parts]) each.close();
});

hugePageTest(
  'memory goes back when holes are punched into huge pages',
  (heap) => {
    const whole = allocateTouched(heap, HUGE);
    assert.equal(heap.stats().committedBytes, HUGE);
    whole.close();
    assert.deepEqual([heap.stats().cachedBytes, heap.stats().committedBytes], [HUGE, HUGE], 'it stays for the next');
    // The next are small: they share the huge page.
    const small = Array.from({ length: 4 }, () => allocateTouched(heap, 64 * KiB));
    const large = allocateTouched(heap, 4 * MiB);
    assert.equal(heap.stats().usedBytes, 4 * 64 * KiB + 4 * MiB);
    for (const buffer of [small[1], large, small[3], small[0]]) buffer?.close();
    const { cachedBytes, committedBytes } = heap.stats();
    assert.ok(cachedBytes <= HUGE, `${cachedBytes} bytes stay`);
    assert.ok(
      committedBytes <= cachedBytes + HUGE,
      `${committedBytes} bytes are committed, ${cachedBytes} of them cached`,
    );
    small[2]?.accessSync('read', (bytes) => assert.ok(bytes.every((byte) => byte === 1)));
    small[2]?.close();
    const after = heap.stats();
    assert.equal(after.committedBytes, after.cachedBytes, 'all that is left is counted');
  },
  { capacity: 64 * MiB, cached: HUGE },
);

hugePageTest(
  'a heap that keeps nothing has nothing committed once its buffers are closed, in whichever order',
  (heap) => {
    const lengths = [HUGE, 64 * KiB, 3 * MiB, 4 * KiB, 5 * MiB, MiB, 4 * KiB];
    for (let round = 0; round < lengths.length; round += 1) {
      const buffers = lengths.map((length) => allocateTouched(heap, length));
      for (const buffer of [...buffers.splice(round), ...buffers]) buffer.close();
      assert.deepEqual([heap.stats().cachedBytes, heap.stats().committedBytes], [0, 0]);
    }
  },
  { capacity: 64 * MiB, cached: 0 },
);

hugePageTest('where ordinary pages lie, they make room for huge ones', (heap) => {
  // For the whole heap, committed in pieces smaller than huge pages.
  const small = Array.from({ length: 64 }, () => allocateTouched(heap, MiB));
  for (const buffer of small) buffer.close();
  const { cachedBytes } = heap.stats();
  assert.ok(cachedBytes >= 32 * MiB);
  const buffer = heap.allocate(8 * MiB);
  const view = alignedView(buffer, { populate: true });
  assert.equal(hugeBytesMapped(view), 8 * MiB);
  assert.ok(view.bytes.every((byte) => byte === 0));
  view.close();
  buffer.close();
});

hugePageTest('a shareable buffer comes in huge pages, and another process’s window shows them as such', (heap) => {
  for (const shareable of [true, 'read-only'] as const) {
    const buffer = heap.allocate(5 * MiB, { shareable });
    const view = alignedView(buffer, { populate: true });
    view.bytes[4 * MiB] = 7;
    assert.equal(hugeBytesMapped(view), 4 * MiB);
    const fd = buffer.exportFd();
    const imported = importBuffer(fd, { mode: 'read' });
    const other = alignedView(imported, { populate: true });
    // A dma-buf is mapped page by page, for any kind of memory (drivers/dma-buf/udmabuf.c,
    // mmap_udmabuf).
    assert.equal(hugeBytesMapped(other), imported.exporter === 'memfd' ? 4 * MiB : 0);
    assert.equal(other.bytes[4 * MiB], 7);
    for (const each of [other, imported, fd, view, buffer]) each.close();
  }
});

test(
  'a udmabuf pins the huge pages that its memory was committed in',
  { skip: skip === false ? cannotOpen('/dev/udmabuf') : skip },
  () =>
    withHugePageSetting('advise', () => {
      using heap = openHeap('system', { backends: ['udmabuf'] });
      assert.equal(heap.stats().hugePages.pageBytes, HUGE);
      // A window begins at a multiple of a huge page if possible. Of several windows, one does.
      const buffers = Array.from({ length: 4 }, () => heap.allocate(4 * MiB + 8 * KiB));
      const views = buffers.map((buffer) => buffer.vmap({ populate: true }));
      const aligned = views.filter((view) => addressOf(view.bytes) % HUGE === 0);
      assert.ok(aligned.length > 0, 'no window begins at a multiple of a huge page');
      for (const view of aligned) assert.equal(hugeBytesMapped(view), 4 * MiB);
      for (const each of [...views, ...buffers]) each.close();
    }),
);

hugePageTest(
  'hugePages: false is ordinary pages, whatever the machine allows',
  (heap) => {
    const reason = 'the heap was opened with { hugePages: false }';
    assert.deepEqual(heap.stats().hugePages, { pageBytes: undefined, reason });
    const buffer = heap.allocate(4 * MiB);
    const view = buffer.vmap();
    view.bytes[0] = 1;
    assert.equal(heap.stats().committedBytes, heap.pageSize);
    assert.equal(hugeBytesMapped(view), 0);
    view.close();
    buffer.close();
  },
  { capacity: 8 * MiB, hugePages: false },
);

test('hugePages: false gives ordinary pages even where the machine uses huge ones by itself', { skip }, () =>
  withHugePageSetting('always', () => {
    using heap = openEmbeddedHeap({ capacity: 8 * MiB, hugePages: false });
    const buffer = heap.allocate(4 * MiB);
    const view = buffer.vmap();
    view.bytes[0] = 1;
    assert.equal(heap.stats().committedBytes, heap.pageSize);
    view.close();
    buffer.close();
  }),
);

test('a heap says which setting keeps it from huge pages', { skip }, () =>
  withHugePageSetting('never', () => {
    using heap = openEmbeddedHeap({ capacity: 8 * MiB });
    assert.deepEqual(heap.stats().hugePages, { pageBytes: undefined, reason: `${SETTING} is "never"` });
  }),
);

test('the setting is restored when its holder is done', { skip }, async () => {
  const before = readSharedHugePages(thisMachine).reason;
  const setting = await HugePageSetting.hold('advise');
  assert.equal(readSharedHugePages(thisMachine).reason, `${SETTING} is "advise"`);
  await setting.restore();
  await setting.restore();
  assert.equal(readSharedHugePages(thisMachine).reason, before);
});
