/** What is exported reads back, of every recording. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { readTraceFixture, readTraceText } from '../../../test/support/traces/read-text.ts';
import { repositoryRoot } from '../../../test/support/runner/source-files.ts';
import type { MappingEvent } from '../mapping-event.ts';
import { ChromeTrace } from './chrome-trace.ts';
import { formatCollapsed } from './collapsed.ts';
import { toSpeedscope } from './speedscope.ts';
import { StackTotals } from './stack-totals.ts';

function chromeTraceLines(events: readonly MappingEvent[]): string[] {
  const trace = new ChromeTrace();
  return [trace.first, ...events.flatMap((event) => trace.add(event)), trace.last];
}

const FIXTURES = readdirSync(join(repositoryRoot, 'test/fixtures/trace'));

function totalsOf(events: readonly MappingEvent[], kind: 'calls' | 'ns'): StackTotals {
  const totals = new StackTotals(kind);
  for (const event of events) totals.add(event);
  return totals;
}

for (const name of FIXTURES) {
  test(`readTrace reads back what was exported of ${name}`, () => {
    const { mappings, summary } = readTraceText(readTraceFixture(name));
    assert.ok(mappings.length > 0);
    const lines = [...mappings, summary].map((record) => JSON.stringify(record));
    const reread = readTraceText(lines.join('\n'));
    assert.deepEqual(reread.mappings, mappings);
    assert.equal(reread.summary.unmappings, summary.unmappings);
    assert.deepEqual(readTraceText(chromeTraceLines(mappings).join('\n')).mappings, mappings);
    const collapsed = readTraceText(formatCollapsed(totalsOf(mappings, 'calls').stacks()));
    assert.equal(collapsed.summary.mappings, mappings.length);
    const paths = new Set(mappings.map(({ path }) => path.join(';')));
    assert.deepEqual(new Set(collapsed.mappings.map(({ path }) => path.join(';'))), paths);
  });
}

const PARTS: MappingEvent = {
  kind: 'mapping',
  form: 'function_graph',
  line: 1,
  time: 2,
  task: { comm: 'cam', pid: 7 },
  path: ['dma_buf_vmap', 'npu map;'],
  durationNs: 100,
  parts: [
    { name: 'system_heap_vmap', depth: 1, ns: 90 },
    { name: 'vmalloc', depth: 2, ns: 10 },
    { name: 'vmap', depth: 2, ns: 50 },
    { name: 'other', depth: 1, ns: 4 },
  ],
};

test('StackTotals gives each part what it took itself, and no separator within a name', () => {
  assert.equal(
    formatCollapsed(totalsOf([PARTS, PARTS], 'ns').stacks()),
    [
      'npu_map_;dma_buf_vmap;system_heap_vmap;vmalloc 20',
      'npu_map_;dma_buf_vmap;system_heap_vmap;vmap 100',
      'npu_map_;dma_buf_vmap;system_heap_vmap 60',
      'npu_map_;dma_buf_vmap;other 8',
      'npu_map_;dma_buf_vmap 12',
    ].join('\n'),
  );
});

const WAITED: MappingEvent = {
  ...PARTS,
  path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked'],
  parts: [
    { name: 'ww_mutex_lock', depth: 0, ns: 2000 },
    { name: 'vmap', depth: 1, ns: 60 },
  ],
};

test('StackTotals puts the wait for the lock beside the mapping that waited', () => {
  assert.equal(
    formatCollapsed(totalsOf([WAITED], 'ns').stacks()),
    [
      'dma_buf_vmap_unlocked;ww_mutex_lock 2000',
      'dma_buf_vmap_unlocked;dma_buf_vmap;vmap 60',
      'dma_buf_vmap_unlocked;dma_buf_vmap 40',
    ].join('\n'),
  );
});

test('ChromeTrace puts the wait for the lock before the mapping, and behind the one before', () => {
  const { time: _, ...untimed } = WAITED;
  const { traceEvents } = JSON.parse(chromeTraceLines([WAITED, untimed]).join('\n')) as {
    traceEvents: { ph: string; name: string; ts: number; dur: number }[];
  };
  assert.deepEqual(
    traceEvents.filter(({ ph }) => ph === 'X').map(({ name, ts, dur }) => [name, ts, dur]),
    [
      ['dma_buf_vmap', 2_000_000, 102 / 1024],
      ['ww_mutex_lock', 1_999_998, 2],
      ['vmap', 2_000_000, 61 / 1024],
      ['dma_buf_vmap', 2_000_003, 102 / 1024],
      ['ww_mutex_lock', 2_000_001, 2],
      ['vmap', 2_000_003, 61 / 1024],
    ],
  );
});

test('StackTotals keeps 64 Mi characters of stacks apart, and weighs the rest', () => {
  const totals = new StackTotals('calls');
  for (let index = 0; index < 70; index += 1) totals.add({ ...PARTS, path: [String(index).padStart(2 ** 20, 'x')] });
  totals.add({ ...PARTS, path: ['0'.padStart(2 ** 20, 'x')] });
  assert.deepEqual([totals.stacks().length, totals.otherWeight], [64, 6]);
});

test('ChromeTrace is JSON whose parts lie within their callers', () => {
  const { traceEvents } = JSON.parse(chromeTraceLines([PARTS]).join('\n')) as {
    traceEvents: { ph: string; name: string; ts?: number; dur?: number; pid: number }[];
  };
  assert.deepEqual(
    traceEvents.map(({ ph, name, ts, dur, pid }) => [ph, name, ts, dur, pid]),
    [
      ['M', 'process_name', undefined, undefined, 7],
      // In steps of 1/1024 of a microsecond.
      ['X', 'dma_buf_vmap', 2_000_000, 102 / 1024, 7],
      ['X', 'system_heap_vmap', 2_000_000, 92 / 1024, 7],
      ['X', 'vmalloc', 2_000_000, 10 / 1024, 7],
      ['X', 'vmap', 2_000_000 + 10 / 1024, 51 / 1024, 7],
      ['X', 'other', 2_000_000 + 92 / 1024, 4 / 1024, 7],
    ],
  );
});

test('toSpeedscope has a profile of calls and one of time over the same frames', () => {
  const { shared, profiles } = toSpeedscope({
    calls: totalsOf([PARTS], 'calls').stacks(),
    ns: totalsOf([PARTS], 'ns').stacks(),
  });
  assert.deepEqual(
    shared.frames.map(({ name }) => name),
    ['npu_map_', 'dma_buf_vmap', 'system_heap_vmap', 'vmalloc', 'vmap', 'other'],
  );
  assert.deepEqual(profiles[0], {
    type: 'sampled',
    name: 'Mappings, by calls',
    unit: 'none',
    startValue: 0,
    endValue: 1,
    samples: [[0, 1]],
    weights: [1],
  });
  assert.deepEqual(
    [profiles[1]?.unit, profiles[1]?.endValue, profiles[1]?.samples[0]],
    ['nanoseconds', 100, [0, 1, 2, 3]],
  );
});
