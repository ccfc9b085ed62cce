import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drawChart } from '../../bench/chart.ts';
import type { Chart } from '../../bench/chart.ts';

const MIB = 1_048_576;

/** Two panels: the values from 1 to 10 over three sizes, and one that has a single point. */
const CHART: Chart = {
  title: 'A < B & C',
  description: 'Ours "and" theirs',
  panels: [
    {
      title: 'first',
      series: [
        {
          name: 'ours',
          points: [
            { x: 16 * MIB, y: 1 },
            { x: 64 * MIB, y: 10 },
            { x: 256 * MIB, y: 1 },
          ],
        },
        { name: 'theirs', points: [] },
      ],
    },
    { title: 'second', series: [{ name: 'ours', points: [{ x: 64 * MIB, y: 10 }] }] },
  ],
};

/**
 * The tags of a picture in the order in which they open and close, and whether every one is closed.
 */
function isWellFormed(picture: string): boolean {
  const open: string[] = [];
  for (const { groups } of picture.matchAll(/<(?<end>\/?)(?<name>[a-z]+)(?:\s[^<>]*?)?(?<empty>\/?)>/gu)) {
    if (groups?.['empty'] === '/') continue;
    if (groups?.['end'] !== '/') open.push(groups?.['name'] ?? '');
    else if (open.pop() !== groups['name']) return false;
  }
  return open.length === 0;
}

function pathsOf(picture: string): string[] {
  return [...picture.matchAll(/<path class="line s0" d="M(?<path>[^"]*)"/gu)].map(
    ({ groups }) => groups?.['path'] ?? '',
  );
}

test('drawChart() places points in proportion to the logarithm, the larger value higher', () => {
  const [first = ''] = pathsOf(drawChart(CHART));
  const points = first.split('L').map((point) => point.split(' ').map(Number));
  const [[left, low] = [], [middle, high] = [], [right, lowAgain] = []] = points;
  assert.equal(points.length, 3);
  assert.ok(left !== undefined && middle !== undefined && right !== undefined && low !== undefined);
  // 16, 64 and 256 MiB are one factor of 4 apart each.
  assert.ok(left < middle && Math.abs(middle - left - (right - middle)) < 0.2);
  assert.equal(lowAgain, low);
  assert.ok(high !== undefined && high < low);
});

test('drawChart() gives the panels one scale: the same value at the same place', () => {
  const [first = '', second = ''] = pathsOf(drawChart(CHART));
  assert.equal(second, first.split('L')[1]);
});

test('drawChart() writes ticks of 1, 2 and 5 around the values, and the sizes', () => {
  const texts = [...drawChart(CHART).matchAll(/<text[^>]*>(?<content>[^<]*)<\/text>/gu)].map(
    ({ groups }) => groups?.['content'],
  );
  const firstPanel = texts.slice(texts.indexOf('first') + 1, texts.indexOf('second'));
  assert.deepEqual(firstPanel, ['1', '2', '5', '10', '16 MiB', '64 MiB', '256 MiB']);
});

test('drawChart() writes well-formed XML with the texts escaped, and colours for light and for dark', () => {
  const picture = drawChart(CHART);
  assert.ok(isWellFormed(picture));
  assert.ok(picture.includes('<title>A &lt; B &amp; C</title>'));
  assert.ok(picture.includes('<desc>Ours "and" theirs</desc>'));
  assert.match(picture, /@media\(prefers-color-scheme:dark\)/u);
  // The legend names what was not measured as well.
  assert.ok(picture.includes('>theirs</text>'));
});

test('drawChart() takes a single value', () => {
  const point = { x: MIB, y: 0.3 };
  const panel = { title: 'only', series: [{ name: 'ours', points: [point] }] };
  const picture = drawChart({ title: '', description: '', panels: [panel] });
  assert.ok(!picture.includes('NaN') && !picture.includes('Infinity'));
});

test('drawChart() refuses values that a logarithmic scale cannot show, and an empty chart', () => {
  const withValue = (y: number): Chart => ({
    ...CHART,
    panels: [{ title: '', series: [{ name: '', points: [{ x: MIB, y }] }] }],
  });
  for (const y of [0, -1]) assert.throws(() => drawChart(withValue(y)), { name: 'InvariantError' });
  assert.throws(() => drawChart({ ...CHART, panels: [] }), { name: 'InvariantError' });
});
