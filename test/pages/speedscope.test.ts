/** speedscope's own page opens what "dmabuf trace export" writes for it and for Chrome. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import type { MappingEvent } from '../../src/trace/mapping-event.ts';
import { browserOfFile } from '../support/pages/browser-of-file.ts';
import { missingBrowser } from '../support/pages/browser.ts';
import type { BrowserPage } from '../support/pages/browser.ts';
import { servePages } from '../support/pages/page-server.ts';
import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { runCli } from '../support/processes/run-cli.ts';
import { temporaryTree } from '../support/runner/temporary-folder.ts';
import { asJsonLines, CAMERA_AND_NPU } from '../support/traces/camera-and-npu.ts';

const speedscope = fetchPackages('speedscope@1.25.0');
const skip = missingBrowser() || lackOf(speedscope);
const browser = browserOfFile();

/** What it says of its renderer, and how long it took. */
const BESIDE_THE_POINT = /WebGL|GL Driver|timeEnd: import/u;

interface OpenedProfile {
  readonly page: BrowserPage;
  readonly messages: readonly string[];
}

/** The exported trace in speedscope's page, with the table of functions. */
async function openProfile(
  t: TestContext,
  events: readonly MappingEvent[],
  form: 'chrome' | 'speedscope',
): Promise<OpenedProfile> {
  const folder = temporaryTree(t, { 'trace.jsonl': asJsonLines(events) });
  const { status, stdout, stderr } = runCli('trace', 'export', '--form', form, `${folder}/trace.jsonl`);
  assert.deepEqual([status, stderr], [0, '']);
  const address = await servePages(t, folderOf(speedscope, 'speedscope/dist/release'), { '/exported.json': stdout });
  const { page, messages, requests } = await browser.open();
  await page.goto(`${address}/index.html#profileURL=${encodeURIComponent(`${address}/exported.json`)}`);
  await page.waitForFunction("document.title.endsWith(' - speedscope')");
  await page.click('text=Sandwich');
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(address)),
    [],
  );
  return { page, messages };
}

/** The rows of the table: total, itself, name. */
async function functionRows(page: BrowserPage): Promise<string[]> {
  const text = await page.innerText('body');
  const rows = text.matchAll(/(?<total>\S+) \([^)]*%\)\s+(?<own>\S+) \([^)]*%\)\s+(?<name>\w+)/gu);
  return [...rows].map(({ groups: { total, own, name } = {} }) => `${name}: ${total}, itself ${own}`).toSorted();
}

test("speedscope opens its own form, with the trace's calls and times", { skip }, async (t) => {
  const { page, messages } = await openProfile(t, CAMERA_AND_NPU, 'speedscope');
  assert.equal(await page.title(), 'dma-buf mappings - speedscope');
  assert.deepEqual(await functionRows(page), [
    'cam_map: 1, itself 0',
    'dma_buf_vmap: 3, itself 3',
    'npu_map: 2, itself 0',
  ]);
  // The next profile.
  await page.keyboard.press('n');
  await page.waitForFunction("document.body.innerText.includes('by time')");
  assert.deepEqual(await functionRows(page), [
    'cam_map: 300.00µs, itself 0.00ns',
    'dma_buf_vmap: 500.00µs, itself 320.00µs',
    'npu_map: 200.00µs, itself 0.00ns',
    'system_heap_vmap: 180.00µs, itself 60.00µs',
    'vmalloc: 20.00µs, itself 20.00µs',
    'vmap: 100.00µs, itself 100.00µs',
  ]);
  const told = messages.filter((message) => !BESIDE_THE_POINT.test(message));
  assert.deepEqual(told, ['log: speedscope v1.25.0', 'log: Importing as speedscope json file']);
});

/** 60 frames of a screen, whose times are no round numbers of anything. */
const SCREEN = Array.from({ length: 60 }, (_, index): MappingEvent => ({
  kind: 'mapping',
  form: 'function_graph',
  line: index + 1,
  time: 50.7 + Math.round((index * 1e6) / 60) / 1e6,
  task: { comm: 'weston', pid: 300 },
  path: ['dma_buf_vmap', 'drm_gem_shmem_vmap'],
  durationNs: 160_553 + index * 7,
  parts: [
    { name: 'dma_resv_lock', depth: 1, ns: 1607 },
    { name: 'system_heap_vmap', depth: 1, ns: 154_131 + index * 7 },
    { name: 'vmalloc', depth: 2, ns: 16_057 },
    { name: 'vmap', depth: 2, ns: 61_001 + index * 7 },
    { name: 'vfree', depth: 2, ns: 11_243 },
  ],
}));

test("speedscope opens Chrome's form: each part ends where the next one begins", { skip }, async (t) => {
  const { page, messages } = await openProfile(t, SCREEN, 'chrome');
  assert.equal(await page.title(), 'exported.json - speedscope');
  const rows = await functionRows(page);
  // 60 times 61,001 and 16,057 ns, and 7 ns times 0 + ... + 59.
  for (const row of ['vmap: 3.67ms, itself 3.67ms', 'vmalloc: 963.40µs, itself 963.40µs'])
    assert.ok(rows.includes(row), rows.join('\n'));
  // It warns of every call that ends out of order.
  const told = messages.filter((message) => !BESIDE_THE_POINT.test(message));
  assert.deepEqual(told, ['log: speedscope v1.25.0', 'log: Importing as Trace Event Format profile']);
});
