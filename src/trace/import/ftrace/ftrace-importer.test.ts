import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTraceFixture, readTraceText } from '../../../../test/support/traces/read-text.ts';
import type { MappingEvent } from '../../mapping-event.ts';

/** vivid's queue takes a buffer: as a kernel 6.12 printed it. */
const QBUF_PATH = [
  'dma_buf_vmap',
  'dma_buf_vmap_unlocked',
  'vb2_vmalloc_map_dmabuf',
  '__prepare_dmabuf',
  '__buf_prepare',
  'vb2_core_qbuf',
  'vb2_qbuf',
  '__video_do_ioctl',
  'video_usercopy',
  'v4l2_ioctl',
  '__x64_sys_ioctl',
  'do_syscall_64',
  'entry_SYSCALL_64_after_hwframe',
];

test('FtraceImporter joins an fprobe event, its stack without the frames of the probe, and its return', () => {
  const { mappings, summary } = readTraceText(readTraceFixture('events-fprobe.txt'));
  assert.equal(mappings.length, 4);
  assert.deepEqual(mappings[0], {
    kind: 'mapping',
    form: 'event',
    line: 13,
    time: 50.774522,
    cpu: 0,
    task: { comm: 'rec', pid: 192 },
    path: QBUF_PATH,
    sizeBytes: 614_400,
    exporter: 'system',
    buffer: '0xff12157a40b69c00',
    durationNs: 1_221_000,
    result: 0,
  });
  assert.deepEqual([summary.mappings, summary.unreadableLines, summary.lostEvents], [4, [], 0]);
});

/**
 * Fixture, line, time and duration of the first mapping. Two stacks follow each event: one counts.
 */
const RECORDINGS = [
  ['events-sym-offset.txt', 13, 51.050688, 363_000],
  ['events-tgid.txt', 13, 51.152713, 880_000],
  ['events-no-irq-info.txt', 7, 51.260489, 367_000],
] as const;

for (const [name, line, time, durationNs] of RECORDINGS) {
  test(`FtraceImporter reads ${name} as a kernel printed it`, () => {
    const { mappings, summary } = readTraceText(readTraceFixture(name));
    assert.equal(mappings.length, 4);
    const first = mappings[0] ?? assert.fail();
    assert.deepEqual([first.line, first.time, first.durationNs, first.path], [line, time, durationNs, QBUF_PATH]);
    assert.deepEqual(first.modules?.slice(0, 2), [
      { name: 'videobuf2_vmalloc', functions: ['vb2_vmalloc_map_dmabuf'] },
      { name: 'videobuf2_common', functions: ['__prepare_dmabuf', '__buf_prepare', 'vb2_core_qbuf'] },
    ]);
    assert.deepEqual(summary.unreadableLines, []);
  });
}

test('FtraceImporter chains the callers that the function tracer prints', () => {
  const { mappings, unmappings } = readTraceText(readTraceFixture('function.txt'));
  assert.equal(mappings.length, 4);
  assert.equal(unmappings.length, 4);
  assert.deepEqual(mappings[0], {
    kind: 'mapping',
    form: 'function',
    line: 14,
    time: 49.548186,
    cpu: 0,
    task: { comm: 'rec', pid: 187 },
    path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'vb2_vmalloc_map_dmabuf'],
    inside: ['vfree', 'vmap', 'system_heap_vmap'],
  });
});

test('FtraceImporter takes the stacks of the function tracer', () => {
  const { mappings } = readTraceText(readTraceFixture('function-stack-trace.txt'));
  assert.deepEqual(
    mappings.map(({ path }) => path),
    [QBUF_PATH, QBUF_PATH, QBUF_PATH, QBUF_PATH],
  );
});

const LIVE = `     cam-7  [000] ..... 10.000000: vmap_entry: (dma_buf_vmap+0x4/0xf0) size=4096 exp="system" buf=0xffff888100000000
     cam-7  [000] ..... 10.000010: heap_entry: (system_heap_vmap+0x4/0xf0)
     cam-7  [000] ..... 10.000011: array_entry: (vmalloc_noprof+0x4/0xf0)
     cam-7  [000] ..... 10.000013: array_return: (system_heap_vmap+0x40/0xf0 <- vmalloc_noprof) ret=0xffffc90000000000
     cam-7  [000] ..... 10.000020: map_entry: (vmap+0x4/0xf0)
     cam-7  [000] ..... 10.000050: map_return: (system_heap_vmap+0x80/0xf0 <- vmap)
     cam-7  [000] ..... 10.000060: heap_return: (dma_buf_vmap+0x40/0xf0 <- system_heap_vmap) ret=0
     cam-7  [001] ..... 10.000062: vmap_return: (dma_buf_vmap_unlocked+0x3b/0x60 <- dma_buf_vmap) ret=0xfffffff4
`;

