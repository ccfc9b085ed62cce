import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { SystemTextReader } from './system-text-reader.ts';

test('SystemTextReader reads files of any length whole, one after the other', (t) => {
  const texts = ['', 'short\n', 'ä'.repeat(40_000), 'x'.repeat(65_536), 'y'.repeat(300_000), 'short again\n'];
  const root = temporaryTree(t, Object.fromEntries(texts.map((text, index) => [String(index), text])));
  const reader = new SystemTextReader();
  for (const [index, text] of texts.entries()) assert.equal(reader.read(join(root, String(index))), text);
});

test("SystemTextReader reads the kernel's files of this machine", () => {
  const path = '/proc/sys/kernel/osrelease';
  assert.equal(new SystemTextReader().read(path), execFileSync('cat', [path], { encoding: 'utf8' }));
});

test("SystemTextReader throws the kernel's refusals", () => {
  assert.throws(() => new SystemTextReader().read('/proc/0/stat'), { name: 'DmaBufError', code: 'ENOENT' });
});
