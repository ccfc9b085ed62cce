import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { presentPages } from '../../test/support/devices/page-tables.ts';
import { isDmaBufError } from '../base/errors.ts';
import { toByteLength } from '../base/quantities.ts';
import { addressOf } from '../linux/calls/kernel-calls.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { reserveWindowMemory } from './window-memory.ts';

const pageSize = new MemoryCalls().pageSize();
const FOUR_GIB = 4_294_967_296;
/** 2 MiB with pages of 4 KiB. */
const HUGE_PAGE_BYTES = (pageSize * pageSize) / 8;

test('reserveWindowMemory gives page-aligned memory of exactly the length, zero throughout', () => {
  for (const pageCount of [1, 2, 3, 255, 2048]) {
    const length = toByteLength(pageCount * pageSize);
    const memory = reserveWindowMemory(length, pageSize);
    const bytes = new Uint8Array(memory.shared, memory.byteOffset, length);
    assert.equal(memory.address % pageSize, 0);
    assert.equal(memory.address, addressOf(bytes));
    assert.equal(memory.length, length);
    assert.equal(memory.shared.byteLength, length);
    assert.equal(memory.byteOffset, 0);
    assert.ok(bytes.every((byte) => byte === 0));
  }
});

test('reserveWindowMemory commits nothing before it is touched', () => {
  const memory = reserveWindowMemory(toByteLength(8 * pageSize), pageSize);
  assert.deepEqual(presentPages(memory, pageSize), Array(8).fill(false));
  new Uint8Array(memory.shared, 3 * pageSize, 1)[0] = 1;
  assert.deepEqual(presentPages(memory, pageSize), [false, false, false, true, false, false, false, false]);
});

test('reserveWindowMemory gives each window pages of its own', () => {
  const length = toByteLength(3 * pageSize);
  const windows = Array.from({ length: 8 }, () => reserveWindowMemory(length, pageSize));
  const addresses = windows.map((memory) => memory.address).toSorted((a, b) => a - b);
  const gaps = addresses.slice(1).map((address, index) => address - (addresses[index] as number));
  assert.ok(gaps.every((gap) => gap >= length));
});

test('reserveWindowMemory gives 4 GiB that one typed array spans', () => {
  const memory = reserveWindowMemory(toByteLength(FOUR_GIB), pageSize);
  const bytes = new Uint8Array(memory.shared, memory.byteOffset, FOUR_GIB);
  bytes[FOUR_GIB - 1] = 7;
  assert.equal(bytes[FOUR_GIB - 1], 7);
  assert.equal(memory.byteOffset, 0);
});

test('reserveWindowMemory aligns a window above 4 GiB within memory that is a huge page longer', () => {
  const length = toByteLength(FOUR_GIB + pageSize);
  const memory = reserveWindowMemory(length, pageSize);
  assert.equal(memory.address % HUGE_PAGE_BYTES, 0);
  assert.equal(memory.length, length);
  assert.ok(memory.byteOffset < HUGE_PAGE_BYTES);
  assert.ok(memory.byteOffset + length <= memory.shared.byteLength);
  const last = new Uint8Array(memory.shared, memory.byteOffset + FOUR_GIB, pageSize);
  assert.equal(addressOf(last), memory.address + FOUR_GIB);
});

/** In a process of its own: the kernel puts the gaps between mappings elsewhere in each. */
function countAlignedWindows(): number {
  const program = `
    import { reserveWindowMemory } from ${JSON.stringify(new URL('window-memory.js', import.meta.url).href)};
    const lengths = [1, 1.5, 4, 5 + ${pageSize / HUGE_PAGE_BYTES}].map((pages) => pages * ${HUGE_PAGE_BYTES});
    const windows = Array.from({ length: 25 }, () =>
      lengths.map((length) => [length, reserveWindowMemory(length, ${pageSize})])).flat();
    for (const [length, { shared, byteOffset }] of windows)
      if (shared.byteLength !== length || byteOffset !== 0) throw new Error('it is longer for it');
    console.log(windows.filter(([, { address }]) => address % ${HUGE_PAGE_BYTES} === 0).length);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^\d+\n$/u, stderr);
  return Number(stdout);
}

test('reserveWindowMemory begins at a multiple of a huge page where one fits, and is no longer for it', () => {
  // Windows that come and go leave gaps, in which an aligned range may be missing. So most, not
  // all; and where a gap of one length is in the way all the time, another process has others.
  const counts: number[] = [];
  while (counts.length < 5 && !counts.some((count) => count >= 90)) counts.push(countAlignedWindows());
  assert.ok(Math.max(...counts) >= 90, `of 100 are aligned: ${counts.join(', ')}`);
});

test('reserveWindowMemory refuses with ENOMEM a length that no address space holds', () => {
  assert.throws(
    () => reserveWindowMemory(toByteLength(2 ** 50), pageSize),
    (error) => {
      assert.ok(isDmaBufError(error, 'ENOMEM'));
      assert.equal(error.syscall, 'mmap');
      assert.match(error.message, /^Cannot reserve \S+ TiB of address space: close views, or .*ulimit -v/u);
      assert.equal((error.cause as Error).name, 'RangeError');
      return true;
    },
  );
});
