import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTraceFixture, readTraceText } from '../../../../test/support/traces/read-text.ts';

/** What the recordings have in common: two buffers that vivid's queue maps and unmaps. */
const PATH = ['dma_buf_vmap', 'dma_buf_vmap_unlocked'];

test('FunctionGraphImporter reads the default columns as a kernel printed them', () => {
  const { mappings, unmappings, summary } = readTraceText(readTraceFixture('function-graph.txt'));
  assert.deepEqual(mappings.slice(0, 2), [
    {
      kind: 'mapping',
      form: 'function_graph',
      line: 9,
      cpu: 1,
      path: PATH,
      durationNs: 1_271_992,
      parts: [
        { name: 'ww_mutex_lock', depth: 0, ns: 400_663 },
        { name: 'system_heap_vmap', depth: 1, ns: 1_110_885 },
      ],
    },
    {
      kind: 'mapping',
      form: 'function_graph',
      line: 18,
      cpu: 1,
      path: PATH,
      durationNs: 2_078_278,
      parts: [
        { name: 'ww_mutex_lock', depth: 0, ns: 14_718 },
        { name: 'system_heap_vmap', depth: 1, ns: 2_053_461 },
      ],
    },
  ]);
  assert.equal(unmappings[0]?.durationNs, 237_793);
  assert.deepEqual(summary.unreadableLines, []);
});

/** Fixture, and the fields of its first mapping that its columns decide. */
const RECORDINGS = [
  [
    'function-graph-proc-abstime-tail.txt',
    { line: 9, time: 37.788096, cpu: 1, task: { comm: 'rec', pid: 178 }, durationNs: 326_862 },
  ],
  [
    'function-graph-latency-overrun.txt',
    { line: 22, time: 37.965443, cpu: 1, task: { comm: 'rec', pid: 180 }, durationNs: 255_056 },
  ],
  ['function-graph-no-overhead.txt', { line: 9, time: 39.32653, cpu: 1, durationNs: 211_202 }],
  ['function-graph-bare.txt', { line: 9, durationNs: null }],
] as const;

for (const [name, expected] of RECORDINGS) {
  test(`FunctionGraphImporter reads ${name} as a kernel printed it`, () => {
    const { mappings, summary } = readTraceText(readTraceFixture(name));
    const { kind: _, form, path, parts, ...rest } = mappings[0] ?? assert.fail('no mapping was found');
    assert.deepEqual(rest, expected);
    assert.deepEqual(
      [form, path, parts?.map((part) => part.name)],
      ['function_graph', PATH, ['ww_mutex_lock', 'system_heap_vmap']],
    );
    assert.deepEqual(summary.unreadableLines, []);
  });
}

test('FunctionGraphImporter reads the same whatever pieces the text comes in', () => {
  const text = readTraceFixture('function-graph-proc-abstime-tail.txt');
  const whole = readTraceText(text);
  for (const chunkBytes of [1, 7, 64, 1000]) assert.deepEqual(readTraceText(text, chunkBytes), whole);
});

test('FunctionGraphImporter keeps the depth and the time of every part', () => {
  const text = ` 0)               |  dma_buf_vmap() {
 0)               |    system_heap_vmap [system_heap]() {
 0)   2.000 us    |      vmalloc_noprof();
 0) + 50.000 us   |      vmap();
 0)   1.500 us    |      vfree();
 0) ! 100.000 us  |    }
 0) ! 101.250 us  |  }
`;
  const [mapping] = readTraceText(text).mappings;
  assert.equal(mapping?.durationNs, 101_250);
  assert.deepEqual(mapping.parts, [
    { name: 'system_heap_vmap', depth: 1, ns: 100_000 },
    { name: 'vmalloc_noprof', depth: 2, ns: 2000 },
    { name: 'vmap', depth: 2, ns: 50_000 },
    { name: 'vfree', depth: 2, ns: 1500 },
  ]);
  assert.deepEqual(mapping.modules, [{ name: 'system_heap', functions: ['system_heap_vmap'] }]);
});

test('FunctionGraphImporter gives a function at the depth limit without parts: they are not known', () => {
  const [mapping] = readTraceText(' 1) ! 123.456 us  |  dma_buf_vmap_unlocked();\n').mappings;
  assert.deepEqual(mapping, {
    kind: 'mapping',
    form: 'function_graph',
    line: 1,
    cpu: 1,
    path: ['dma_buf_vmap_unlocked'],
    durationNs: 123_456,
  });
});

test("FunctionGraphImporter takes the outermost map function where dma_buf_vmap's own is not traced", () => {
  const text = ` 1)               |  cma_heap_vmap() {
 1)   1.000 us    |    system_heap_vmap();
 1)   2.000 us    |  }
`;
  const { mappings } = readTraceText(text);
  assert.deepEqual(
    mappings.map(({ path, durationNs }) => [path, durationNs]),
    [[['cma_heap_vmap'], 2000]],
  );
});

