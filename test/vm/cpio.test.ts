import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { archivePieces } from '../../vm/cpio.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const hasCpio = spawnSync('cpio', ['--version']).status === 0;

test(
  'archivePieces() are an archive that cpio unpacks',
  { skip: hasCpio ? false : 'there is no cpio to compare with' },
  (t) => {
    const folder = temporaryFolder(t);
    const pieces = archivePieces([
      { path: 'init', kind: 'program', content: '#!/bin/sh\n' },
      { path: 'a/b/odd', kind: 'file', content: Uint8Array.of(1, 2, 3) },
      { path: 'a/empty', kind: 'file', content: '' },
      { path: 'a/link', kind: 'link', content: '../init' },
    ]);
    const input = Buffer.concat(pieces);
    assert.equal(input.length % 4, 0);
    const unpacked = spawnSync('cpio', ['-id', '--quiet'], { cwd: folder, input, encoding: 'utf8' });
    assert.deepEqual([unpacked.status, unpacked.stderr], [0, '']);
    assert.equal(readFileSync(join(folder, 'init'), 'utf8'), '#!/bin/sh\n');
    assert.equal(lstatSync(join(folder, 'init')).mode, 0o100755);
    assert.deepEqual([...readFileSync(join(folder, 'a/b/odd'))], [1, 2, 3]);
    assert.equal(lstatSync(join(folder, 'a/empty')).size, 0);
    assert.equal(readlinkSync(join(folder, 'a/link')), '../init');
    assert.equal(lstatSync(join(folder, 'a/b')).mode, 0o040755);
  },
);
