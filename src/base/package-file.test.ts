import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { packageFile } from './package-file.ts';

function moduleIn(folder: string, path: string): string {
  return pathToFileURL(join(folder, path)).href;
}

test('packageFile() finds a file of the package from any depth, also beneath a package.json of another', (t) => {
  const folder = temporaryTree(t, {
    'dmabuf/package.json': '{ "name": "dmabuf" }',
    'dmabuf/dist/package.json': '{ "type": "module" }',
  });
  for (const path of ['index.js', 'dist/index.js', 'dist/src/linux/calls/index.js']) {
    assert.equal(packageFile('a/b.txt', moduleIn(folder, `dmabuf/${path}`)), join(folder, 'dmabuf/a/b.txt'));
  }
});

test('packageFile() finds nothing from a bundle: in another package, in none, for CommonJS, or served', (t) => {
  const folder = temporaryTree(t, { 'app/package.json': '{ "name": "app" }', 'odd/package.json': 'null' });
  const modules = [moduleIn(folder, 'app/bundle.js'), moduleIn(folder, 'odd/bundle.js'), moduleIn(folder, 'bundle.js')];
  for (const moduleUrl of [...modules, undefined, 'https://example.org/bundle.js']) {
    assert.equal(packageFile('a/b.txt', moduleUrl), undefined);
  }
});
