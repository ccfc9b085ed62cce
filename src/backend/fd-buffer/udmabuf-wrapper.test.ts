import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';

import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { toByteLength } from '../../base/quantities.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import { thisMachine } from '../../linux/machine.ts';
import { createBufferCalls } from '../buffer-calls.ts';
import { chooseHugePages } from '../choose-huge-pages.ts';
import { UdmabufWrapper } from './udmabuf-wrapper.ts';

const LENGTH = toByteLength(65_536);
const MEMORY = { length: LENGTH, hugePages: chooseHugePages(thisMachine, false, toByteLength(4096)) };

/** A wrapper whose device opens with the results in `opens`, in order, and the number of opens. */
function wrapperOf(opens: number[]): { wrapper: UdmabufWrapper; openCount: () => number } {
  let openCount = 0;
  const open = (): number => {
    openCount += 1;
    return opens.shift() ?? -constants.errno.EIO;
  };
  return { wrapper: new UdmabufWrapper(createBufferCalls(rawCallsWith({ open }))), openCount: () => openCount };
}

test('a missing device is not opened again at once', () => {
  const { wrapper, openCount } = wrapperOf([-constants.errno.ENOENT]);
  using memfd = new MemoryCalls().createSealedMemfd('test', LENGTH);
  for (let index = 0; index < 3; index += 1) assert.equal(wrapper.wrapIfPossible(memfd.borrow(), MEMORY), undefined);
  assert.equal(openCount(), 1);
});

test('a missing device is opened again after a second', (t) => {
  const { wrapper, openCount } = wrapperOf([-constants.errno.EACCES, -constants.errno.ENOENT]);
  using memfd = new MemoryCalls().createSealedMemfd('test', LENGTH);
  let nowMs = 5000;
  t.mock.method(performance, 'now', () => nowMs);
  for (const laterMs of [0, 999, 1, 0]) {
    nowMs += laterMs;
    assert.equal(wrapper.wrapIfPossible(memfd.borrow(), MEMORY), undefined);
  }
  assert.equal(openCount(), 2);
});

test('a refusal for lack of descriptors is an error, and is not remembered', () => {
  const { wrapper, openCount } = wrapperOf([-constants.errno.EMFILE, -constants.errno.EMFILE]);
  using memfd = new MemoryCalls().createSealedMemfd('test', LENGTH);
  for (let index = 0; index < 2; index += 1)
    assert.throws(() => wrapper.wrapIfPossible(memfd.borrow(), MEMORY), { code: 'EMFILE' });
  assert.equal(openCount(), 2);
});
