import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatRemedy } from './remedy.ts';

test('formatRemedy() joins commands so that they can be copied as one, and appends the note', () => {
  assert.equal(formatRemedy({ commands: ['a', 'b "c"'], note: 'log in again' }), 'run: a && b "c"; log in again');
  assert.equal(formatRemedy({ commands: ['modprobe udmabuf'] }), 'run: modprobe udmabuf');
  assert.equal(formatRemedy({ commands: [], note: 'log in again' }), 'log in again');
});