test('FtraceImporter makes parts of the probes that lie within a mapping', () => {
  const [mapping] = readTraceText(LIVE).mappings;
  assert.deepEqual(mapping?.parts, [
    { name: 'system_heap_vmap', depth: 1, ns: 50_000 },
    { name: 'vmalloc_noprof', depth: 2, ns: 2000 },
    { name: 'vmap', depth: 2, ns: 30_000 },
  ]);
  assert.deepEqual(mapping.path, ['dma_buf_vmap', 'dma_buf_vmap_unlocked']);
  assert.equal(mapping.durationNs, 62_000);
  assert.equal(mapping.result, -12);
  assert.deepEqual(mapping.marks, ['moved']);
});

const LOCKED = LIVE.replace(
  /^/u,
  '     cam-7  [001] ..... 9.999930: dma_buf_vmap_unlocked: (dma_buf_vmap_unlocked+0x4/0x60)\n',
);

test("FtraceImporter takes the time between the two entries for the wait for the buffer's lock", () => {
  const [mapping] = readTraceText(LOCKED).mappings;
  assert.deepEqual(mapping?.parts?.slice(0, 2), [
    { name: 'ww_mutex_lock', depth: 0, ns: 70_000 },
    { name: 'system_heap_vmap', depth: 1, ns: 50_000 },
  ]);
  assert.equal(mapping.durationNs, 62_000, 'the wait is no part of it');
});

test("FtraceImporter tells no wait where the stack says that the caller took the buffer's lock by itself", () => {
  const [, entry = '', ...others] = LOCKED.split('\n');
  const stack = ['     cam-7  [000] ..... 10.000001: <stack trace>', ' => dma_buf_vmap', ' => drm_gem_shmem_vmap'];
  const text = [LOCKED.split('\n')[0], entry, ...stack, ...others].join('\n');
  const [mapping] = readTraceText(text).mappings;
  assert.deepEqual(
    [mapping?.path, mapping?.parts?.map(({ depth }) => depth)],
    [
      ['dma_buf_vmap', 'drm_gem_shmem_vmap'],
      [1, 2, 2],
    ],
  );
});

test('FtraceImporter tells no wait for the lock where another task wanted the processor before', () => {
  const [mapping] = readTraceText(LOCKED.replace('[001] .....', '[001] .N...')).mappings;
  assert.deepEqual([mapping?.parts?.map(({ depth }) => depth), mapping?.marks], [[1, 2, 2], ['moved']]);
});

test("FtraceImporter takes no call for a mapping that waits for the buffer's lock when the trace ends", () => {
  const waiting = LOCKED.split('\n', 1)[0]?.replace('9.999930', '11.000000') ?? '';
  const { mappings, summary } = readTraceText(`${LOCKED}${waiting}\n`);
  assert.deepEqual([mappings.length, summary.mappings], [1, 1]);
});

test('FtraceImporter says null where the trace has returns and one is missing, and nothing where it has none', () => {
  const [entry = '', ...others] = LIVE.split('\n');
  const withReturns = [entry, ...others, entry.replace('10.000000', '11.000000')].join('\n');
  assert.deepEqual(
    readTraceText(withReturns).mappings.map(({ durationNs }) => durationNs),
    [62_000, null],
  );
  assert.equal('durationNs' in (readTraceText(entry).mappings[0] ?? assert.fail()), false);
});

test('FtraceImporter calls stacks of other events samples', () => {
  const text = `     cam-7  [000] ..... 10.000000: mm_page_alloc: page=0 pfn=1 order=0
     cam-7  [000] ..... 10.000001: <stack trace>
 => __alloc_pages
 => vmap
 => dma_buf_vmap
 => npu_map [npu]
`;
  const [mapping] = readTraceText(text).mappings;
  assert.deepEqual(
    [mapping?.path, mapping?.inside, mapping?.marks],
    [['dma_buf_vmap', 'npu_map'], ['__alloc_pages', 'vmap'], ['sample']],
  );
});

test('FtraceImporter reads function_graph as trace-cmd reports it', () => {
  const text = `cpus=2
             cam-7     [001]    10.000001: funcgraph_entry:                   |  npu_map() {
             cam-7     [001]    10.000002: funcgraph_entry:                   |    dma_buf_vmap() {
             cam-7     [001]    10.000003: funcgraph_entry:        2.500 us   |      vmap();
             cam-7     [001]    10.000104: funcgraph_exit:       ! 102.000 us |    }
             cam-7     [001]    10.000105: funcgraph_exit:       ! 104.000 us |  }
CPU:1 [3 EVENTS DROPPED]
`;
  const { mappings, summary } = readTraceText(text);
  assert.deepEqual(mappings, [
    {
      kind: 'mapping',
      form: 'trace-cmd',
      line: 3,
      time: 10.000002,
      cpu: 1,
      task: { comm: 'cam', pid: 7 },
      path: ['dma_buf_vmap', 'npu_map'],
      durationNs: 102_000,
      parts: [{ name: 'vmap', depth: 1, ns: 2500 }],
    },
  ]);
  assert.equal(summary.lostEvents, 3);
});

