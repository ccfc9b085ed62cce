import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KERNEL_VMAP } from '../../../test/support/fakes/kernel-vmap-report.ts';
import { formatKernelReport } from './kernel-report.ts';

const PLAIN = { bold: (text: string): string => text, dim: (text: string): string => text, columns: 80 };

test('formatKernelReport has the costs in instructions where the clock counts them', () => {
  assert.deepEqual(formatKernelReport(KERNEL_VMAP, PLAIN), [
    'A buffer of 4 MiB, mapped in the kernel',
    '  kernel   Linux 6.12.1-test, by the module dmabuf_measure',
    '  heap     "system"',
    '  buffer   1,024 pages of 4 KiB, 79 entries',
    '  mix      with 512 MiB held so that free blocks are small',
    '  clock    counts instructions, not time: those of an emulated machine, whatever',
    '           it costs to emulate them',
    '  rounds   10, of which these are the medians',
    '',
    'What each step costs, in instructions   instr.  per page  gain',
    '  sg table → array of pages',
    '    page by page, as the heap does      30.0 k      29.3  1.0x',
    '    entry by entry, as the patch does   6.00 k      5.86  5.0x',
    '    in the mail of the patch, on another machine: 6.2x',
    '  the other steps of a mapping',
    '    the array allocated (vmalloc)       10.0 k      9.77',
    '    its pages mapped (vmap)             75.0 k      73.2',
    '    the array freed (vfree)             4.00 k      3.91',
    '  the whole, by the heap (dma_buf_vmap)',
    '    as it is                             120 k       117  1.0x',
    '    entry by entry, computed            96.0 k      93.8  1.3x',
    '    the conversion is 25 % of it',
    '  unmapped',
    '    the pages (vunmap)                  40.0 k      39.1',
    '    the whole (dma_buf_vunmap)          40.5 k      39.6',
    '',
    'Compared in every round, in the kernel',
    "  1,024 pages: the same by both walks and in the heap's own mapping, in order",
  ]);
});

test('formatKernelReport has the costs in time otherwise', () => {
  const lines = formatKernelReport({ ...KERNEL_VMAP, heldBytes: undefined, instructionNs: undefined }, PLAIN);
  assert.ok(lines.includes('What each step costs                       time  ns/page  gain'), lines.join('\n'));
  assert.ok(lines.includes('    page by page, as the heap does      60.0 µs     58.6  1.0x'));
  assert.ok(!lines.some((line) => /clock|mix/u.test(line)));
});

test('formatKernelReport keeps to a narrow terminal', () => {
  const lines = formatKernelReport(KERNEL_VMAP, { ...PLAIN, columns: 40 });
  assert.deepEqual(
    lines.filter((line) => line.length > 40),
    [],
  );
});
