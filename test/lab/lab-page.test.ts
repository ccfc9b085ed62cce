/** The page of the lab in a browser: what it shows is what the lab's machine and heap have. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { pageTo } from '../../src/cli/lab/open-in-browser.ts';
import { MiB, discardHandle } from '../../src/index.ts';
import { browserOfFile } from '../support/pages/browser-of-file.ts';
import { missingBrowser } from '../support/pages/browser.ts';
import type { BrowserPage } from '../support/pages/browser.ts';
import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { labForTest, partsOf } from './lab-for-test.ts';

const CLI = join(repositoryRoot, 'dist/src/cli/main.js');
const MAIL = join(repositoryRoot, 'test/fixtures/trace/mail-call-traces.txt');
const VIEWS = ['heap', 'machine', 'convert', 'workloads', 'callers'];
const PAUSE_MS = 50;
const skip = missingBrowser();
const browser = browserOfFile();
const axe = fetchPackages('axe-core@4.14.1');

/** Until the expression is true in the page, whose policy forbids `eval`. */
async function untilTrue(page: BrowserPage, expression: string): Promise<void> {
  while ((await page.evaluate(`Boolean(${expression})`)) !== true) await sleep(PAUSE_MS);
}

/** The values of a table's cells, row by row. */
async function tableOf(page: BrowserPage, name: string): Promise<string[][]> {
  const script = `[...document.querySelectorAll('[data-table="${name}"] tbody tr')].map((row) => [...row.cells].map((cell) => cell.dataset.value ?? cell.textContent))`;
  return (await page.evaluate(script)) as string[][];
}

async function factsOf(page: BrowserPage): Promise<Record<string, string>> {
  const script = `Object.fromEntries([...document.querySelectorAll('main > .facts > div')].map((fact) => [...fact.children].map((part) => part.textContent)))`;
  return (await page.evaluate(script)) as Record<string, string>;
}

