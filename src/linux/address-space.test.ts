import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toByteLength } from '../base/quantities.ts';
import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { readAddressSpaceLimit, readAddressSpaceSize } from './address-space.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max locked memory         8388608              8388608              bytes
Max address space         LIMIT          unlimited            bytes
Max file locks            unlimited            unlimited            locks
`;

function rootWith(context: Parameters<typeof temporaryTree>[0], limit: string): string {
  return temporaryTree(context, {
    'proc/self/limits': LIMITS.replace('LIMIT', limit),
    'proc/self/statm': '300 20 10 5 0 40 0\n',
  });
}

test('readAddressSpaceLimit() reads the soft limit, and none where there is none', (context) => {
  assert.equal(readAddressSpaceLimit(rootWith(context, '12884901888')), 12_884_901_888);
  assert.equal(readAddressSpaceLimit(rootWith(context, 'unlimited')), undefined);
  assert.equal(readAddressSpaceLimit(temporaryTree(context, {})), undefined);
});

test('readAddressSpaceSize() counts pages of the size given', (context) => {
  assert.equal(readAddressSpaceSize(toByteLength(4096), rootWith(context, 'unlimited')), 1_228_800);
  assert.equal(readAddressSpaceSize(toByteLength(16_384), rootWith(context, 'unlimited')), 4_915_200);
});
