/** Debian's kernel 6.12: who maps dma-bufs in it, against what a reader of the source finds. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { findSourceCallers } from '../../src/trace/source/find-source-callers.ts';
import type { CallNode, SourceCallers } from '../../src/trace/source/find-source-callers.ts';
import { findKernelSource } from '../../vm/kernel-source.ts';

const source = findKernelSource();
const skip = 'missing' in source && source.missing;
const folder = 'missing' in source ? '' : source.folder;
const found = skip === false ? await findSourceCallers(folder) : undefined;

function result(): SourceCallers {
  assert.ok(found !== undefined);
  return found;
}

/** Lines move with each release of Debian's: places are told by their files and functions. */
function callersOf(callee: string): string[] {
  return result()
    .calls.filter((call) => call.callee === callee)
    .map(({ file, caller }) => `${file} ${caller}`);
}

function nodeNamed(name: string): CallNode {
  const node = result().nodes.find((one) => one.name === name);
  assert.ok(node !== undefined, name);
  return node;
}

/** The names on a way from `name` down to `dma_buf_vmap`, by the first step of each. */
function wayDown(name: string): string[] {
  const names: string[] = [];
  let node: CallNode | undefined = nodeNamed(name);
  while (node !== undefined && names.length < 20) {
    names.push(node.name);
    const next: string | undefined = node.leadsTo[0]?.id;
    node = result().nodes.find(({ id }) => id === next);
  }
  return names;
}

test('findSourceCallers() finds the five places that the mail lists', { skip }, () => {
  assert.deepEqual(callersOf('dma_buf_vmap'), [
    'drivers/dma-buf/dma-buf.c dma_buf_vmap_unlocked',
    'drivers/gpu/drm/drm_gem_shmem_helper.c drm_gem_shmem_vmap',
    'drivers/gpu/drm/etnaviv/etnaviv_gem_prime.c etnaviv_gem_prime_vmap_impl',
    'drivers/gpu/drm/vmwgfx/vmwgfx_blit.c map_external',
    'drivers/gpu/drm/vmwgfx/vmwgfx_gem.c vmw_gem_vmap',
  ]);
});

test('findSourceCallers() finds what the mail leaves out: the callers of dma_buf_vmap_unlocked', { skip }, () => {
  assert.deepEqual(callersOf('dma_buf_vmap_unlocked'), [
    'drivers/gpu/drm/drm_gem_dma_helper.c drm_gem_dma_prime_import_sg_table_vmap',
    'drivers/gpu/drm/i915/gem/selftests/i915_gem_dmabuf.c igt_dmabuf_import',
    'drivers/gpu/drm/i915/gem/selftests/i915_gem_dmabuf.c igt_dmabuf_import_ownership',
    'drivers/gpu/drm/i915/gem/selftests/i915_gem_dmabuf.c igt_dmabuf_export_vmap',
    'drivers/gpu/drm/tegra/gem.c tegra_bo_mmap',
    'drivers/media/common/videobuf2/videobuf2-dma-contig.c vb2_dc_vaddr',
    'drivers/media/common/videobuf2/videobuf2-dma-sg.c vb2_dma_sg_vaddr',
    'drivers/media/common/videobuf2/videobuf2-vmalloc.c vb2_vmalloc_map_dmabuf',
  ]);
});

test('findSourceCallers() names lines that have the call', { skip }, () => {
  for (const { file, line, text, callee } of result().calls.filter(({ depth }) => depth === 0)) {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n');
    assert.equal(lines[line - 1]?.trim(), text);
    assert.ok(text.includes(`${callee}(`), text);
  }
});

test('findSourceCallers() goes through the members of structs that lead to a call', { skip }, () => {
  assert.deepEqual(callersOf('drm_gem_object_funcs.vmap'), ['drivers/gpu/drm/drm_gem.c drm_gem_vmap']);
  assert.deepEqual(callersOf('vb2_mem_ops.vaddr'), ['drivers/media/common/videobuf2/videobuf2-core.c vb2_plane_vaddr']);
  assert.deepEqual(callersOf('vb2_mem_ops.map_dmabuf'), [
    'drivers/media/common/videobuf2/videobuf2-core.c __prepare_dmabuf',
  ]);
  assert.deepEqual(callersOf('host1x_bo_ops.mmap'), ['include/linux/host1x.h host1x_bo_mmap']);
  assert.deepEqual(callersOf('etnaviv_gem_ops.vmap'), ['drivers/gpu/drm/etnaviv/etnaviv_gem.c etnaviv_gem_vmap']);
  assert.deepEqual(callersOf('drm_driver.gem_prime_import_sg_table'), [
    'drivers/gpu/drm/drm_prime.c drm_gem_prime_import_dev',
  ]);
  assert.deepEqual(callersOf('drm_plane_helper_funcs.begin_fb_access'), [
    'drivers/gpu/drm/drm_atomic_helper.c drm_atomic_helper_prepare_planes',
  ]);
});