function commandJson(...args: string[]): unknown {
  const { stdout, status, stderr } = spawnSync(process.execPath, [CLI, ...args, '--json'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('the heap is drawn page by page, and its figures and buffers are those of the heap', { skip }, async (t) => {
  const heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const lab = await labForTest(t, { heap });
  const buffers = [heap.allocate(8 * MiB, { name: 'one' }), heap.allocate(3 * MiB, { name: '<img src=x>' })];
  t.after(() => buffers.forEach((buffer) => buffer.close()));
  using view = buffers[0]?.vmap();
  assert.equal(view?.length, 8 * MiB);
  const { page, messages } = await browser.open();
  await page.goto(lab.newAddress());
  await untilTrue(page, `document.querySelectorAll('[data-table="buffers"] tbody tr').length === 2`);
  assert.deepEqual(await tableOf(page, 'buffers'), [
    ['buffer "one"', '8388608', '8', '1', '1', 'open'],
    ['buffer "<img src=x>"', '3145728', '3', '1', '0', 'open'],
  ]);
  const { Used: used, Buffers: bufferCount, Pages: pageCount } = await factsOf(page);
  assert.deepEqual([used, bufferCount], ['11 MiB', '2']);
  assert.equal(pageCount?.replaceAll(',', ''), String(heap.arena.pageCount));
  // Pixels by colour: two buffers of 2048 and 768 pages, and the rest.
  const colors = `(() => {
    const drawn = document.querySelector('canvas');
    const canvas = new OffscreenCanvas(drawn.width, drawn.height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(drawn, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return [...counts.values()].sort((one, other) => one - other).slice(0, 2);
  })()`;
  assert.deepEqual(await page.evaluate(colors), [768, 2048]);
  // The first page of the heap is the first buffer's: who holds it is told as it changes.
  await page.hover('canvas', { position: { x: 1, y: 1 } });
  await untilTrue(page, `document.querySelector('.pointed h2')?.textContent === 'buffer "one"'`);
  const holdersAre = async (...counts: readonly string[]): Promise<void> =>
    await untilTrue(
      page,
      `[...document.querySelectorAll('.pointed dd')].slice(4, 7).map((fact) => fact.textContent).join(' ') === '${counts.join(' ')}'`,
    );
  await holdersAre('1', '0', '0');
  const attachment = buffers[0]?.attach({ name: 'a test' });
  const handle = buffers[0]?.toHandle();
  await holdersAre('1', '1', '1');
  attachment?.detach();
  assert.ok(handle !== undefined && discardHandle(handle));
  await holdersAre('1', '0', '0');
  // So does a row that the keyboard goes to, and leaves.
  const shownFor = async (name: string): Promise<void> =>
    await untilTrue(page, `document.querySelector('.pointed h2')?.textContent === 'buffer "${name}"'`);
  await page.hover('h1');
  await untilTrue(page, `document.querySelector('.pointed h2') === null`);
  await page.focus('[data-table="buffers"] tbody tr');
  await shownFor('one');
  await page.keyboard.press('ArrowDown');
  await shownFor('<img src=x>');
  await page.keyboard.press('Home');
  await shownFor('one');
  await page.keyboard.press('Tab');
  await untilTrue(page, `document.querySelector('.pointed h2') === null`);
  // A change is drawn without asking.
  buffers[1]?.close();
  await untilTrue(page, `document.querySelectorAll('[data-table="buffers"] tbody tr').length === 1`);
  await untilTrue(page, `${colors}[0] === 2048`);
  assert.deepEqual(messages, []);
});

test('each view is an address that can be reloaded, by keyboard as well, and asks nobody else', { skip }, async (t) => {
  const lab = await labForTest(t);
  const address = lab.newAddress();
  const { page, messages, requests } = await browser.open();
  await page.goto(address);
  await untilTrue(page, `document.title === 'Heap · dmabuf lab'`);
  assert.equal(await page.evaluate('location.hash'), '');
  for (const name of VIEWS) {
    await page.focus(`nav a[href="/${name}"]`);
    await page.keyboard.press('Enter');
    await untilTrue(page, `document.querySelector('main').dataset.view === '${name}'`);
    await page.reload();
    await untilTrue(page, `document.querySelector('main')?.dataset.view === '${name}'`);
    assert.equal(await page.evaluate('location.pathname'), `/${name}`);
  }
  assert.deepEqual(messages, []);
  const { origin } = partsOf(address);
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:')),
    [],
  );
});

test('what the doctor finds on the page is what "dmabuf doctor" finds', { skip }, async (t) => {
  const lab = await labForTest(t);
  const { page, messages } = await browser.open();
  await page.goto(lab.newAddress().replace('/#', '/machine#'));
  await untilTrue(page, `document.querySelector('.findings') !== null`);
  const shown = await page.evaluate(
    `[...document.querySelectorAll('.finding')].map((finding) => finding.dataset.finding)`,
  );
  const { findings } = commandJson('doctor') as { findings: { id: string; status: string }[] };
  assert.deepEqual(
    shown,
    findings.filter(({ status }) => status !== 'ok').map(({ id }) => id),
  );
  const { totals } = commandJson('ls') as { totals: { bufferCount: number } };
  await untilTrue(page, `document.querySelector('main > .facts') !== null`);
  assert.equal((await factsOf(page))['Buffers'], String(totals.bufferCount));
  assert.deepEqual(messages, []);
});

test('a log that is chosen shows the callers that "dmabuf callers" tells, and its report', { skip }, async (t) => {
  const lab = await labForTest(t);
  const { page, messages } = await browser.open();
  await page.goto(lab.newAddress().replace('/#', '/callers#'));
  await untilTrue(page, `document.querySelector('input[type=file]') !== null`);
  await page.setInputFiles('input[type=file]', MAIL);
  await untilTrue(page, `document.querySelectorAll('[data-table="callers"] tbody tr').length === 3`);
  const { callers } = commandJson('callers', MAIL) as {
    callers: { consumer: { name: string }; callCount: number; path: string[] }[];
  };
  assert.deepEqual(
    (await tableOf(page, 'callers')).map(([name, , calls, , , , path]) => [name, calls, path]),
    callers.map(({ consumer, callCount, path }) => [consumer.name, String(callCount), path.join(' ← ')]),
  );
  const report = await page.getAttribute('iframe', 'src');
  assert.match(report ?? '', /^\/report\/[\w-]{43}$/u);
  assert.deepEqual(messages, []);
});

test('the main job runs from the page of a lab with control', { skip }, async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { page, messages } = await browser.open();
  await page.goto(lab.newAddress().replace('/#', '/convert#'));
  await untilTrue(page, `document.querySelector('button[type=submit]') !== null`);
  await page.evaluate(`(() => {
    const size = document.querySelector('[name=size]');
    size.value = '16';
    size.dispatchEvent(new Event('change', { bubbles: true }));
  })()`);
  await page.click('button[type=submit]');
  await untilTrue(page, `document.querySelectorAll('[data-table="steps"] tbody tr').length === 4`);
  const { Pages: pages, Entries: entries, Proof: proof } = await factsOf(page);
  assert.deepEqual([pages, entries, proof], ['4,096', '16', 'every byte where it belongs']);
  const [typescript, c] = await tableOf(page, 'steps');
  assert.ok(Number(typescript?.[1]) > 0 && Number(c?.[2]) > 0);
  assert.deepEqual(messages, []);
});

test('a job ends with the view that began it, and another is begun at once', { skip }, async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { page, messages } = await browser.open();
  await page.goto(lab.newAddress().replace('/#', '/convert#'));
  await untilTrue(page, `document.querySelector('button[type=submit]') !== null`);
  const choose = async (mib: number): Promise<void> =>
    void (await page.evaluate(`(() => {
      const size = document.querySelector('[name=size]');
      size.value = '${mib}';
      size.dispatchEvent(new Event('change', { bubbles: true }));
    })()`));
  await choose(2048);
  await page.click('button[type=submit]');
  await untilTrue(page, `document.querySelector('progress') !== null`);
  await page.click('nav a[href="/heap"]');
  await page.click('nav a[href="/convert"]');
  await choose(16);
  await page.click('button[type=submit]');
  await untilTrue(
    page,
    `/^(Done|It did not run)/u.test(document.querySelector('[role=status]:not(.link)')?.textContent)`,
  );
  assert.equal(await page.innerText('main [role=status]'), 'Done.');
  assert.deepEqual(messages, []);
});

