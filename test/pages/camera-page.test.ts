/** The example that serves a camera as a page, in a browser. The camera draws a pattern. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { browserOfFile } from '../support/pages/browser-of-file.ts';
import { missingBrowser } from '../support/pages/browser.ts';
import { freePort } from '../support/processes/free-port.ts';
import { BAR_COLORS } from '../support/pages/pattern-camera.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/camera-page.js', import.meta.url));
const CAMERA = fileURLToPath(new URL('../support/pages/pattern-camera.js', import.meta.url));
const browser = browserOfFile();

/** The example beside a package that is this one, but for its cameras. */
function exampleWithPatternCamera(t: TestContext): string {
  const folder = temporaryFolder(t);
  const parts = join(folder, 'node_modules/dmabuf');
  mkdirSync(parts, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { exports: object };
  const exports = { ...manifest.exports, './v4l2': './pattern-camera.js' };
  writeFileSync(join(parts, 'package.json'), JSON.stringify({ ...manifest, exports }));
  symlinkSync(join(repositoryRoot, 'dist'), join(parts, 'dist'));
  symlinkSync(CAMERA, join(parts, 'pattern-camera.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'camera-page.js'), readFileSync(EXAMPLE));
  return join(folder, 'camera-page.js');
}

/** Red, green and blue in the middle of each bar, as the page has them now. */
const SHOWN_COLORS = `(() => {
  const image = document.querySelector('img');
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const bars = [0, 1, 2, 3].map((bar) => (bar + 0.5) * canvas.width / 4);
  return [canvas.width, canvas.height, ...bars.map((x) => [...context.getImageData(x, canvas.height / 2, 1, 1).data].slice(0, 3))];
})()`;

/** The pattern from each of its pictures. */
const PICTURES = BAR_COLORS.map((_, shift) => [320, 180, BAR_COLORS.slice(shift), BAR_COLORS.slice(0, shift)].flat(1));

test('a browser draws the moving picture that examples/camera-page serves', { skip: missingBrowser() }, async (t) => {
  const port = await freePort();
  const example = exampleWithPatternCamera(t);
  const server = spawn(process.execPath, [example, '/dev/video0', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => server.kill('SIGKILL'));
  const errors = text(server.stderr);
  const ended = once(server, 'close');
  await Promise.race([once(server.stdout, 'data'), ended.then(async () => assert.fail(await errors))]);

  const { page, messages } = await browser.open();
  await page.goto(`http://127.0.0.1:${port}/`);
  // Each of the four comes every 0.8 seconds.
  for (const picture of PICTURES)
    await page.waitForFunction(`JSON.stringify(${SHOWN_COLORS}) === '${JSON.stringify(picture)}'`);
  assert.deepEqual(messages, []);
  server.kill('SIGINT');
  assert.deepEqual([...((await ended) as unknown[]), await errors], [0, null, '']);
});
