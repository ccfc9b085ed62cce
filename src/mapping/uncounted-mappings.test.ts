/** In a file of its own: without a count, the reservations of all budgets of a thread add up. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { MappingBudget } from './mapping-budget.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

test('MappingBudget gives the windows of a thread a quarter of the limit, less 4096, where mappings cannot be counted', (t) => {
  const root = temporaryTree(t, { 'proc/sys/vm/max_map_count': '40000\n' });
  const [first, second] = [new MappingBudget(otherMachine({ root })), new MappingBudget(otherMachine({ root }))];
  first.reserve(4000);
  // Two budgets of this thread, which do not know each other.
  assert.throws(() => second.reserve(1905), {
    code: 'ENOMEM',
    message: /^Cannot map 1905 runs as \/proc\/self\/maps cannot be read.*close views, raise .*, or mount \/proc/u,
  });
  second.reserve(1904);
  first.release(4000);
  second.reserve(3996);
  second.release(5900);
  assert.deepEqual([first.reserved, second.reserved], [0, 0]);
});

test('MappingBudget has the default limit where there is no /proc at all', (t) => {
  const budget = new MappingBudget(otherMachine({ root: temporaryTree(t, {}) }));
  budget.reserve(10_000);
  assert.throws(
    () => budget.reserve(10_000),
    (error: { values: { limit: number } }) => error.values.limit === 65_530,
  );
  budget.release(10_000);
});
