import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { EXAMPLE_OUTPUT } from './example-output.ts';

const SOURCES = new URL('../../../examples/', import.meta.url);

for (const name of ['quick-start.ts', 'camera-to-screen.ts', 'pipeline-in-window.ts']) {
  test(`examples/${name} is what the README shows`, () => {
    const source = readFileSync(new URL(name, SOURCES), 'utf8');
    const readme = readFileSync(new URL('../README.md', SOURCES), 'utf8');
    assert.ok(readme.includes(`\`\`\`ts\n${source}\`\`\`\n`));
  });
}

/**
 * These need a camera, most a screen as well, or pipelines: test/devices/, test/gstreamer/ and
 * test/wayland/ run them. Or ffmpeg: through-ffmpeg.test.ts.
 */
const DEVICE_EXAMPLES = [
  'between-pipelines.ts',
  'camera-filter.ts',
  'camera-page.ts',
  'camera-to-screen.ts',
  'camera-two-processes.ts',
  'pipeline-in-window.ts',
  'through-ffmpeg.ts',
];

test('what each program of examples/ writes is known, and there is no other', () => {
  const names = [...Object.keys(EXAMPLE_OUTPUT), ...DEVICE_EXAMPLES];
  assert.deepEqual(names.toSorted(), readdirSync(SOURCES).toSorted());
});

for (const [name, outputOf] of Object.entries(EXAMPLE_OUTPUT)) {
  test(`examples/${name} writes what it is to write`, () => {
    const path = fileURLToPath(new URL(`../../examples/${name.replace('.ts', '.js')}`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.match(stdout, outputOf(process.execPath));
    assert.equal(status, 0);
  });
}