test('a chart is as wide as its place, and a saved page has its styles while the lab is away', { skip }, async (t) => {
  const lab = await labForTest(t);
  const { page } = await browser.open();
  await page.goto(lab.newAddress().replace('/#', '/machine#'));
  await untilTrue(page, `document.querySelector('.uplot') !== null`);
  await page.setViewportSize({ width: 420, height: 800 });
  await untilTrue(page, `document.querySelector('.uplot').getBoundingClientRect().right <= 420`);
  await lab.close();
  await page.evaluate(`URL.createObjectURL = (blob) => (blob.text().then((text) => (window.saved = text)), 'data:,')`);
  await page.evaluate(`document.querySelector('.save button').click()`);
  await untilTrue(page, `window.saved?.includes('--panel: #f6f8fa')`);
});

test('the page that --open makes leads a browser into the lab', { skip }, async (t) => {
  const lab = await labForTest(t);
  const opener = join(temporaryFolder(t), 'open.html');
  writeFileSync(opener, pageTo(lab.newAddress()));
  const { page, messages, requests } = await browser.open();
  await page.goto(pathToFileURL(opener).href);
  await until(() => requests.some((url) => url.endsWith('/api/hello')));
  await untilTrue(page, `document.title === 'Heap · dmabuf lab'`);
  assert.deepEqual(messages, []);
});

