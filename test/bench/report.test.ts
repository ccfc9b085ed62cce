import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isReached, ratioAtMost } from '../../bench/judged-row.ts';
import { formatReport, toJson } from '../../bench/report.ts';
import type { BenchReport } from '../../bench/report.ts';
import type { CPeer } from '../../src/measure/c-peer.ts';

const ROW = { subject: 'a subject', ours: 'ours', oursNs: 100, peer: 'C', peerNs: 250, ratio: 2.5 };
const MISSING_ROW = { ...ROW, subject: 'another', peerNs: null, ratio: null, target: 2 };

const BUILT: CPeer = {
  built: true,
  path: '/tmp/x',
  command: 'cc -O2 -o /tmp/x x.c',
  compiler: 'cc 12',
  close: () => {},
};
const MISSING: CPeer = { built: false, reason: 'no C compiler answers', close: () => {} };

const REPORT: BenchReport = {
  machine: {
    cpu: 'A CPU',
    coreCount: 1,
    architecture: 'x64',
    memoryBytes: 2 ** 30,
    kernel: 'Linux 6',
    node: 'v20.19.0',
    pinnedToCore: 3,
  },
  peers: {
    conversion: BUILT,
    conversionNative: BUILT,
    vmap: BUILT,
    memfd: BUILT,
    addon: MISSING,
    dmaHeap: BUILT,
    camera: BUILT,
    hugePages: BUILT,
    blit: BUILT,
    blitNative: BUILT,
  },
  rows: [{ ...ROW, target: 3 }, { ...ROW, target: 2 }, { ...ROW, differenceNsMax: 10 }, ROW, MISSING_ROW],
  chartPath: undefined,
};

test('isReached() compares the ratio with the target', () => {
  assert.equal(isReached({ ...ROW, target: 2.5 }), true);
  assert.equal(isReached({ ...ROW, target: 2.6 }), false);
});

test('isReached() is null where even the fastest way would miss it', () => {
  // 250 ns over 80 ns: at best 3.125.
  const row = { ...ROW, fastestNs: 80 };
  assert.equal(ratioAtMost({ ...row, target: 3.2 }), 3.125);
  assert.equal(isReached({ ...row, target: 3.2 }), null);
  assert.equal(ratioAtMost({ ...row, target: 3 }), undefined);
  assert.equal(isReached({ ...row, target: 3 }), false);
  assert.equal(isReached({ ...row, target: 2.5 }), true);
  assert.equal(isReached({ ...row, target: 3.2, fastestNs: null }), false);
});

test('isReached() compares the difference where one is given, which may be negative', () => {
  assert.equal(isReached({ ...ROW, oursNs: 350, differenceNsMax: 100 }), true);
  assert.equal(isReached({ ...ROW, oursNs: 351, differenceNsMax: 100 }), false);
  assert.equal(isReached({ ...ROW, oursNs: 1, differenceNsMax: 100 }), true);
});

test('isReached() compares the time where one is given', () => {
  assert.equal(isReached({ ...ROW, oursNsMax: 100 }), true);
  assert.equal(isReached({ ...ROW, oursNsMax: 99 }), false);
});

test('isReached() is null without a target, or without a peer', () => {
  assert.equal(isReached(ROW), null);
  assert.equal(isReached(MISSING_ROW), null);
  assert.equal(isReached({ ...ROW, peerNs: null, ratio: null, differenceNsMax: 100 }), null);
});

test('formatReport() shows the machine, the compiler and its flags, and what is missing with the reason', () => {
  const text = formatReport(REPORT).join('\n');
  assert.match(text, /^machine +A CPU, x64, 1 core, 1 GiB; Linux 6; Node v20\.19\.0; on core 3 alone$/mu);
  assert.match(text, /^compiler +cc 12$/mu);
  assert.match(text, /^vmap +cc -O2$/mu);
  assert.match(text, /^addon +n\/a: no C compiler answers$/mu);
  assert.ok(!text.includes('chart'));
});

test('formatReport() puts the rows of a subject under it, each with its verdict', () => {
  const lines = formatReport(REPORT).map((line) => line.replaceAll(/ {2,}/gu, ' | ').trim());
  const rows = lines.slice(lines.indexOf('a subject') + 2, lines.indexOf('another') - 1);
  assert.deepEqual(rows, [
    '| ours | 100 ns | C | 250 ns | 2.5x | 3.0x | missed',
    '| ours | 100 ns | C | 250 ns | 2.5x | 2.0x | reached',
    '| ours | 100 ns | C | 250 ns | 2.5x | +10 ns | reached',
    '| ours | 100 ns | C | 250 ns | 2.5x',
  ]);
  assert.equal(lines[lines.indexOf('another') + 2], '| ours | 100 ns | C | n/a | n/a | 2.0x | n/a');
  assert.equal(lines.at(-1), '2 of 3 numbers reached.');
});

test('toJson() gives each row its verdict, and each program how it was built or why not', () => {
  const report = JSON.parse(JSON.stringify(toJson(REPORT))) as Record<string, unknown>;
  assert.deepEqual(report['rows'], [
    { ...ROW, target: 3, reached: false },
    { ...ROW, target: 2, reached: true },
    { ...ROW, differenceNsMax: 10, reached: true },
    { ...ROW, reached: null },
    { ...MISSING_ROW, reached: null },
  ]);
  assert.deepEqual(report['peers'], {
    conversion: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    conversionNative: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    vmap: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    memfd: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    addon: { missingBecause: 'no C compiler answers' },
    dmaHeap: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    camera: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    hugePages: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    blit: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
    blitNative: { command: 'cc -O2 -o /tmp/x x.c', compiler: 'cc 12' },
  });
  assert.equal(report['chart'], null);
});
