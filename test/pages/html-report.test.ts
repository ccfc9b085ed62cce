/** The report as a page, in a browser: what it shows, and what a hostile trace cannot do there. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';

import type { MappingEvent } from '../../src/trace/mapping-event.ts';
import { browserOfFile } from '../support/pages/browser-of-file.ts';
import { missingBrowser } from '../support/pages/browser.ts';
import type { Browser, WatchedPage } from '../support/pages/browser.ts';
import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { runCli } from '../support/processes/run-cli.ts';
import { temporaryTree } from '../support/runner/temporary-folder.ts';
import { asJsonLines, CAMERA_AND_NPU } from '../support/traces/camera-and-npu.ts';

const axe = fetchPackages('axe-core@4.14.1');
const skip = missingBrowser();
const browser = browserOfFile();

type PageOptions = Parameters<Browser['open']>[0];

/** The report of a trace, opened as a file. */
async function openReport(
  t: TestContext,
  events: readonly MappingEvent[],
  options: PageOptions = {},
): Promise<WatchedPage & { readonly url: string }> {
  const folder = temporaryTree(t, { 'trace.jsonl': asJsonLines(events) });
  const path = join(folder, 'report.html');
  const { status, stdout, stderr } = runCli('trace', 'report', join(folder, 'trace.jsonl'), '--html', path);
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  const opened = await browser.open(options);
  const url = pathToFileURL(path).href;
  await opened.page.goto(url);
  return { ...opened, url };
}

/** Where each visible frame of the flame graph is, in parts of its width, by depth and name. */
const FRAMES = `(() => {
  const graph = document.getElementById('flame-graph');
  const { left, top, width } = graph.getBoundingClientRect();
  return [...graph.children].filter((frame) => frame.style.display !== 'none').map((frame) => {
    const box = frame.querySelector('rect').getBoundingClientRect();
    const name = frame.querySelector('title').textContent.split(':')[0];
    const share = (px) => Math.round((px / width) * 1000) / 1000;
    return [name, Math.round((box.top - top) / 20), share(box.left - left), share(box.width)].join(' ');
  });
})()`;

test('the report opens without an error, and asks for nothing but itself', { skip }, async (t) => {
  const { page, messages, requests, url } = await openReport(t, CAMERA_AND_NPU);
  assert.deepEqual(await page.allInnerTexts('h1, h2'), [
    'Who maps dma-bufs, and what it costs',
    'Findings',
    'Who maps',
    'What the time goes into',
    'What could be saved',
    'Flame graph',
    'Time lines',
    'Call paths',
  ]);
  assert.deepEqual([messages, requests], [[], [url]]);
});

test('the report has a row for each call path, with its parts', { skip }, async (t) => {
  const { page } = await openReport(t, CAMERA_AND_NPU);
  const rows = (await page.allInnerTexts('#callers tr')).map((row) => row.split(/\s*\t\s*/u));
  assert.deepEqual(rows, [
    'Consumer,Calls,Buffer size,Bytes in all,Buffers,Median,Longest,Time in all,Share'.split(','),
    ['1. cam_map out of tree', '1', '2 MiB', '2 MiB', '1', '300 µs', '300 µs', '300 µs', '60.0 %'],
    ['2. npu_map out of tree', '2', '1 MiB', '2 MiB', '1', '100 µs', '100 µs', '200 µs', '40.0 %'],
  ]);
  const parts = (await page.allInnerTexts('#parts tr')).map((row) => row.trim().split(/\s*\t\s*/u));
  assert.deepEqual(parts, [
    ['Consumer', 'Mappings', 'page array', 'sg table to pages', 'vmap', 'the rest', 'Shares'],
    ['2. npu_map', '2', '10.0 µs 10.0 %', '30.0 µs 30.0 %', '50.0 µs 50.0 %', '10.0 µs 10.0 %'],
  ]);
});

