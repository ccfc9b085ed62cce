import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseCosts } from './parse-costs.ts';
import { PUBLISHED_COSTS } from './published-costs.ts';

const COST = { lowNs: 1, likelyNs: 2, highNs: 3, basis: 'b' };
const VMAP = [{ order: 0, ...COST }];

test('parseCosts() takes what was published, through JSON', () => {
  assert.deepEqual(parseCosts(JSON.parse(JSON.stringify(PUBLISHED_COSTS))), PUBLISHED_COSTS);
  assert.deepEqual(parseCosts({ source: 's', byEntry: COST, vmap: VMAP }), { source: 's', byEntry: COST, vmap: VMAP });
});

test('parseCosts() names the place of what is wrong, and what it must be', () => {
  for (const [value, message] of [
    [null, 'costs must be an object'],
    [[], 'costs must be an object'],
    [{ byPage: COST, vmap: VMAP }, 'costs.source must be a text'],
    [{ source: 's', byPage: COST }, 'costs must have vmap, and one of byPage and byEntry'],
    [{ source: 's', vmap: VMAP }, 'costs must have vmap, and one of byPage and byEntry'],
    [{ source: 's', more: 1 }, /^costs\.more is none of source, call, /u],
    [{ source: 's', call: 5 }, 'costs.call must be an object'],
    [{ source: 's', call: { ...COST, ns: 1 } }, 'costs.call.ns is none of lowNs, likelyNs, highNs, basis'],
    [{ source: 's', call: { ...COST, basis: '' } }, 'costs.call.basis must be a text'],
    [{ source: 's', call: { ...COST, lowNs: '1' } }, 'costs.call.lowNs must be ns, from 0 to 1000000000000'],
    [{ source: 's', call: { ...COST, lowNs: -1 } }, 'costs.call.lowNs must be ns, from 0 to 1000000000000'],
    [{ source: 's', call: { ...COST, highNs: 1 } }, 'costs.call must have lowNs up to likelyNs up to highNs'],
    [{ source: 's', vmap: [] }, 'costs.vmap must be a list with a cost'],
    [{ source: 's', vmap: [{ ...COST, order: 8 }] }, 'costs.vmap[0].order must ascend from 0, to at most 30'],
    [{ source: 's', vmap: [...VMAP, ...VMAP] }, 'costs.vmap[1].order must ascend from 0, to at most 30'],
  ] as const)
    assert.throws(() => parseCosts(value), { name: 'CostsFault', message });
});