test('a workload goes on the way that is chosen while it runs, and each way has its figures', { skip }, async (t) => {
  const lab = await labForTest(t, { mayControl: true });
  const { page, messages } = await browser.open();
  await page.goto(lab.newAddress().replace('/#', '/workloads#'));
  await untilTrue(page, `document.querySelector('[name=workload]')?.value === 'shadow-plane'`);
  await page.click('button[type=submit]');
  const mappings = async (row: number): Promise<number> => Number((await tableOf(page, 'stretches'))[row]?.[4] ?? 0);
  while ((await mappings(0)) === 0) await sleep(PAUSE_MS);
  await page.evaluate(`(() => {
    const mapping = document.querySelector('[name=mapping]');
    mapping.value = 'run';
    mapping.dispatchEvent(new Event('change', { bubbles: true }));
  })()`);
  while ((await mappings(1)) === 0) await sleep(PAUSE_MS);
  await page.click('button[type=submit]');
  await untilTrue(page, `document.querySelector('button[type=submit]').textContent === 'Run'`);
  assert.deepEqual(
    (await tableOf(page, 'stretches')).map((cells) => cells.slice(0, 3)),
    [
      ['page', 'page', 'as-is'],
      ['page', 'run', 'as-is'],
    ],
  );
  assert.deepEqual(messages, []);
});

test('a page whose lab went away says so, and goes on with the next one', { skip }, async (t) => {
  const key = 'K'.repeat(43);
  const heap = openEmbeddedHeap({ capacity: 64 * MiB });
  const first = await labForTest(t, { key, heap });
  const address = first.newAddress();
  const { page } = await browser.open();
  await page.goto(address);
  await untilTrue(page, `document.querySelector('.link')?.textContent === 'live'`);
  await first.close();
  await untilTrue(page, `document.querySelector('.link.away') !== null`);
  const next = openEmbeddedHeap({ capacity: 64 * MiB });
  const buffer = next.allocate(MiB, { name: 'of the next' });
  t.after(() => buffer.close());
  await labForTest(t, { key, heap: next, port: partsOf(address).port });
  await untilTrue(page, `document.querySelector('.link')?.textContent === 'live'`);
  await untilTrue(page, `document.querySelector('[data-table="buffers"]')?.textContent.includes('of the next')`);
});

test('a browser without a key is told what to open', { skip }, async (t) => {
  const lab = await labForTest(t);
  const { page } = await browser.open();
  await page.goto(`${partsOf(lab.newAddress()).origin}/machine`);
  await untilTrue(page, `document.querySelector('[role=alert]') !== null`);
  assert.equal(await page.innerText('[role=alert]'), 'Open the address that the lab printed');
});

test('no view has a fault that axe finds, light or dark', { skip: skip || lackOf(axe) }, async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const lab = await labForTest(t, { mayControl: true });
    const { page } = await browser.open({ colorScheme, bypassCSP: true });
    await page.goto(lab.newAddress());
    for (const name of VIEWS) {
      await untilTrue(page, `document.querySelector('nav a[href="/${name}"]') !== null`);
      await page.click(`nav a[href="/${name}"]`);
      await untilTrue(page, `document.querySelector('main').dataset.view === '${name}'`);
      if (name === 'machine') await untilTrue(page, `document.querySelector('.findings') !== null`);
      if (name === 'heap') await untilTrue(page, `document.querySelector('.facts') !== null`);
      if (name === 'callers') {
        await page.setInputFiles('input[type=file]', MAIL);
        await untilTrue(page, `document.querySelector('[data-table="callers"]') !== null`);
      }
      await page.addScriptTag({ path: folderOf(axe, 'axe-core/axe.min.js') });
      const faults = await page.evaluate(
        `axe.run({ iframes: false }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
      );
      assert.deepEqual(faults, [], `${name}, ${colorScheme}`);
    }
  }
});

test('the page takes less than 300 KB over the wire', { skip }, async (t) => {
  const lab = await labForTest(t);
  const { page, requests } = await browser.open();
  await page.goto(lab.newAddress());
  await untilTrue(page, `document.querySelector('.facts') !== null`);
  const files = requests.filter((url) => !url.includes('/api/') && !url.startsWith('data:'));
  assert.ok(files.length > 10);
  const bytes = (await page.evaluate(
    `performance.getEntries().filter(({ entryType }) => entryType === 'resource' || entryType === 'navigation').filter(({ name }) => !name.includes('/api/')).reduce((sum, { transferSize }) => sum + transferSize, 0)`,
  )) as number;
  assert.ok(bytes > 10_000 && bytes < 300_000, `${bytes} bytes`);
});
