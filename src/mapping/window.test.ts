import assert from 'node:assert/strict';
import { readFileSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { presentPages } from '../../test/support/devices/page-tables.ts';
import { rawCallsFailing, rawCallsByOne, rawCallsWith } from '../../test/support/fakes/raw-calls.ts';
import { toByteLength } from '../base/quantities.ts';
import { inodeOf } from '../linux/calls/file-status.ts';
import { kernelCalls } from '../linux/calls/kernel-calls.ts';
import type { RawCalls } from '../linux/calls/kernel-calls.ts';
import { FileMappings } from '../linux/proc/process-mappings.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { MappingBudget } from './mapping-budget.ts';
import type { HomeMapping, MemorySource } from './memory-source.ts';
import { readEveryPage, reserveWindowMemory } from './window-memory.ts';
import type { WindowMemory } from './window-memory.ts';
import { forgetSource, mapSource, populateSource, unmapSource } from './window.ts';
import type { MappingContext } from './window.ts';

checkLeaksAfterFile();

const pageSize = new MemoryCalls().pageSize();
const FILE_PAGES = 16;

/** [first page, pages], in buffer order: swapped, with gaps, the last two adjacent in the file. */
const RUNS: readonly (readonly [page: number, pageCount: number])[] = [
  [9, 3],
  [0, 1],
  [13, 1],
  [4, 2],
  [6, 1],
];
/** The pages of RUNS. Page n of the file is full of n + 1. */
const PAGES = [9, 10, 11, 0, 13, 4, 5, 6];
const FILLS = PAGES.map((page) => page + 1);
const WINDOW_BYTES = toByteLength(PAGES.length * pageSize);

interface Bench {
  readonly context: MappingContext;
  readonly source: MemorySource;
  readonly inode: number;
  readonly window: WindowMemory;
  readonly bytes: Uint8Array;
}

function benchWith(
  t: TestContext,
  options: { raw?: RawCalls; home?: WindowMemory; touchedFile?: boolean } = {},
): Bench {
  const fd = new MemoryCalls().createSealedMemfd('dmabuf-test', toByteLength(FILE_PAGES * pageSize));
  for (let page = 0; page < FILE_PAGES && options.touchedFile !== false; page += 1) {
    writeSync(fd.borrow(), new Uint8Array(pageSize).fill(page + 1), 0, pageSize, page * pageSize);
  }
  const runs = {
    count: RUNS.length,
    offsets: Float64Array.from(RUNS, ([page]) => page * pageSize),
    lengths: Float64Array.from(RUNS, ([, pageCount]) => pageCount * pageSize),
  };
  const home = options.home === undefined ? undefined : homeOf(options.home, fd.borrow());
  const window = reserveWindowMemory(WINDOW_BYTES, pageSize);
  t.after(() => {
    const calls = new MemoryCalls();
    calls.mapZeros(window);
    if (options.home !== undefined) calls.mapZeros(options.home);
    fd.close();
  });
  return {
    context: { calls: new MemoryCalls(options.raw ?? kernelCalls), budget: new MappingBudget() },
    source: { pageSize, fd: fd.borrow(), runs, home, touched: false, committed: false },
    inode: inodeOf(fd.borrow()),
    window,
    bytes: new Uint8Array(window.shared, 0, WINDOW_BYTES),
  };
}

/** The whole file, mapped over memory that JavaScript sees. */
function homeOf(memory: WindowMemory, fd: MemorySource['fd']): HomeMapping {
  new MemoryCalls().mapFileAt(memory.address, { fd, offset: 0, length: memory.length });
  return { address: memory.address, populated: false, pteBorrowing: { allowed: true, runBytesMin: 0 } };
}

function reserveHome(): WindowMemory {
  return reserveWindowMemory(toByteLength(FILE_PAGES * pageSize), pageSize);
}

/** The first byte of each page, all of whose bytes must be the same. */
function pageFills(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length / pageSize }, (_, index) => {
    const page = bytes.subarray(index * pageSize, (index + 1) * pageSize);
    assert.ok(page.every((byte) => byte === page[0]));
    return page[0] as number;
  });
}

