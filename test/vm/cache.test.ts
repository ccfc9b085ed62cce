import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { cached, cacheFolder, cacheKey } from '../../vm/cache.ts';
import { emptyCache } from '../support/fakes/empty-cache.ts';

test('cacheFolder() is the one that is named, else one of the user', () => {
  assert.equal(cacheFolder({ DMABUF_VM_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/b' }), '/b/dmabuf-vm');
  assert.match(cacheFolder({}), /\/\.cache\/dmabuf-vm$/u);
});

test('cacheKey() is another for another input, and the same for the same', () => {
  const inputs = { kernel: '6.12.1', files: [['bin/node', 1]] };
  assert.equal(cacheKey(inputs), cacheKey(structuredClone(inputs)));
  assert.notEqual(cacheKey(inputs), cacheKey({ ...inputs, kernel: '6.12.2' }));
  assert.notEqual(cacheKey(inputs), cacheKey({ ...inputs, files: [['bin/node', 2]] }));
});

test('cached() builds a folder once', (t) => {
  const cache = emptyCache(t);
  const build = (text: string) => (folder: string) => writeFileSync(join(folder, 'file'), text);
  assert.equal(cached('thing', build('first')), join(cache, 'thing'));
  cached('thing', build('second'));
  assert.equal(readFileSync(join(cache, 'thing', 'file'), 'utf8'), 'first');
});

test('cached() leaves nothing of a build that fails, and tries again', (t) => {
  const cache = emptyCache(t);
  const fail = (folder: string): void => {
    writeFileSync(join(folder, 'half'), '');
    throw new Error('No network');
  };
  assert.throws(() => cached('thing', fail), { message: 'No network' });
  assert.deepEqual(readdirSync(cache), []);
  cached('thing', () => {});
  assert.ok(existsSync(join(cache, 'thing')));
});

test('cached() takes the folder of another process that was faster', (t) => {
  const cache = emptyCache(t);
  cached('thing', (folder) => {
    writeFileSync(join(folder, 'file'), 'slower');
    cached('thing', (faster) => writeFileSync(join(faster, 'file'), 'faster'));
  });
  assert.deepEqual(readdirSync(cache), ['thing']);
});
