import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTraceFixture, readTraceText } from '../../../test/support/traces/read-text.ts';
import { nameConsumer } from './consumer.ts';
import type { MappingEvent } from '../mapping-event.ts';
import { TraceAnalysis } from './trace-analysis.ts';
import type { TraceReport } from './trace-analysis.ts';

function analyze(text: string): TraceReport {
  const { mappings, unmappings, summary } = readTraceText(text);
  const analysis = new TraceAnalysis();
  const inOrder = [...mappings, ...unmappings].toSorted((one, other) => one.line - other.line);
  for (const record of [...inOrder, summary]) analysis.add(record);
  return analysis.report();
}

test("TraceAnalysis names the mail's callers out of tree, with the build ids of their modules", () => {
  const { callers, findings, savings } = analyze(readTraceFixture('mail-call-traces.txt'));
  assert.deepEqual(
    callers.map(({ consumer }) => consumer),
    [
      {
        name: 'mtk_aov, aov_core_init',
        driver: 'mtk_aov',
        origin: 'out-of-tree',
        buildId: '96e2e5e9457dcdacce3a7629b0600c5dbeca623b',
      },
      {
        name: 'mtk_cam_isp8s, mtk_cam_vb2_vaddr',
        driver: 'mtk_cam_isp8s',
        origin: 'out-of-tree',
        buildId: '0cf9be6c773a8f14aab9db9ebf53feacb499846a',
      },
      {
        name: 'apusys, apu_sysmem_alloc',
        driver: 'apusys',
        origin: 'out-of-tree',
        buildId: '8fb33cbce3b858d651b9da26fc370090a67cfb70',
      },
    ],
  );
  assert.deepEqual(
    findings.map(({ text }) => text),
    ['fbdev emulation: no mapping in 110 s'],
  );
  // No sizes, no durations and no buffers: nothing can be said of savings.
  assert.deepEqual(savings, {});
});

const CONSUMERS = [
  [['dma_buf_vmap'], 'unknown caller', 'unknown'],
  [['dma_buf_vmap_unlocked', 'vb2_vmalloc_map_dmabuf', '__prepare_dmabuf'], 'videobuf2 vmalloc', 'in-tree'],
  [
    ['dma_buf_vmap', 'drm_gem_shmem_vmap', 'drm_gem_fb_vmap', 'cirrus_pipe_update'],
    'DRM shmem helper, cirrus',
    'in-tree',
  ],
  [['dma_buf_vmap', 'drm_gem_shmem_vmap_locked', 'drm_client_buffer_vmap'], 'fbdev emulation', 'in-tree'],
  [['dma_buf_vmap', 'map_external', 'vmw_external_bo_copy'], 'DRM, vmwgfx', 'in-tree'],
  [['dma_buf_vmap', 'npu_map'], 'npu_map', 'out-of-tree'],
] as const;

for (const [path, name, origin] of CONSUMERS) {
  test(`nameConsumer says ${name} of ${path.join(' < ')}`, () => {
    const consumer = nameConsumer({ path });
    assert.deepEqual([consumer.name, consumer.origin], [name, origin]);
  });
}

test("nameConsumer does not guess where a driver on mainline's interfaces is from, and believes the log's flag", () => {
  const path = ['dma_buf_vmap_unlocked', 'vb2_dc_vaddr', 'vb2_plane_vaddr', 'isp_fill'];
  const isp = { name: 'isp', functions: ['isp_fill'] };
  assert.equal(nameConsumer({ path, modules: [isp] }).origin, 'unknown');
  assert.equal(nameConsumer({ path, modules: [{ ...isp, isOutOfTree: true }] }).origin, 'out-of-tree');
});

/** One buffer, mapped and unmapped for each of 11 frames, 60 a second. */
const FRAMES = Array.from({ length: 11 }, (_, frame) => {
  const at = (us: number): string => (10 + (frame * 16_000 + us) / 1e6).toFixed(6);
  return `     cam-7  [000] ..... ${at(0)}: a: (dma_buf_vmap+0x4/0xf0) size=1572864 buf=0xffff888100000000
     cam-7  [000] ..... ${at(640)}: r: (npu_map+0x3b/0x60 <- dma_buf_vmap) ret=0
     cam-7  [000] ..... ${at(1000)}: u: (dma_buf_vunmap+0x4/0xf0) buf=0xffff888100000000
`;
}).join('');

test('TraceAnalysis finds mappings of one buffer over and over, each for one use', () => {
  const { callers, findings, savings } = analyze(FRAMES);
  assert.deepEqual(callers[0]?.buffers, { count: 1, repeatCount: 10, repeatNs: 6_400_000, oneUseCount: 11 });
  assert.equal(callers[0].medianNs, 640_000);
  assert.deepEqual(
    findings.map(({ text }) => text),
    [
      'npu_map mapped one buffer 11 times, once each would do: 10 mappings too many, which took 6.40 ms',
      'npu_map unmaps what it mapped before it maps it again: 11 of 11 mappings were for one use',
      'npu_map maps 1.5 MiB 62.5 times a second, 4.40 % of a core',
    ],
  );
  assert.deepEqual([savings.mappedOnce?.lowNs, savings.mappedOnce?.highNs], [6_400_000, 6_400_000]);
});

