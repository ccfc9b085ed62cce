/**
 * Makes the pictures of the lab's views in docs/: node tools/run.mjs lab-pictures. That of the
 * camera is of a guest's.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import { findOnPath } from '../../../vm/requirements.ts';
import { fetchPackages, folderOf, lackOf } from '../processes/fetched-packages.ts';
import { startLabInGuest } from '../processes/lab-in-guest.ts';
import { repositoryRoot } from '../runner/source-files.ts';
import type { BrowserPage } from './browser.ts';

const CLI = join(repositoryRoot, 'dist/src/cli/main.js');
const TRACE = join(repositoryRoot, 'test/fixtures/trace/function-graph.txt');
const VIEWS = ['heap', 'machine', 'convert', 'workloads', 'callers'];
/** Of the camera: frames a second, known after the first. */
const FIRST_FACT = `document.querySelector('.facts > div')?.textContent`;
const PATIENCE_MS = 60_000;
const SETTLE_MS = 3000;

const playwright = fetchPackages('playwright-core@1.65.0');
const lack = findOnPath('chromium') === undefined ? 'there is no chromium' : lackOf(playwright);
if (lack !== false) throw new Error(`Cannot make the pictures as ${lack}`);
const { chromium } = (await import(pathToFileURL(folderOf(playwright, 'playwright-core/index.mjs')).href)) as {
  chromium: {
    launch: (options: object) => Promise<{
      newPage: (options: object) => Promise<BrowserPage>;
      close: () => Promise<void>;
    }>;
  };
};

const lab = spawn(process.execPath, [CLI, 'lab', '--port', '0', '--control'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({
  executablePath: findOnPath('chromium'),
  args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
});
try {
  let printed = '';
  while (!printed.includes('#token=')) printed += String(((await once(lab.stdout, 'data')) as [Buffer])[0]);
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  await page.goto(/http\S+/u.exec(printed)?.[0] ?? '');
  for (const view of VIEWS) {
    await page.click(`nav a[href="/${view}"]`);
    if (view === 'callers') await page.setInputFiles('input[type=file]', TRACE);
    if (view === 'convert' || view === 'workloads') await page.click('button[type=submit]');
    if (view === 'convert') await jobDone(page);
    await sleep(SETTLE_MS);
    await page.screenshot({ path: join(repositoryRoot, `docs/lab-${view}.png`) });
  }
  const guest = await startLabInGuest();
  try {
    const camera = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    await camera.goto(guest.address.replace('/#', '/camera#'));
    while (!/\d/u.test(String(await camera.evaluate(FIRST_FACT)))) await sleep(SETTLE_MS);
    await camera.screenshot({ path: join(repositoryRoot, 'docs/lab-camera.png') });
  } finally {
    await guest.end();
  }
} finally {
  await browser.close();
  lab.kill('SIGINT');
}

async function jobDone(page: BrowserPage): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += SETTLE_MS) {
    if ((await page.evaluate(`document.querySelector('.save') !== null`)) === true) return;
    await sleep(SETTLE_MS);
  }
  throw new Error('The job does not end');
}
