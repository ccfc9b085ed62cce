import assert from 'node:assert/strict';
import { test } from 'node:test';

import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { readFreeBlockCounts } from './free-blocks.ts';

test('readFreeBlockCounts() adds up the zones of all nodes', (t) => {
  const text = [
    'Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      2 ',
    'Node 0, zone   Normal    216     55    189    101     84     38     37     27      5      3    587 ',
    'Node 1, zone  Movable      1      0      0      0      0      0      0      0      0      0      3 ',
    '',
  ].join('\n');
  const machine = otherMachine({ root: temporaryTree(t, { 'proc/buddyinfo': text }) });
  assert.deepEqual(readFreeBlockCounts(machine), [217, 55, 189, 101, 84, 38, 37, 27, 6, 4, 592]);
});

test('readFreeBlockCounts() refuses where there is no such file', (t) => {
  const machine = otherMachine({ root: temporaryTree(t, {}) });
  assert.throws(() => readFreeBlockCounts(machine), /buddyinfo: open failed with ENOENT/u);
});
