import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { isMissing, readOptionalSystemFile, readSystemFile } from './system-file.ts';

test('readSystemFile and readOptionalSystemFile read a file whole', (t) => {
  const path = join(temporaryTree(t, { meminfo: 'MemTotal: 4 kB\n' }), 'meminfo');
  assert.equal(readSystemFile(path).toString(), 'MemTotal: 4 kB\n');
  assert.equal(readOptionalSystemFile(path), 'MemTotal: 4 kB\n');
});

test("readSystemFile throws a DmaBufError that names the file, with Node's error as its cause", (t) => {
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

test('readOptionalSystemFile throws any other refusal: the file is not missing', (t) => {
  const folder = join(temporaryTree(t, {}), 'folder');
  mkdirSync(folder);
  assert.throws(() => readOptionalSystemFile(folder), { name: 'DmaBufError', code: 'EISDIR', syscall: 'read' });
});

test('isMissing tells a file that does not exist for this process from other refusals', () => {
  const failed = (code: 'ENOENT' | 'EACCES' | 'EPERM' | 'EMFILE'): DmaBufError => new DmaBufError('no', { code });
  assert.deepEqual([isMissing(failed('ENOENT')), isMissing(failed('EPERM'))], [true, true]);
  assert.deepEqual([isMissing(failed('EMFILE')), isMissing(new Error('ENOENT'))], [false, false]);
});