test('TraceAnalysis divides the time of mappings, and leaves those out that were disturbed', () => {
  const graph = (conversionUs: string): string => ` 0)               |  dma_buf_vmap() {
 0)               |    system_heap_vmap() {
 0)   1.000 us    |      mutex_lock();
 0)   2.000 us    |      vmalloc_noprof();
 0)   0.500 us    |      vmap();
 0)   3.000 us    |      vfree();
 0)   ${conversionUs} us   |    }
 0)   20.000 us   |  }
`;
  const disturbed = graph('19.500').replace(' 0)   1.000', ' 0)   ==========> |\n 0)   <========== |\n 0)   1.000');
  const { callers, savings } = analyze(`${graph('16.500')}${disturbed}`);
  assert.deepEqual(callers[0]?.partTimes, {
    'page-array': 2000,
    'sg-to-pages': 10_000,
    vmap: 500,
    free: 3000,
    'lock-wait': 1000,
    other: 3500,
  });
  const { dividedCount, tracedCount, disturbedCount, medianNs } = callers[0];
  assert.deepEqual([dividedCount, tracedCount, disturbedCount, medianNs], [1, 1, 1, 20_000]);
  assert.equal(Math.round(savings.byEntry?.lowNs ?? 0), 8305);
  assert.equal(Math.round(savings.byEntry?.highNs ?? 0), 8387);
  assert.deepEqual([savings.batched?.lowNs, Math.round(savings.batched?.highNs ?? 0)], [0, 440]);
});

/** A mapping of 20 µs whose caller waited `waitNs` for the lock before. */
function mappingAfterWait(waitNs: number): MappingEvent {
  return {
    kind: 'mapping',
    form: 'event',
    line: 1,
    path: ['dma_buf_vmap', 'dma_buf_vmap_unlocked'],
    durationNs: 20_000,
    parts: [
      { name: 'ww_mutex_lock', depth: 0, ns: waitNs },
      { name: 'system_heap_vmap', depth: 1, ns: 18_000 },
      { name: 'vmap', depth: 2, ns: 5000 },
    ],
  };
}

test("TraceAnalysis adds the wait for the buffer's lock, which is no part of the duration", () => {
  const analysis = new TraceAnalysis();
  analysis.add(mappingAfterWait(300_000));
  const { callers, findings } = analysis.report();
  const { partTimes, totalNs } = callers[0] ?? assert.fail();
  assert.deepEqual(
    [partTimes, totalNs],
    [{ 'page-array': 0, 'sg-to-pages': 13_000, vmap: 5000, free: 0, 'lock-wait': 300_000, other: 2000 }, 20_000],
  );
  const wait = findings.find(({ kind }) => kind === 'lock-wait');
  // 300 of 320 µs.
  assert.match(wait?.text ?? '', /^.+ waited 0\.30 ms for locks in one mapping, 93\.8 % of their time: somebody else/u);
  assert.equal(wait?.evidence['waitedNs'], 300_000);
});

test('TraceAnalysis finds no wait where nobody else had the lock', () => {
  const analysis = new TraceAnalysis();
  for (const ns of [2000, 9000]) analysis.add(mappingAfterWait(ns));
  assert.deepEqual(
    analysis.report().findings.filter(({ kind }) => kind === 'lock-wait'),
    [],
  );
});

test('TraceAnalysis takes the cost that is given, and refuses what is none', () => {
  const analysis = new TraceAnalysis();
  for (const record of readTraceText(FRAMES).mappings) analysis.add(record);
  const { savings } = analysis.report({ byPageNs: 3, byEntryNs: 1 });
  // 11 times 384 pages, 2 ns each.
  assert.deepEqual([savings.byEntry?.lowNs, savings.byEntry?.highNs], [8448, 8448]);
  assert.throws(() => analysis.report({ byPageNs: -1, byEntryNs: 1 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => analysis.report({ byPageNs: '3' as never, byEntryNs: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('TraceAnalysis counts refusals by name', () => {
  const { findings } = analyze(FRAMES.replaceAll('ret=0', 'ret=-12'));
  assert.ok(findings.some(({ text }) => text === 'npu_map was refused 11 of 11 mappings, with ENOMEM'));
});

test('TraceAnalysis tells a conversion of heaps that convert only', () => {
  const mappingBy = (exporter: string) => ({
    kind: 'mapping' as const,
    form: 'event' as const,
    line: 1,
    path: ['dma_buf_vmap', 'vb2_vmalloc_map_dmabuf'],
    sizeBytes: 614_400,
    durationNs: 20_000,
    parts: [
      { name: exporter, depth: 1, ns: 18_000 },
      { name: 'vmap', depth: 2, ns: 5000 },
    ],
  });
  const partsBy = (exporter: string) => {
    const analysis = new TraceAnalysis();
    analysis.add(mappingBy(exporter));
    const { 'sg-to-pages': conversion, other } = analysis.report().callers[0]?.partTimes ?? assert.fail();
    return { conversion, other, isSaving: analysis.report().savings.byEntry !== undefined };
  };
  assert.deepEqual(partsBy('system_heap_vmap'), { conversion: 13_000, other: 2000, isSaving: true });
  // It allocates its pages at the first mapping.
  assert.deepEqual(partsBy('drm_gem_dmabuf_vmap'), { conversion: 0, other: 15_000, isSaving: false });
  assert.deepEqual(partsBy('vmap_udmabuf'), { conversion: 0, other: 15_000, isSaving: false });
  assert.deepEqual(partsBy('cma_heap_vmap'), { conversion: 0, other: 15_000, isSaving: false });
});
