import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MappingEvent, MappingMark } from '../../trace/mapping-event.ts';
import { costsOfMappings } from './costs-of-mappings.ts';

interface Times {
  readonly pages: number;
  readonly callNs: number;
  readonly arrayNs: number;
  readonly conversionNs: number;
  readonly vmapNs: number;
  readonly marks?: readonly MappingMark[];
}

/** A mapping of the system heap, as a recording has it. */
function mapping({ pages, callNs, arrayNs, conversionNs, vmapNs, marks }: Times): MappingEvent {
  const exporterNs = arrayNs + conversionNs + vmapNs;
  return {
    kind: 'mapping',
    form: 'event',
    line: 1,
    path: ['dma_buf_vmap', 'driver'],
    sizeBytes: pages * 4096,
    durationNs: exporterNs + callNs,
    parts: [
      { name: 'system_heap_vmap', depth: 1, ns: exporterNs },
      { name: 'vmalloc_noprof', depth: 2, ns: arrayNs - 1 },
      { name: 'vmap', depth: 2, ns: vmapNs },
      { name: 'vfree', depth: 2, ns: 1 },
    ],
    ...(marks === undefined ? {} : { marks }),
  };
}

/** 100, 200 and 400 ns; and for each page 1, 3 and 50. */
const SMALL = { pages: 16, callNs: 7, arrayNs: 116, conversionNs: 248, vmapNs: 1200 };
const LARGE = { pages: 1000, callNs: 7, arrayNs: 1100, conversionNs: 3200, vmapNs: 50_400 };

const exactly = (ns: number): object => ({ lowNs: ns, likelyNs: ns, highNs: ns });

test('costsOfMappings() takes what is beside pages from the smallest, and what a page costs from the others', () => {
  const costs = costsOfMappings({ page: [mapping(SMALL), mapping(LARGE)] }, 'a table');
  const basis = 'a table: 2, of 16 to 1000 pages';
  assert.deepEqual(
    { ...costs, byEntry: undefined },
    {
      source: 'a table',
      call: { ...exactly(7), basis },
      mapping: { ...exactly(700), basis },
      pageArray: { ...exactly(1), basis },
      byPage: { ...exactly(3), basis },
      byEntry: undefined,
      vmap: [{ order: 0, ...exactly(50), basis }],
    },
  );
  // 3 ns / 6.2, / 6.05 and / 5.9.
  const { lowNs = 0, likelyNs = 0, highNs = 0, basis: derived } = costs?.byEntry ?? {};
  assert.deepEqual(
    [lowNs, likelyNs, highNs].map((ns) => ns.toFixed(4)),
    ['0.4839', '0.4959', '0.5085'],
  );
  assert.match(derived ?? '', /^conversion by page, divided by 5\.9 .* to 6\.2 /u);
});

test('costsOfMappings() gives the spread of what it saw, and what most pages had', () => {
  const slow = { ...LARGE, vmapNs: 99_600 };
  const tiny = { ...LARGE, pages: 20, vmapNs: 5200 };
  const costs = costsOfMappings({ page: [SMALL, tiny, LARGE, LARGE, slow].map(mapping) }, 'a table');
  const { lowNs, likelyNs, highNs } = costs?.vmap?.[0] ?? assert.fail();
  // Of 50, 50, 100 and 1,000 ns a page, from the 20th part to the 19th of 20, and what most had.
  assert.deepEqual([lowNs, likelyNs, Math.round(highNs)], [50, 50, 865]);
});

test('costsOfMappings() takes conversion by entry from mappings that convert so', () => {
  // 200 ns, and half a ns for each page beyond 16.
  const byEntry = [SMALL, { ...LARGE, conversionNs: 740 }].map(mapping);
  const costs = costsOfMappings({ page: [SMALL, LARGE].map(mapping), entry: byEntry }, 'a table');
  assert.deepEqual([costs?.byPage?.likelyNs, costs?.byEntry?.likelyNs], [3, 0.5]);
});

test('costsOfMappings() takes mapping by runs from mappings that are made so', () => {
  const byRun = [SMALL, { ...LARGE, vmapNs: 6120 }].map(mapping);
  const costs = costsOfMappings({ page: [SMALL, LARGE].map(mapping), run: byRun }, 'a table');
  assert.deepEqual([costs?.vmap?.[0]?.likelyNs, costs?.vmapBatched?.[0]?.likelyNs], [50, 5]);
});

test('costsOfMappings() of one size has no cost beside pages', () => {
  const costs = costsOfMappings({ page: [mapping(LARGE)] }, 'a table');
  assert.deepEqual([costs?.mapping?.highNs, costs?.vmap?.[0]?.likelyNs], [0, 50.4]);
});

test('costsOfMappings() leaves out what was disturbed, and what has no parts or no size', () => {
  const { parts: _parts, ...whole } = mapping(LARGE);
  const { sizeBytes: _size, ...unsized } = mapping(LARGE);
  const disturbed = mapping({ ...LARGE, vmapNs: 9e9, marks: ['preempted'] });
  assert.equal(costsOfMappings({ page: [whole, unsized, disturbed] }, 'a table'), undefined);
  assert.equal(costsOfMappings({}, 'a table'), undefined);
});
