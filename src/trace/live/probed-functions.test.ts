import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findProbedFunctions } from './probed-functions.ts';

/** A part of that of 6.12 with vivid. */
const AVAILABLE = `\
vfree
vmap
vmap_pfn
vmalloc_noprof
vmalloc_user_noprof
vm_map_ram
__kvmalloc_node_noprof
kvfree
kvfree_call_rcu
__do_sys_getppid
__do_sys_getpid
dma_buf_vmap
dma_buf_vmap_unlocked
dma_buf_vunmap
system_heap_vmap
system_heap_vunmap
vmap_udmabuf
vunmap_udmabuf
vb2_vmalloc_dmabuf_ops_vmap [videobuf2_vmalloc]
vb2_dc_dmabuf_ops_vmap.isra.0 [videobuf2_dma_contig]
drm_gem_vmap [drm]
vb2_core_qbuf [videobuf2_common]
__cfi_dma_buf_vmap
`;

test('findProbedFunctions() finds the maps of exporters, what they call, and a system call to measure on', () => {
  assert.deepEqual(findProbedFunctions(AVAILABLE), {
    hasMap: true,
    hasUnmap: true,
    hasUnlockedMap: true,
    exporters: ['system_heap_vmap', 'vmap_udmabuf', 'vb2_vmalloc_dmabuf_ops_vmap'],
    parts: ['vmalloc_noprof', 'vmap', 'vm_map_ram', 'vfree'],
    partsOf: [
      ['__kvmalloc_node_noprof', 'vmap_udmabuf'],
      ['kvfree', 'vmap_udmabuf'],
    ],
    drivers: [
      ['vb2_core_qbuf', 'driver=q->dev->driver->name:string'],
      ['drm_gem_vmap', 'driver=obj->dev->driver->name:string'],
    ],
    calibration: '__do_sys_getppid',
  });
});

test("findProbedFunctions() leaves out udmabuf's parts where there is no udmabuf", () => {
  assert.deepEqual(findProbedFunctions(AVAILABLE.replace(/^vmap_udmabuf\n/mu, '')).partsOf, []);
});

test('findProbedFunctions() finds nothing in a kernel without dma-bufs', () => {
  const { hasMap, exporters, calibration } = findProbedFunctions('vmap\n');
  assert.deepEqual({ hasMap, exporters, calibration }, { hasMap: false, exporters: [], calibration: undefined });
});
