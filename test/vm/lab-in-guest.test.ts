/** The lab of a guest with a camera, in a browser of this machine. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rgbAt } from '../support/devices/color-bars.ts';
import { browserOfFile } from '../support/pages/browser-of-file.ts';
import { missingBrowser } from '../support/pages/browser.ts';
import { fetchPackages, folderOf, lackOf } from '../support/processes/fetched-packages.ts';
import { startLabInGuest } from '../support/processes/lab-in-guest.ts';
import { missingForGuest } from '../support/runner/guest-tests.ts';

const PAUSE_MS = 100;
/** Of 8 bits: the picture goes through YCbCr. */
const WITHIN = 4;
const BAR_COUNT = 8;
const skip = missingBrowser() || (missingForGuest({ guest: 'x86_64', memoryMiB: 2048 }) ?? false);
const browser = browserOfFile();
const axe = fetchPackages('axe-core@4.14.1');

test('a lab in a guest shows its camera live to a browser, through a port of loopback', { skip }, async (t) => {
  const lab = await startLabInGuest();
  t.after(async () => await lab.end());
  // For axe: the page's policy forbids scripts of others.
  const { page, messages } = await browser.open({ bypassCSP: true });
  await page.goto(lab.address.replace('/#', '/camera#'));
  const rate = `[...document.querySelectorAll('.facts > div')].find((fact) => fact.textContent.startsWith('Frames a second'))?.textContent`;
  while (!/\d/u.test(String(await page.evaluate(rate)))) await sleep(PAUSE_MS);
  const { width, height, row } = (await page.evaluate(`(() => {
    const { width, height } = document.querySelector('canvas');
    const row = document.querySelector('canvas').getContext('2d').getImageData(0, height >> 1, width, 1);
    return { width, height, row: [...row.data] };
  })()`)) as { readonly width: number; readonly height: number; readonly row: readonly number[] };
  assert.deepEqual([width, height], [640, 480]);
  for (let bar = 0; bar < BAR_COUNT; bar += 1) {
    const x = Math.floor(((bar + 0.5) * width) / BAR_COUNT);
    const color = row.slice(4 * x, 4 * x + 4);
    const expected = [...rgbAt(x, width), 255];
    const difference = Math.max(...expected.map((value, channel) => Math.abs(value - (color[channel] ?? Number.NaN))));
    assert.ok(difference <= WITHIN, `bar ${bar} is ${color.join(' ')}, not ${expected.join(' ')}`);
  }
  if (lackOf(axe) === false) {
    await page.addScriptTag({ path: folderOf(axe, 'axe-core/axe.min.js') });
    const faults = `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`;
    assert.deepEqual(await page.evaluate(faults), []);
  }
  assert.deepEqual(messages, []);
});