function readFilePage(source: MemorySource, page: number): Uint8Array {
  const bytes = new Uint8Array(pageSize);
  assert.equal(readSync(source.fd, bytes, 0, pageSize, page * pageSize), pageSize);
  return bytes;
}

const ENOMEM = 12;

/**
 * The `nth` `mmap` of a file fails and leaves a hole, as kernels do when they find no room for the
 * new mapping.
 */
function mmapLeavesHole(nth: number): RawCalls {
  let count = 0;
  return rawCallsByOne({
    mmap: (...values) => {
      const [address, length, , , fd] = values;
      if (fd !== -1) count += 1;
      if (fd === -1 || count !== nth) return kernelCalls.mmap(...values);
      kernelCalls.munmap(address, length);
      return -ENOMEM;
    },
  });
}

/** The `nth` `mremap` fails and leaves a hole at the target. */
function mremapLeavesHole(nth: number): RawCalls {
  let count = 0;
  return rawCallsWith({
    mremap: (...values) => {
      count += 1;
      if (count !== nth) return kernelCalls.mremap(...values);
      kernelCalls.munmap(values[4], values[2]);
      return -ENOMEM;
    },
  });
}

test("mapSource maps runs in buffer order: every byte equals the file's", (t) => {
  const { context, source, window, bytes } = benchWith(t);
  mapSource(context, source, window);
  for (const [index, page] of PAGES.entries()) {
    const fromFile = readFilePage(source, page);
    assert.deepEqual(bytes.slice(index * pageSize, (index + 1) * pageSize), fromFile);
    assert.equal(fromFile[0], page + 1);
  }
  assert.equal(source.touched, true);
  unmapSource(context, source, window);
});

test("mapSource maps shared: each side reads the other's writes", (t) => {
  const { context, source, window, bytes } = benchWith(t);
  mapSource(context, source, window);
  // Buffer page 5 is file page 4.
  bytes[5 * pageSize + 17] = 0xa5;
  assert.equal(readFilePage(source, 4)[17], 0xa5);
  writeSync(source.fd, Uint8Array.of(0x5a), 0, 1, 11 * pageSize + 3);
  assert.equal(bytes[2 * pageSize + 3], 0x5a);
  unmapSource(context, source, window);
});

test('mapSource reserves one mapping per run and one more, until unmapSource', (t) => {
  const { context, source, window } = benchWith(t);
  mapSource(context, source, window);
  assert.equal(context.budget.reserved, 6);
  unmapSource(context, source, window);
  assert.equal(context.budget.reserved, 0);
});

test('mapSource makes no call when the budget refuses', (t) => {
  const raw = rawCallsWith({
    mmap: () => assert.fail('mmap was called'),
    mapRuns: () => assert.fail('mapRuns was called'),
    mremap: () => assert.fail('mremap was called'),
  });
  const { source, window, bytes } = benchWith(t);
  const budget = new MappingBudget();
  budget.reserve = () => {
    throw new RangeError('refused');
  };
  assert.throws(() => mapSource({ calls: new MemoryCalls(raw), budget }, source, window), { message: 'refused' });
  assert.deepEqual(pageFills(bytes), Array(8).fill(0));
  assert.equal(source.touched, false);
  assert.equal(budget.reserved, 0);
});

for (let nth = 1; nth <= RUNS.length; nth += 1) {
  test(`mapSource leaves zeros, no hole and no reservation when mmap ${nth} of ${RUNS.length} fails, and can be tried again`, (t) => {
    const { context, source, inode, window, bytes } = benchWith(t, { raw: mmapLeavesHole(nth) });
    assert.throws(() => mapSource(context, source, window), { name: 'DmaBufError', code: 'ENOMEM', syscall: 'mmap' });
    assert.deepEqual(pageFills(bytes), Array(8).fill(0));
    assert.equal(new FileMappings().hasFileWithin(window, inode), false);
    assert.equal(context.budget.reserved, 0);
    assert.equal(source.touched, false);
    mapSource(context, source, window);
    assert.deepEqual(pageFills(bytes), FILLS);
    unmapSource(context, source, window);
  });
}