test('FunctionGraphImporter keeps the stacks of processors and tasks apart', () => {
  const text = ` 0)               |  dma_buf_vmap() {
 1)               |  first_caller() {
 1)               |    dma_buf_vmap() {
 0)   1.000 us    |    vmap();
 1)   2.000 us    |      vmap();
 1)   3.000 us    |    }
 0)   4.000 us    |  }
 1)   5.000 us    |  }
`;
  const { mappings } = readTraceText(text);
  assert.deepEqual(
    mappings.map(({ cpu, path, parts }) => [cpu, path, parts?.[0]?.ns]),
    [
      [1, ['dma_buf_vmap', 'first_caller'], 2000],
      [0, ['dma_buf_vmap'], 1000],
    ],
  );
});

test('FunctionGraphImporter follows a task through the switches of its processor, and marks it', () => {
  const text = ` 0)               |  dma_buf_vmap() {
 ------------------------------------------
 0)    rec-178     =>    <idle>-0   
 ------------------------------------------

 0)   9.000 us    |  vmap();
 ------------------------------------------
 0)    <idle>-0    =>    rec-178   
 ------------------------------------------

 0)   1.000 us    |    system_heap_vmap();
 0) ! 400.000 us  |  }
`;
  const [mapping] = readTraceText(text).mappings;
  assert.deepEqual(mapping?.parts, [{ name: 'system_heap_vmap', depth: 1, ns: 1000 }]);
  assert.deepEqual(mapping.task, { comm: 'rec', pid: 178 });
  assert.deepEqual(mapping.marks, ['preempted']);
});

test('FunctionGraphImporter marks a mapping that ended on another processor', () => {
  const text = ` 0)    rec-178     |               |  dma_buf_vmap() {
 1)    rec-178     | ! 400.000 us  |  }
`;
  assert.deepEqual(readTraceText(text).mappings[0]?.marks, ['moved']);
});

test('FunctionGraphImporter leaves out what ran in an interrupt, and marks the mapping', () => {
  const text = ` 0)               |  dma_buf_vmap() {
 0)   ==========> |
 0)   5.000 us    |    handle_irq();
 0)   <========== |
 0)   1.000 us    |    vmap();
 0)   9.000 us    |  }
`;
  const [mapping] = readTraceText(text).mappings;
  assert.deepEqual(mapping?.parts, [{ name: 'vmap', depth: 1, ns: 1000 }]);
  assert.deepEqual(mapping.marks, ['interrupted']);
});

test('FunctionGraphImporter says which mappings have no end, and which no beginning', () => {
  const text = ` 0)               |  dma_buf_vmap() {
 0)   1.000 us    |  other();
 0)               |  }
 0)   7.000 us    |  } /* dma_buf_vmap */
 1)               |  dma_buf_vmap() {
`;
  const { mappings } = readTraceText(text);
  assert.deepEqual(
    mappings.map(({ line, durationNs, marks }) => [line, durationNs, marks]),
    [
      [1, null, ['exit-lost']],
      [4, 7000, ['entry-lost']],
      [5, null, ['cut']],
    ],
  );
});

test('FunctionGraphImporter counts lost events, and trusts no end after them', () => {
  const text = ` 1)               |  dma_buf_vmap() {
CPU:1 [LOST 12 EVENTS]
 1)   1.000 us    |  }
`;
  const { mappings, summary } = readTraceText(text);
  assert.equal(summary.lostEvents, 12);
  assert.deepEqual([mappings[0]?.durationNs, mappings[0]?.marks], [null, ['lost-events']]);
});

test('FunctionGraphImporter reads what funcgraph-args and funcgraph-retval add', () => {
  const text = ` 0)               |  dma_buf_vmap(dmabuf=0xffff888104c81400, map=0xffffc90000123c00) {
 0)   1.000 us    |    vmap(); /* = 0xffffc90001000000 */
 0)   2.000 us    |  } /* dma_buf_vmap ret=-12 */
`;
  const [mapping] = readTraceText(text).mappings;
  assert.equal(mapping?.buffer, '0xffff888104c81400');
  assert.equal(mapping.result, -12);
});

test('FunctionGraphImporter counts lines of its columns that it cannot read, and reads on', () => {
  const text = ` 0)               |  dma_buf_vmap() {
 0)   1.0!0 us    |    vma\u0001p() {{
 0) garbage       |    ?;
 0)   2.000 us    |  }
`;
  const { mappings, summary } = readTraceText(text);
  assert.equal(mappings[0]?.durationNs, 2000);
  assert.deepEqual(summary.unreadableLines, [{ line: 2 }, { line: 3 }]);
});
