import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { PacedLoad } from '../workload.ts';
import type { Cost, MappingCosts } from './mapping-costs.ts';
import type { LoadDemand } from './mapping-demand.ts';
import { predictMappings } from './predict-mappings.ts';
import { PUBLISHED_COSTS } from './published-costs.ts';

const LOAD: PacedLoad = { consumer: 'mtk-aov', stepsPerSecond: 30 };
/** 2,025 pages: seven chunks of order 8, fourteen of order 4, nine pages. */
const DEMANDS: readonly LoadDemand[] = [
  {
    load: LOAD,
    start: { callCount: 2, mappingCount: 1, pages: [{ order: 0, pageCount: 1 }] },
    step: {
      callCount: 3,
      mappingCount: 2,
      pages: [
        { order: 8, pageCount: 1792 },
        { order: 4, pageCount: 224 },
        { order: 0, pageCount: 9 },
      ],
    },
  },
];

function cost(lowNs: number, likelyNs: number, highNs: number): Cost {
  return { lowNs, likelyNs, highNs, basis: 'made up' };
}

const COSTS: MappingCosts = {
  source: 'a table',
  call: cost(10, 20, 30),
  mapping: cost(100, 200, 400),
  pageArray: cost(0, 1, 2),
  byPage: cost(2, 3, 4),
  byEntry: cost(0, 0.5, 1),
  vmap: [
    { order: 0, ...cost(10, 20, 40) },
    { order: 5, ...cost(1, 2, 4) },
  ],
};

test('predictMappings() adds calls, mappings and pages, each at its cost, pages at that of their order', () => {
  const [byPage, byEntry, ...more] = predictMappings(DEMANDS, COSTS);
  assert.deepEqual(more, []);
  assert.deepEqual(byPage, {
    consumer: 'mtk-aov',
    conversion: 'page',
    mapping: 'page',
    // 2 x 10 + 100 + 0 + 2 + 10; 2 x 20 + 200 + 1 + 3 + 20; 2 x 30 + 400 + 2 + 4 + 40.
    startNs: { lowNs: 132, likelyNs: 264, highNs: 506 },
    // 30 + 200 + 2025 x 2 + 1792 + 2330; 60 + 400 + 2025 x 4 + 3584 + 4660;
    // 90 + 800 + 2025 x 6 + 7168 + 9320.
    stepNs: { lowNs: 8402, likelyNs: 16_804, highNs: 29_528 },
    secondNs: { lowNs: 252_060, likelyNs: 504_120, highNs: 885_840 },
    missing: [],
  });
  assert.deepEqual(byEntry?.conversion, 'entry');
  // 2,025 pages at 0, 0.5 and 1 instead of 2, 3 and 4.
  assert.deepEqual(byEntry.stepNs, { lowNs: 4352, likelyNs: 11_741.5, highNs: 23_453 });
});

test('predictMappings() of published figures has all four choices, and says what is not in it', () => {
  const predictions = predictMappings(DEMANDS, PUBLISHED_COSTS);
  assert.deepEqual(
    predictions.map(({ conversion, mapping, stepNs: { likelyNs } }) => [conversion, mapping, Math.round(likelyNs)]),
    [
      // 2025 x (2.75 + 48).
      ['page', 'page', 102_769],
      // 2025 x 2.75 + 1792 x 5.8 + 233 x 48.
      ['page', 'run', 27_146],
      ['entry', 'page', 98_091],
      ['entry', 'run', 22_469],
    ],
  );
  for (const { missing } of predictions)
    assert.deepEqual(missing, [
      'the call with its lock',
      'what each mapping costs beside its pages',
      'the array of pages',
    ]);
});

test('predictMappings() has no choice for which a cost is missing', () => {
  const { byEntry: _, ...byPageAlone } = COSTS;
  assert.deepEqual(
    predictMappings(DEMANDS, byPageAlone).map(({ conversion }) => conversion),
    ['page'],
  );
  assert.deepEqual(predictMappings(DEMANDS, { source: 'nothing known' }), []);
});