const WHOLE_GRAPH = [
  'cam_map 0 0 0.6',
  'dma_buf_vmap 1 0 0.6',
  'npu_map 0 0.6 0.4',
  'dma_buf_vmap 1 0.6 0.4',
  'system_heap_vmap 2 0.6 0.36',
  'vmap 3 0.6 0.2',
  'vmalloc 3 0.8 0.04',
];

test('the flame graph has frames as wide as their time; a click and keys zoom into them', { skip }, async (t) => {
  const { page } = await openReport(t, CAMERA_AND_NPU);
  assert.deepEqual(await page.evaluate(FRAMES), WHOLE_GRAPH);
  // A place in system_heap_vmap.
  const widthPx = Number(await page.evaluate("document.getElementById('flame-graph').clientWidth"));
  await page.click('#flame-graph', { position: { x: widthPx * 0.9, y: 50 } });
  assert.deepEqual(await page.evaluate(FRAMES), [
    'npu_map 0 0 1',
    'dma_buf_vmap 1 0 1',
    'system_heap_vmap 2 0 1',
    'vmap 3 0 0.556',
    'vmalloc 3 0.556 0.111',
  ]);
  await page.keyboard.press('Escape');
  assert.deepEqual(await page.evaluate(FRAMES), WHOLE_GRAPH);
  for (const key of ['ArrowUp', 'ArrowLeft', 'Enter']) await page.keyboard.press(key);
  assert.deepEqual(await page.evaluate(FRAMES), ['cam_map 0 0 1', 'dma_buf_vmap 1 0 1']);
  assert.equal(await page.innerText('#flame-readout'), 'dma_buf_vmap: 300 µs, 60.0 %');
  await page.click('text=Zoom out');
  assert.deepEqual(await page.evaluate(FRAMES), WHOLE_GRAPH);
});

test('the flame graph finds functions by their name', { skip }, async (t) => {
  const { page } = await openReport(t, CAMERA_AND_NPU);
  await page.fill('#flame-tools input', 'VMAP');
  // Both of dma_buf_vmap cover everything; what they call is not counted again.
  assert.equal(await page.innerText('#flame-readout'), '4 frames have this in the name: 100.0 % of the graph');
  await page.fill('#flame-tools input', 'vmalloc');
  assert.equal(await page.innerText('#flame-readout'), '1 frame has this in the name: 4.0 % of the graph');
  assert.deepEqual(await page.evaluate("document.querySelectorAll('.hit').length"), 1);
});

test('the report is whole without JavaScript, with the pictures as tables', { skip }, async (t) => {
  const { page, messages } = await openReport(t, CAMERA_AND_NPU, { javaScriptEnabled: false });
  assert.deepEqual(await page.evaluate(FRAMES), WHOLE_GRAPH);
  assert.equal(await page.evaluate("document.getElementById('flame-tools').checkVisibility()"), false);
  await page.click('text=The flame graph as a table');
  const rows = (await page.allInnerTexts('#flame tr')).map((row) => row.trim().split(/\s*\t\s*/u));
  assert.deepEqual(rows.slice(1, 4), [
    ['1', 'cam_map', '300 µs', '60.0 %', '-'],
    ['2', 'dma_buf_vmap', '300 µs', '60.0 %', '300 µs'],
    ['1', 'npu_map', '200 µs', '40.0 %', '-'],
  ]);
  await page.click('text=The time line as a table');
  const times = (await page.allInnerTexts('#time tr')).map((row) => row.trim().split(/\s*\t\s*/u));
  // 16 steps of 2^-17 s, of which the first mapping takes 100 µs.
  assert.deepEqual([times[0], times[1]?.[2]], [['From, in seconds', 'cam_map', 'npu_map'], '1 call, 81.9 %']);
  assert.deepEqual(messages, []);
});

