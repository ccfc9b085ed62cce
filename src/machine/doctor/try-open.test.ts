import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asNobody, cannotBeNobody } from '../../../test/support/other-user.ts';
import { temporaryTree } from '../../../test/support/temporary-folder.ts';
import { tryOpen } from './try-open.ts';

test('tryOpen() opens what may be read and written, and leaves nothing open', () => {
  const before = readdirSync('/proc/self/fd').length;
  assert.equal(tryOpen('/dev/null'), undefined);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('tryOpen() gives the name of the refusal', (t) => {
  const root = temporaryTree(t, { file: '' });
  assert.equal(tryOpen(join(root, 'missing')), 'ENOENT');
  assert.equal(tryOpen(root), 'EISDIR');
  assert.equal(tryOpen(join(root, 'file', 'below')), 'ENOTDIR');
});

test('tryOpen() is refused what may only be read', { skip: cannotBeNobody() }, (t) => {
  const root = temporaryTree(t, { file: '' });
  chmodSync(root, 0o755);
  chmodSync(join(root, 'file'), 0o444);
  assert.equal(
    asNobody(() => tryOpen(join(root, 'file'))),
    'EACCES',
  );
});
