import assert from 'node:assert/strict';
import { test } from 'node:test';

import { medianOrNull, ninetiethPercentile, takeTurns } from '../../bench/take-turns.ts';

test('takeTurns() runs each contestant for its rounds, turn by turn, and leaves the warm-up out of the times', async () => {
  const ran: string[] = [];
  const contestant = (name: string) => {
    let count = 0;
    return () => {
      ran.push(name);
      count += 1;
      return count;
    };
  };
  const turns = { turns: 2, roundsPerTurn: 2, warmupRounds: 1 };
  const [a, missing, b] = await takeTurns([contestant('a'), undefined, async () => contestant('b')()], turns);
  assert.equal(ran.join(''), 'aaabbbaaabbb');
  assert.deepEqual(a, [2, 3, 5, 6]);
  assert.deepEqual(missing, []);
  assert.deepEqual(b, [1, 1, 1, 1]);
});

test('takeTurns() throws what a contestant throws', async () => {
  const failing = async (): Promise<number> => {
    throw new Error('it ended');
  };
  await assert.rejects(takeTurns([failing], { turns: 1, roundsPerTurn: 1, warmupRounds: 0 }), { message: 'it ended' });
});

test('ninetiethPercentile() is the least time that nine of ten are not above', () => {
  assert.equal(ninetiethPercentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), 9);
  assert.equal(ninetiethPercentile([1, 2, 3, 100]), 100);
  assert.equal(ninetiethPercentile([7]), 7);
  assert.throws(() => ninetiethPercentile([]), { name: 'InvariantError' });
});

test('medianOrNull() is null where nothing was measured', () => {
  assert.equal(medianOrNull([]), null);
  assert.equal(medianOrNull([3, 1, 2]), 2);
});
