import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTraceText } from '../../../test/support/traces/read-text.ts';

const PERF = `rec  178 [001]    10.000100: probe:dma_buf_vmap: (ffffffff81a2b3c0) size=614400
	ffffffff81a2b3c1 dma_buf_vmap+0x1 ([kernel.kallsyms])
	ffffffff81a2b4b8 dma_buf_vmap_unlocked+0x38 ([kernel.kallsyms])
	ffffffffc0a01234 vb2_vmalloc_map_dmabuf+0x24 ([videobuf2_vmalloc])
	ffffffffc0b01234 cam_queue+0x24 (/lib/modules/6.12/extra/cam-driver.ko)

rec  178 [001]    10.000350: probe:dma_buf_vmap__return: (ffffffff81a2b4b8 <- ffffffff81a2b3c0) ret=0

rec  178/179 [001]    10.000500:     250000 cycles:P: 
	ffffffff81a2b3c1 vmap+0x1 ([kernel.kallsyms])
	ffffffff81a2b3c1 dma_buf_vmap+0x1 ([kernel.kallsyms])

`;

test('PerfScriptImporter joins a probe, its stack and its return, and calls what was sampled a sample', () => {
  const { mappings, summary } = readTraceText(PERF);
  assert.deepEqual(mappings[0], {
    kind: 'mapping',
    form: 'perf-script',
    line: 1,
    time: 10.0001,
    cpu: 1,
    task: { comm: 'rec', pid: 178 },
    path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'vb2_vmalloc_map_dmabuf', 'cam_queue'],
    modules: [
      { name: 'videobuf2_vmalloc', functions: ['vb2_vmalloc_map_dmabuf'] },
      { name: 'cam_driver', functions: ['cam_queue'] },
    ],
    sizeBytes: 614_400,
    durationNs: 250_000,
    result: 0,
  });
  assert.deepEqual(
    [mappings[1]?.path, mappings[1]?.inside, mappings[1]?.marks],
    [['dma_buf_vmap'], ['vmap'], ['sample']],
  );
  assert.deepEqual(summary.unreadableLines, []);
});

test('BpftraceImporter reads counted keys and printed stacks', () => {
  const text = `Attaching 1 probe...

@[
    dma_buf_vmap+1
    dma_buf_vmap_unlocked+184
    npu_map+36
, cam]: 12
@[
    other+1
]: 3

        dma_buf_vmap+1
        gpu_map+36

Lost 5 events
`;
  const { mappings, summary } = readTraceText(text);
  assert.deepEqual(mappings, [
    {
      kind: 'mapping',
      form: 'bpftrace',
      line: 4,
      task: { comm: 'cam' },
      path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'npu_map'],
      count: 12,
    },
    { kind: 'mapping', form: 'bpftrace', line: 12, path: ['dma_buf_vmap', 'gpu_map'] },
  ]);
  assert.deepEqual([summary.mappings, summary.lostEvents], [13, 5]);
});

test('CollapsedImporter reads stacks with their counts', () => {
  const text = 'rec;npu_map;dma_buf_vmap_unlocked;dma_buf_vmap;system_heap_vmap;vmap_[k] 42\nrec;other 7\n';
  const { mappings } = readTraceText(text);
  assert.deepEqual(mappings, [
    {
      kind: 'mapping',
      form: 'collapsed',
      line: 1,
      path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'npu_map', 'rec'],
      inside: ['vmap', 'system_heap_vmap'],
      count: 42,
    },
  ]);
});

test('OwnJsonImporter counts lines that claim to be ours and are not', () => {
  const good = '{"kind":"mapping","form":"event","line":1,"path":["dma_buf_vmap"]}';
  const bad = [
    '{"kind":"mapping","form":"event","line":1,"path":[]}',
    '{"kind":"mapping","form":"event","line":-1,"path":["dma_buf_vmap"]}',
    '{"kind":"mapping","form":"other","line":1,"path":["dma_buf_vmap"]}',
    '{"kind":"mapping","form":"event","line":1,"path":["dma_buf_vmap"],"constructor":1}',
    '{"kind":"mapping","form":"event","line":1,"path":["dma_buf',
  ];
  const { mappings, summary } = readTraceText([good, ...bad].join('\n'));
  assert.equal(mappings.length, 1);
  assert.deepEqual(
    summary.unreadableLines.map(({ line }) => line),
    [2, 3, 4, 5, 6],
  );
});

test('TraceImporter reads a source that holds several forms', () => {
  const text = [
    '[    1.000001] dma_buf_vmap+0x1/0x2',
    '[    1.000002] npu_map+0x1/0x2',
    '',
    ' 1) ! 123.456 us  |  dma_buf_vmap();',
    '     cam-7  [000] ..... 10.000000: a: (dma_buf_vmap+0x4/0xf0) size=4096',
    PERF,
  ].join('\n');
  assert.deepEqual(
    readTraceText(text)
      .mappings.map(({ form }) => form)
      .toSorted(),
    ['event', 'function_graph', 'kernel-log', 'perf-script', 'perf-script'],
  );
});
