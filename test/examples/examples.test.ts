import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const EXAMPLE_PATH = fileURLToPath(new URL('../../examples/quick-start.js', import.meta.url));

test('examples/quick-start.ts reads a file into a buffer and hashes it there', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE_PATH], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  const bytes = readFileSync(process.execPath).subarray(0, 8 * 2 ** 20);
  const hash = createHash('sha256').update(bytes).digest('hex');
  assert.equal(stdout, `${bytes.length} bytes, sha256 ${hash}\n`);
});

test('examples/quick-start.ts is what the README shows', () => {
  const root = new URL('../../../', import.meta.url);
  const source = readFileSync(new URL('examples/quick-start.ts', root), 'utf8');
  assert.ok(readFileSync(new URL('README.md', root), 'utf8').includes(`\`\`\`ts\n${source}\`\`\`\n`));
});

test('examples/worker-thread.ts has a worker write what the main thread reads', () => {
  const path = fileURLToPath(new URL('../../examples/worker-thread.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
  assert.deepEqual([status, stdout, stderr], [0, '0 1 4 9 16\n', '']);
});

test('examples/two-processes.ts has a child write what the parent reads', () => {
  const path = fileURLToPath(new URL('../../examples/two-processes.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.match(stdout, /^the child found 1 in a \w+ of 16777216 bytes, and left 2\n$/u);
  assert.equal(status, 0);
});
