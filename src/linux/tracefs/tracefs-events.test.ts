import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { parseAllocatedPages, parseMappedPages, parseMarkingThread } from './tracefs-events.ts';

/** Recorded on 6.12: mapping a buffer of the system heap, then touching a udmabuf. */
const MAPPED = `\
            node-171     [000] .....    29.048980: remap_pfn_range: (remap_pfn_range+0x4/0xb0) addr=0x7f5851e00000 pfn=0x109d00 size=0x1000
            node-171     [000] .....    29.049743: remap_pfn_range: (remap_pfn_range+0x4/0xb0) addr=0x7f5851e01000 pfn=0x109d01 size=0x1000
CPU:1 [LOST 17 EVENTS]
            node-171     [001] .....    31.529125: vmf_insert_pfn: (vmf_insert_pfn+0x4/0x20) addr=0x7f5850e00000 pfn=0x100e33
            node-171     [001] .N...    31.529155: vmf_insert_pfn_prot: (vmf_insert_pfn_prot+0x4/0xd0) addr=0x7f5850e00000 pfn=0x100e33
`;

/**
 * Recorded on 6.12: the allocation of 1 MiB + 68 KiB, during which the thread had a page fault. The
 * failed allocation was added by hand.
 */
const ALLOCATED = `\
            node-171     [000] .....    32.190845: mm_page_alloc: page=00000000f42ab0a8 pfn=0x10abf2 order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO
            node-171     [000] .....    32.219424: mm_page_alloc: page=000000000928b9ed pfn=0x10cc00 order=8 migratetype=0 gfp_flags=__GFP_HIGHMEM|__GFP_IO|__GFP_FS|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_ZERO|__GFP_HARDWALL
            node-171     [000] .N...    32.646646: mm_page_alloc: page=0000000000000000 pfn=0x0 order=8 migratetype=0 gfp_flags=__GFP_HIGHMEM|__GFP_IO|__GFP_FS|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_ZERO|__GFP_HARDWALL
            node-171     [000] .N...    32.646840: mm_page_alloc: page=000000008d574305 pfn=0x10c7d0 order=4 migratetype=0 gfp_flags=__GFP_HIGHMEM|__GFP_IO|__GFP_FS|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_ZERO|__GFP_HARDWALL
            node-171     [000] .....    32.647095: mm_page_alloc: page=00000000eab32885 pfn=0x100f98 order=0 migratetype=0 gfp_flags=GFP_HIGHUSER|__GFP_ZERO
`;

test('parseMappedPages() reads the records of probes, around lost events', () => {
  assert.deepEqual(
    [...parseMappedPages(MAPPED)],
    [
      { event: 'remap_pfn_range', address: 0x7f58_51e0_0000, pfn: 0x10_9d00, length: 4096 },
      { event: 'remap_pfn_range', address: 0x7f58_51e0_1000, pfn: 0x10_9d01, length: 4096 },
      { event: 'vmf_insert_pfn', address: 0x7f58_50e0_0000, pfn: 0x10_0e33, length: undefined },
      { event: 'vmf_insert_pfn_prot', address: 0x7f58_50e0_0000, pfn: 0x10_0e33, length: undefined },
    ],
  );
});

test('parseMappedPages() finds the event behind any command name, and none in any other text', () => {
  const event = ': remap_pfn_range: (remap_pfn_range+0x4/0xb0) addr=0x1000 pfn=0x2 size=0x3000';
  const command = fc.string({ maxLength: 15, unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(command, (name) => {
      const line = `${name.padStart(16)}-7     [000] .....     1.000000${event}\n`;
      assert.deepEqual(
        [...parseMappedPages(line)],
        [{ event: 'remap_pfn_range', address: 4096, pfn: 2, length: 12_288 }],
      );
      assert.deepEqual([...parseMappedPages(line.replace('pfn=', 'pf='))], []);
    }),
  );
});

test('parseAllocatedPages() reads the chunks of allocations that succeeded', () => {
  const chunks = parseAllocatedPages(ALLOCATED);
  assert.deepEqual(
    chunks.map(({ pfn, order }) => [pfn, order]),
    [
      [0x10_abf2, 0],
      [0x10_cc00, 8],
      [0x10_c7d0, 4],
      [0x10_0f98, 0],
    ],
  );
  assert.deepEqual(chunks[0]?.flags, ['GFP_HIGHUSER_MOVABLE', '__GFP_COMP', '__GFP_ZERO']);
  assert.deepEqual(chunks[3]?.flags, ['GFP_HIGHUSER', '__GFP_ZERO']);
});

test('parseAllocatedPages() reads the decimal pfns of kernels before 5.15', () => {
  const line =
    '  node-9  [001] ....  7.1: mm_page_alloc: page=00000000eab32885 pfn=1052568 order=0 migratetype=0 gfp_flags=GFP_HIGHUSER|__GFP_ZERO\n';
  assert.deepEqual(
    parseAllocatedPages(line).map(({ pfn }) => pfn),
    [1_052_568],
  );
});

test('parseMarkingThread() finds the thread that wrote the mark', () => {
  const text =
    '            node-88      [000] .....    32.172001: tracing_mark_write: who else\n' +
    '        no-de 1-171     [000] .....    32.172904: tracing_mark_write: who\n';
  assert.equal(parseMarkingThread(text, 'who'), 171);
  assert.equal(parseMarkingThread(text, 'nobody'), undefined);
  // With the option record-tgid.
  assert.equal(parseMarkingThread('  node-172     (    171) [003] .....  3.1: tracing_mark_write: who\n', 'who'), 172);
  assert.equal(parseMarkingThread('  node-172     (-------) [003] .....  3.1: tracing_mark_write: who\n', 'who'), 172);
});