test('unmapSource leaves zeros that do not reach the file', (t) => {
  const { context, source, inode, window, bytes } = benchWith(t);
  mapSource(context, source, window);
  assert.equal(new FileMappings().hasFileWithin(window, inode), true);
  unmapSource(context, source, window);
  assert.equal(new FileMappings().hasFileWithin(window, inode), false);
  assert.deepEqual(pageFills(bytes), Array(8).fill(0));
  bytes.fill(0xff);
  for (const page of PAGES) assert.equal(readFilePage(source, page)[0], page + 1);
});

test('unmapSource keeps the reservation when the kernel refuses, and can be repeated', (t) => {
  const { context, source, inode, window } = benchWith(t, { raw: rawCallsFailing('mmap', { nth: 1, errno: 12 }) });
  mapSource(context, source, window);
  assert.throws(() => unmapSource(context, source, window), { code: 'ENOMEM' });
  assert.equal(context.budget.reserved, 6);
  unmapSource(context, source, window);
  assert.equal(context.budget.reserved, 0);
  assert.equal(new FileMappings().hasFileWithin(window, inode), false);
});

test('forgetSource releases the reservation and touches no memory', (t) => {
  const { context, source, window, bytes } = benchWith(t);
  mapSource(context, source, window);
  forgetSource(context, source);
  assert.equal(context.budget.reserved, 0);
  assert.deepEqual(pageFills(bytes), FILLS);
});

test('populateSource faults in every page', (t) => {
  const { context, source, window, bytes } = benchWith(t, { touchedFile: false });
  mapSource(context, source, window);
  assert.deepEqual(presentPages(window, pageSize), Array(8).fill(false));
  populateSource(context, source, window);
  assert.deepEqual(presentPages(window, pageSize), Array(8).fill(true));
  assert.deepEqual(pageFills(bytes), Array(8).fill(0));
  unmapSource(context, source, window);
});

test('populateSource faults in every page where the kernel has no MADV_POPULATE_READ', (t) => {
  const { context, source, window, bytes } = benchWith(t, { raw: rawCallsWith({ madvise: () => -1 }) });
  mapSource(context, source, window);
  populateSource(context, source, window);
  assert.deepEqual(presentPages(window, pageSize), Array(8).fill(true));
  assert.deepEqual(pageFills(bytes), FILLS);
  unmapSource(context, source, window);
});

test('mapSource, private, takes no entries from the home mapping and gives it none', (t) => {
  const home = reserveHome();
  const { context, source, window, bytes } = benchWith(t, { home });
  const homeBytes = new Uint8Array(home.shared, 0, home.length);
  assert.equal(homeBytes[9 * pageSize], 10);
  if (source.home !== undefined) source.home.populated = true;
  mapSource(context, source, window, 'private');
  assert.deepEqual(pageFills(bytes), FILLS);
  bytes.fill(99);
  assert.equal(source.home?.populated, true);
  unmapSource(context, source, window, 'private');
  assert.deepEqual(pageFills(bytes), Array(8).fill(0));
  for (const page of PAGES) assert.equal(homeBytes[page * pageSize], page + 1);
  assert.equal(readFilePage(source, 9)[0], 10);
});

test('populateSource of a private window returns false where it would have to copy the pages', (t) => {
  const { context, source, window } = benchWith(t, { raw: rawCallsWith({ madvise: () => -22 }) });
  mapSource(context, source, window, 'private');
  assert.equal(populateSource(context, source, window, 'private'), false);
  readEveryPage(window, pageSize);
  assert.deepEqual(presentPages(window, pageSize), Array(8).fill(true));
  writeSync(source.fd, new Uint8Array(pageSize).fill(77), 0, pageSize, 9 * pageSize);
  assert.equal(new Uint8Array(window.shared, 0, 1)[0], 77);
  unmapSource(context, source, window, 'private');
});

