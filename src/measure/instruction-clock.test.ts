import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readInstructionNs } from './instruction-clock.ts';

test("readInstructionNs() is the variable's value, and undefined for an invalid one", () => {
  assert.equal(readInstructionNs({ DMABUF_INSTRUCTION_NS: '2' }), 2);
  assert.equal(readInstructionNs({ DMABUF_INSTRUCTION_NS: '0.5' }), 0.5);
  for (const text of ['', '0', '-1', 'shift=1', 'Infinity'])
    assert.equal(readInstructionNs({ DMABUF_INSTRUCTION_NS: text }), undefined, text);
  assert.equal(readInstructionNs({}), undefined);
});
