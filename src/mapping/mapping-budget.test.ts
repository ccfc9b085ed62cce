import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';

import { temporaryTree, writeFiles } from '../../test/support/runner/temporary-folder.ts';
import { MappingBudget } from './mapping-budget.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

/** The contents of `/proc/self/maps`, and the limit on mappings. 4096 of them stay free. */
interface Machine {
  readonly maps: number;
  readonly limit: number;
}

function procOf(machine: Machine): Record<string, string> {
  return {
    'proc/self/maps': '7f0000000000-7f0000001000 rw-s 00000000 00:01 7\n'.repeat(machine.maps),
    'proc/sys/vm/max_map_count': `${machine.limit}\n`,
  };
}

function budgetOn(t: TestContext, machine: Machine): { budget: MappingBudget; setMaps: (maps: number) => void } {
  const root = temporaryTree(t, procOf(machine));
  return {
    budget: new MappingBudget(otherMachine({ root })),
    setMaps: (maps) => writeFiles(root, procOf({ maps, limit: machine.limit })),
  };
}

test('MappingBudget reserves up to the limit less what is mapped and 4096 more, and refuses one above', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 10_000 });
  assert.throws(() => budget.reserve(5605), { name: 'DmaBufError', code: 'ENOMEM' });
  assert.equal(budget.reserved, 0);
  budget.reserve(5604);
  assert.equal(budget.reserved, 5604);
  setMaps(5904);
  assert.throws(() => budget.reserve(1), { code: 'ENOMEM' });
  assert.equal(budget.reserved, 5604);
});

test('MappingBudget says what is needed, used and allowed, and which sysctl raises it far enough', (t) => {
  const { budget } = budgetOn(t, { maps: 300, limit: 10_000 });
  assert.throws(() => budget.reserve(20_000), {
    code: 'ENOMEM',
    errno: -12,
    syscall: 'mmap',
    values: { need: 20_000, inUse: 300, limit: 10_000, keptFree: 4096 },
    message:
      'Cannot map 20000 runs as this process has 300 mappings of the 10000 that vm.max_map_count allows, and 4096 stay ' +
      'free for Node itself: close views, or raise the limit with "sysctl -w vm.max_map_count=32768"',
  });
});

test('MappingBudget refuses everything in a process that is already near the limit', (t) => {
  const { budget } = budgetOn(t, { maps: 61_435, limit: 65_530 });
  assert.throws(() => budget.reserve(1), { code: 'ENOMEM' });
});

test('MappingBudget.release makes the room available again', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 5000 });
  for (let round = 0; round < 20; round += 1) {
    budget.reserve(604);
    setMaps(904);
    assert.throws(() => budget.reserve(1), { code: 'ENOMEM' });
    budget.release(604);
    setMaps(300);
  }
  assert.equal(budget.reserved, 0);
});

test('MappingBudget recounts before it refuses: other code may have unmapped', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 800, limit: 5000 });
  budget.reserve(100);
  setMaps(300);
  budget.reserve(600);
  assert.equal(budget.reserved, 700);
});

// 20,780 is 300 mapped, 4096 kept free, and 16,384 more. 1024 may be added before the next count.

test('MappingBudget recounts after a sixteenth of the free mappings was added: other code may have mapped', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 20_780 });
  budget.reserve(1000);
  setMaps(16_280);
  budget.reserve(24);
  assert.throws(() => budget.reserve(405), {
    code: 'ENOMEM',
    values: { need: 405, inUse: 16_280, limit: 20_780, keptFree: 4096 },
  });
  budget.reserve(404);
});

test('MappingBudget recounts before it gives more than a sixteenth at once', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 20_780 });
  budget.reserve(1);
  setMaps(16_000);
  assert.throws(() => budget.reserve(1025), { code: 'ENOMEM' });
});

test('MappingBudget recounts as soon after a large release as without one', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 65_530 });
  budget.reserve(50_000);
  setMaps(50_300);
  budget.reserve(1);
  budget.release(50_000);
  // Meanwhile other code has taken everything that was released, and more.
  setMaps(61_000);
  budget.reserve(600);
  assert.throws(() => budget.reserve(600), { code: 'ENOMEM' });
});

test('MappingBudget subtracts released mappings, and gives the room without a recount', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 55_000 });
  budget.reserve(50_000);
  setMaps(50_300);
  budget.reserve(1);
  budget.release(50_000);
  setMaps(54_999);
  budget.reserve(30);
  assert.equal(budget.reserved, 31);
});

test('MappingBudget does not recount while the same mappings come and go', (t) => {
  const { budget, setMaps } = budgetOn(t, { maps: 300, limit: 10_000 });
  budget.reserve(1);
  setMaps(9999);
  for (let round = 0; round < 2000; round += 1) {
    budget.reserve(300);
    budget.release(300);
  }
  assert.equal(budget.reserved, 1);
});

test('MappingBudget asserts that releases do not exceed reservations', (t) => {
  const { budget } = budgetOn(t, { maps: 300, limit: 10_000 });
  budget.reserve(3);
  assert.throws(() => budget.release(4), { name: 'InvariantError' });
});

test('MappingBudget uses the real count and limit of this process', () => {
  const budget = new MappingBudget();
  budget.reserve(1);
  assert.throws(
    () => budget.reserve(2_147_483_647),
    (error: { values: { inUse: number } }) => {
      assert.ok(error.values.inUse > 50);
      return true;
    },
  );
});