test('mapSource borrows page-table entries from the home mapping, without faults, and returns them at the end', (t) => {
  const home = reserveHome();
  const { context, source, window, bytes } = benchWith(t, { home });
  const homeBytes = new Uint8Array(home.shared, 0, home.length);
  assert.deepEqual(
    pageFills(homeBytes),
    Array.from({ length: FILE_PAGES }, (_, page) => page + 1),
  );
  if (source.home !== undefined) source.home.populated = true;

  mapSource(context, source, window);
  assert.deepEqual(presentPages(window, pageSize), Array(8).fill(true));
  assert.deepEqual(
    presentPages(home, pageSize),
    Array.from({ length: FILE_PAGES }, (_, page) => !PAGES.includes(page)),
  );
  assert.equal(source.home?.populated, false);
  assert.deepEqual(pageFills(bytes), FILLS);
  bytes.fill(0xee, 3 * pageSize, 4 * pageSize);
  assert.equal(readFilePage(source, 0)[0], 0xee);

  unmapSource(context, source, window);
  assert.equal(source.home?.populated, true);
  assert.deepEqual(presentPages(home, pageSize), Array(FILE_PAGES).fill(true));
  assert.deepEqual(pageFills(bytes), Array(8).fill(0));
  assert.deepEqual(pageFills(homeBytes), [0xee, ...Array.from({ length: FILE_PAGES - 1 }, (_, page) => page + 2)]);
});

test('mapSource gives the same bytes when the home mapping turns out to have no entries', (t) => {
  const { context, source, window, bytes } = benchWith(t, { home: reserveHome() });
  if (source.home !== undefined) source.home.populated = true;
  mapSource(context, source, window);
  assert.deepEqual(pageFills(bytes), FILLS);
  unmapSource(context, source, window);
});

for (let nth = 1; nth <= RUNS.length; nth += 1) {
  test(`mapSource maps the run itself when mremap ${nth} of ${RUNS.length} fails`, (t) => {
    const home = reserveHome();
    const { context, source, window, bytes } = benchWith(t, { home, raw: mremapLeavesHole(nth) });
    if (source.home !== undefined) source.home.populated = true;
    mapSource(context, source, window);
    assert.deepEqual(pageFills(bytes), FILLS);
    unmapSource(context, source, window);
    assert.deepEqual(pageFills(bytes), Array(8).fill(0));
  });

  test(`unmapSource leaves no hole in the home mapping when mremap ${nth} of ${RUNS.length} fails`, (t) => {
    const home = reserveHome();
    const { context, source, window, bytes } = benchWith(t, { home, raw: mremapLeavesHole(nth) });
    mapSource(context, source, window);
    assert.deepEqual(pageFills(bytes), FILLS);
    unmapSource(context, source, window);
    assert.deepEqual(pageFills(bytes), Array(8).fill(0));
    const homeBytes = new Uint8Array(home.shared, 0, home.length);
    assert.deepEqual(
      pageFills(homeBytes),
      Array.from({ length: FILE_PAGES }, (_, page) => page + 1),
    );
  });
}

for (const [how, raw] of [
  ['populated', kernelCalls],
  ['populated without MADV_POPULATE_READ', rawCallsWith({ madvise: () => -1 })],
] as const) {
  test(`unmapSource leaves the home mapping in one piece after a window was ${how}`, (t) => {
    const home = reserveHome();
    const { context, source, inode, window } = benchWith(t, { home, raw });
    for (let round = 0; round < 3; round += 1) {
      mapSource(context, source, window);
      populateSource(context, source, window);
      unmapSource(context, source, window);
    }
    const mappings = readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .filter((line) => line.includes(` ${inode} `));
    assert.equal(mappings.length, 1);
  });
}