for (const [colorScheme, page, text] of [
  ['light', 'rgb(255, 255, 255)', 'rgb(27, 31, 36)'],
  ['dark', 'rgb(15, 19, 24)', 'rgb(230, 237, 243)'],
] as const) {
  test(`the report is ${colorScheme} where the screen is`, { skip }, async (t) => {
    const opened = await openReport(t, CAMERA_AND_NPU, { colorScheme });
    const colors =
      '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("h1")).color]';
    assert.deepEqual(await opened.page.evaluate(colors), [page, text]);
    // Paper is white.
    await opened.page.emulateMedia({ media: 'print' });
    assert.deepEqual(await opened.page.evaluate(colors), ['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
  });

  test(`axe-core finds nothing wrong with the ${colorScheme} report`, { skip: skip || lackOf(axe) }, async (t) => {
    const opened = await openReport(t, CAMERA_AND_NPU, { colorScheme });
    await opened.page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))");
    await opened.page.evaluate(readFileSync(folderOf(axe, 'axe-core/axe.min.js'), 'utf8'));
    const found = await opened.page.evaluate(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map((n) => n.html).join("\\n")))',
    );
    assert.deepEqual(found, []);
  });
}

test('printing the report opens its tables', { skip }, async (t) => {
  const { page } = await openReport(t, CAMERA_AND_NPU);
  assert.equal((await page.pdf()).toString('latin1', 0, 5), '%PDF-');
  assert.deepEqual(await page.evaluate("[...document.querySelectorAll('details')].map(({ open }) => open)"), [
    true,
    true,
  ]);
});

test('the report fits a screen of 360 pixels', { skip }, async (t) => {
  const { page } = await openReport(t, CAMERA_AND_NPU, { viewport: { width: 360, height: 640 } });
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
});

const HOSTILE_TEXTS = [
  '</script><script>window.ran = 1</script>',
  '<img src=x onerror="window.ran = 2">',
  '"><svg onload="window.ran = 3">',
  "' onmouseover='window.ran = 4' autofocus onfocus='window.ran = 5'",
  '</style></title></text></svg><iframe srcdoc="<script>parent.ran = 6</script>">',
  '`${window.ran = 7}` javascript:window.ran=8 &lt;img src=x onerror=window.ran=9&gt; -->',
];

/** A mapping that has `text` wherever a text can be. */
function hostileMapping(text: string, index: number): MappingEvent {
  return {
    kind: 'mapping',
    form: 'event',
    file: text,
    line: index + 1,
    time: index,
    timeText: text,
    task: { comm: text, pid: index },
    path: ['dma_buf_vmap', text, `${text} caller`],
    inside: [text],
    unreliable: [text],
    modules: [{ name: text, buildId: text, functions: [text] }],
    exporter: text,
    buffer: text,
    sizeBytes: 4096,
    durationNs: 1_000_000,
    parts: [
      { name: 'system_heap_vmap', depth: 1, ns: 900_000 },
      { name: 'vmap', depth: 2, ns: 800_000 },
      { name: text, depth: 2, ns: 50_000 },
    ],
  };
}

test('names in a trace stay text: nothing of them runs, even without the policy', { skip }, async (t) => {
  // Twice each: repeated mappings are a finding, which names its consumer.
  const events = [...HOSTILE_TEXTS, ...HOSTILE_TEXTS].map(hostileMapping);
  const { page, messages, requests, url } = await openReport(t, events, { bypassCSP: true });
  const shown = await page.innerText('body');
  for (const text of HOSTILE_TEXTS) assert.ok(shown.includes(text.slice(0, 60)), text);
  const state = `({
    ran: window.ran,
    scripts: document.scripts.length,
    foreign: document.querySelectorAll('img, iframe, body style, body title:not(svg *), [autofocus], [srcdoc]').length,
    handlers: [...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith('on')),
  })`;
  assert.deepEqual(await page.evaluate(state), { ran: undefined, scripts: 1, foreign: 0, handlers: [] });
  assert.deepEqual([messages, requests], [[], [url]]);
});