test('findSourceCallers() finds who sets those members, also by macros of headers', { skip }, () => {
  const holdersOf = (name: string): string[] =>
    nodeNamed(name).leadsTo.flatMap(({ id, holder }) => [`${holder} ${id.replace(/ drivers.*/u, '')}`]);
  assert.deepEqual(holdersOf('vb2_mem_ops.vaddr').toSorted(), [
    'vb2_dma_contig_memops function vb2_dc_vaddr',
    'vb2_dma_sg_memops function vb2_dma_sg_vaddr',
  ]);
  assert.deepEqual(holdersOf('vb2_mem_ops.map_dmabuf'), ['vb2_vmalloc_memops function vb2_vmalloc_map_dmabuf']);
  assert.deepEqual(holdersOf('host1x_bo_ops.mmap'), ['tegra_bo_ops function tegra_bo_mmap']);
  const drivers = holdersOf('drm_driver.gem_prime_import_sg_table');
  assert.ok(
    drivers.includes('ili9341_dbi_driver filler DRM_GEM_DMA_DRIVER_OPS_VMAP.gem_prime_import_sg_table'),
    drivers.join('\n'),
  );
  const planes = holdersOf('drm_plane_helper_funcs.begin_fb_access').join('\n');
  assert.match(planes, /filler DRM_GEM_SHADOW_PLANE_HELPER_FUNCS\.begin_fb_access/u);
  // Members of the same names that lead elsewhere.
  assert.doesNotMatch(holdersOf('drm_gem_object_funcs.vmap').join('\n'), /drm_gem_dma_object_vmap|drm_gem_ttm_vmap/u);
});

test('findSourceCallers() shows the way from an atomic commit down to the call', { skip }, () => {
  const way = wayDown('drm_gem_begin_shadow_fb_access');
  assert.deepEqual(way.slice(0, 5), [
    'drm_gem_begin_shadow_fb_access',
    'drm_gem_fb_vmap',
    'drm_gem_vmap_unlocked',
    'drm_gem_vmap',
    'drm_gem_object_funcs.vmap',
  ]);
  assert.equal(way.at(-1), 'dma_buf_vmap');
});

test('findSourceCallers() stops at interfaces, with the calls of drivers', { skip }, () => {
  const [end] = nodeNamed('vb2_plane_vaddr').ends;
  assert.ok(end?.reason === 'interface');
  const files = new Set(end.calls.map(({ file }) => file));
  assert.ok(files.has('drivers/media/test-drivers/vivid/vivid-kthread-cap.c'));
  assert.ok(files.has('drivers/media/test-drivers/vim2m.c'));
  for (const name of ['host1x_bo_mmap', 'drm_client_buffer_vmap', 'vb2_core_qbuf', 'drm_atomic_helper_prepare_planes'])
    assert.equal(nodeNamed(name).ends[0]?.reason, 'interface', name);
});

test('findSourceCallers() tells that etnaviv maps without the reservation lock, and vmwgfx with it', { skip }, () => {
  const callers = new Set(result().unlocked.map(({ caller }) => caller));
  const direct = ['etnaviv_gem_prime_vmap_impl', 'map_external', 'vmw_gem_vmap', 'dma_buf_vmap_unlocked'];
  assert.deepEqual(
    direct.map((name) => callers.has(name)),
    [true, false, false, false],
  );
});

test('findSourceCallers() lists the exporters: heaps, udmabuf, videobuf2, graphics', { skip }, () => {
  const names = new Set(result().exporters.map(({ name }) => name));
  for (const name of [
    'system_heap_vmap',
    'cma_heap_vmap',
    'vmap_udmabuf',
    'vb2_dc_dmabuf_ops_vmap',
    'drm_gem_dmabuf_vmap',
  ])
    assert.ok(names.has(name), name);
});
