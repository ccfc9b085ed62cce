import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contiguousHeapNames, describeHeapName, isCmaHeapName, meaningOfHeapName } from './heap-names.ts';

test('meaningOfHeapName() knows heaps whose buffers the CPU may not map, of mainline and of vendors', () => {
  for (const name of [
    'protected,secure-video',
    'protected,secure-video-record',
    'protected,trusted-ui',
    'restricted_mtk_cm',
    'restricted_mtk_cma',
    'mtk_svp_page-uncached',
    'mtk_prot_region-uncached',
    'qcom,secure-pixel',
    'qcom,secure-non-pixel',
    'vframe-secure',
    'secure',
  ])
    assert.equal(meaningOfHeapName(name).cpuMappable, false, name);
  for (const name of [
    'system',
    'linux,cma',
    'insecure',
    'non-secure',
    'unprotected',
    'system-unrestricted',
    'protocol',
  ])
    assert.equal(meaningOfHeapName(name).cpuMappable, true, name);
});

test('describeHeapName() says the consequence of a name', () => {
  for (const [name, description] of [
    ['system', 'scattered pages of the whole memory'],
    ['qcom,system', 'scattered pages of the whole memory'],
    ['system-dma32', 'scattered pages, below 4 GiB'],
    ['system-uncached', 'scattered pages, uncached: reading it with the CPU is slow'],
    ['cma-uncached', 'a contiguous area, uncached: reading it with the CPU is slow'],
    [
      'protected,trusted-ui',
      'memory for protected content, closed to the CPU: its buffers can be passed on to devices, and not be mapped',
    ],
    [
      'restricted_mtk_cma',
      'a contiguous area, by its name, closed to the CPU: its buffers can be passed on to devices, and not be mapped',
    ],
    ['npu', 'a heap whose name says nothing'],
  ] as const)
    assert.equal(describeHeapName(name), description);
});

test("meaningOfHeapName() names the driver of mainline's heaps, and none of vendors' heaps", () => {
  const drivers = (names: readonly string[]): unknown[] => names.map((name) => meaningOfHeapName(name).driver?.module);
  assert.deepEqual(drivers(['system']), ['system_heap']);
  assert.deepEqual(
    drivers(['default_cma_region', 'linux,cma', 'reserved', 'default-pool', 'cma']),
    Array.from({ length: 5 }, () => 'cma_heap'),
  );
  assert.deepEqual(
    drivers(['vidbuf_cached', 'rk-dma-heap-cma', 'system-uncached', 'carveout_npu']),
    Array.from({ length: 4 }, () => undefined),
  );
});

test('contiguousHeapNames() leaves out heaps that the CPU cannot use', () => {
  assert.deepEqual(contiguousHeapNames(['restricted_mtk_cma', 'cma-uncached', 'system', 'reserved']), [
    'reserved',
    'cma-uncached',
  ]);
  assert.deepEqual([isCmaHeapName('reserved'), isCmaHeapName('carveout_npu')], [true, false]);
});