test('FtraceImporter reads systrace pages, also those whose trace is a string', () => {
  const flat = [
    '          cam-7     (    7) [000] ...1    10.000000: graph_ent: func=dma_buf_vmap',
    '          cam-7     (    7) [000] ...1    10.000100: graph_ret: func=dma_buf_vmap',
  ];
  const page = [
    '<!DOCTYPE html>',
    '<html>',
    '<script class="trace-data" type="application/text">',
    ...flat,
    '</script>',
  ];
  const older = [
    '<html>',
    String.raw`  var linuxPerfData = "\ `,
    ...flat.map((line) => String.raw`${line}\n` + '\\'),
    '";',
  ];
  for (const text of [page, older]) {
    const { mappings } = readTraceText(text.join('\n'));
    assert.deepEqual(
      mappings.map(({ form, path, durationNs }) => [form, path, durationNs]),
      [['systrace', ['dma_buf_vmap'], 100_000]],
    );
  }
});

test('FtraceImporter gives times that are no seconds as text', () => {
  const [mapping] = readTraceText('     cam-7  [000] ..... 123456: a: (dma_buf_vmap+0x4/0xf0) size=4096\n').mappings;
  assert.deepEqual([mapping?.time, mapping?.timeText], [undefined, '123456']);
});

test('FtraceImporter counts events and frames that it cannot read', () => {
  const text = `     cam-7  [000] ..... 10.000000: a: (dma_buf_vmap+0x4/0xf0)
     cam-7  [000] ..... 10.000001: <stack trace>
 => dma_buf_vmap
 => \u0001\u0002
     cam-7  [000] ..... 10.00
`;
  const { mappings, summary } = readTraceText(text);
  assert.equal(mappings.length, 1);
  assert.deepEqual(summary.unreadableLines, [{ line: 4 }, { line: 5 }]);
});

const QBUF = 'rec-192     [000] ...1.    50.774400: vb2_core_qbuf: (vb2_core_qbuf+0x4/0x4a0) driver="vivid"';

/** The first mapping of a recording, with lines put in before the one that begins so. */
function firstMappingWith(before: string, ...lines: readonly string[]): MappingEvent {
  const recorded = readTraceFixture('events-fprobe.txt');
  const at = recorded.indexOf(before);
  assert.ok(at !== -1);
  const text = `${recorded.slice(0, at)}${lines.map((line) => `${line}\n`).join('')}${recorded.slice(at)}`;
  return readTraceText(text).mappings[0] ?? assert.fail();
}

const FIRST_EVENT = '             rec-192     [000] ...1.    50.774522: a:';
const FIRST_STACK = '             rec-192     [000] ...1.    50.775164: <stack trace>';

test('FtraceImporter takes the driver from a caller that told it, and from no other', () => {
  assert.equal(firstMappingWith(FIRST_EVENT, `             ${QBUF}`).driver, 'vivid');
  const ofOtherTask = `             ${QBUF.replace('rec-192', 'rec-193')}`;
  assert.equal(firstMappingWith(FIRST_EVENT, ofOtherTask).driver, undefined);
  const notOnStack = `             ${QBUF.replaceAll('vb2_core_qbuf', 'drm_gem_vmap')}`;
  assert.equal(firstMappingWith(FIRST_EVENT, notOnStack).driver, undefined);
  const fault = `             ${QBUF.replace('"vivid"', '(fault)')}`;
  assert.equal(firstMappingWith(FIRST_EVENT, fault).driver, undefined);
});

test('FtraceImporter gives a stack to its task, where an event of another processor lies between', () => {
  const other =
    '           other-200     [001] ...1.    50.774600: a: (dma_buf_vmap+0x4/0xf0) size=4096 exp="system" buf=0xff12157a40b60000';
  const { path, task } = firstMappingWith(FIRST_STACK, other);
  assert.deepEqual([task, path], [{ comm: 'rec', pid: 192 }, QBUF_PATH]);
});

test('FtraceImporter marks a mapping during which another task waited for the processor', () => {
  const part = '             rec-192     [000] .N.1.    50.775200: vmap: (vmap+0x4/0xf0)';
  assert.deepEqual(firstMappingWith('             rec-192     [000] ...1.    50.775743: r:', part).marks, [
    'preempted',
  ]);
  assert.equal(firstMappingWith(FIRST_EVENT).marks, undefined);
});

test('FtraceImporter takes the name of a task from a field where ftrace did not note it', () => {
  const recorded = readTraceFixture('events-fprobe.txt').replaceAll('  rec-192 ', '<...>-192 ');
  assert.deepEqual(readTraceText(recorded).mappings[0]?.task, { pid: 192 });
  const told = recorded.replaceAll('size=614400 exp=', 'comm="rec" size=614400 exp=');
  assert.deepEqual(readTraceText(told).mappings[0]?.task, { comm: 'rec', pid: 192 });
});
