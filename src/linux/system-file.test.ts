import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/temporary-folder.ts';
import { isDmaBufError } from '../base/errors.ts';
import { readOptionalSystemFile, readSystemFile } from './system-file.ts';

test('readSystemFile and readOptionalSystemFile read a file whole', (t) => {
  const path = join(temporaryTree(t, { meminfo: 'MemTotal: 4 kB\n' }), 'meminfo');
  assert.equal(readSystemFile(path).toString(), 'MemTotal: 4 kB\n');
  assert.equal(readOptionalSystemFile(path), 'MemTotal: 4 kB\n');
});

test('readSystemFile throws a DmaBufError that names the file, and keeps what Node threw', (t) => {
  const path = join(temporaryTree(t, {}), 'meminfo');
  assert.throws(
    () => readSystemFile(path),
    (error) => {
      assert.ok(isDmaBufError(error, 'ENOENT'));
      assert.equal(error.errno, -2);
      assert.equal(error.syscall, 'open');
      assert.deepEqual(error.values, { path });
      assert.equal(error.message, `Cannot read ${path}: open failed with ENOENT`);
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOENT');
      return true;
    },
  );
});

test('readOptionalSystemFile gives undefined where there is no such file', (t) => {
  const folder = temporaryTree(t, { meminfo: '' });
  assert.equal(readOptionalSystemFile(join(folder, 'cgroup')), undefined);
  assert.equal(readOptionalSystemFile(join(folder, 'meminfo', 'cgroup')), undefined);
});

test('readOptionalSystemFile throws any other refusal: that is no missing file', (t) => {
  const folder = join(temporaryTree(t, {}), 'folder');
  mkdirSync(folder);
  assert.throws(() => readOptionalSystemFile(folder), { name: 'DmaBufError', code: 'EISDIR', syscall: 'read' });
});
