import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadOrder, parseModules } from '../../vm/module-order.ts';

/**
 * As depmod writes it: everything a module needs, directly or not, what must be loaded first last.
 */
const MODULES_DEP = `kernel/drivers/gpu/drm/drm.ko.xz:
kernel/drivers/gpu/drm/drm_kms_helper.ko.xz: kernel/drivers/gpu/drm/drm.ko.xz
kernel/drivers/gpu/drm/virtio/virtio-gpu.ko.xz: kernel/drivers/virtio/virtio_dma_buf.ko.xz kernel/drivers/gpu/drm/drm_kms_helper.ko.xz kernel/drivers/gpu/drm/drm.ko.xz
kernel/drivers/gpu/drm/vgem/vgem.ko.xz: kernel/drivers/gpu/drm/drm.ko.xz
kernel/drivers/virtio/virtio_dma_buf.ko.xz:
`;

test('loadOrder() puts every module behind those it needs, and each once', () => {
  assert.deepEqual(loadOrder(parseModules(MODULES_DEP), ['virtio-gpu', 'vgem']), [
    'kernel/drivers/gpu/drm/drm.ko.xz',
    'kernel/drivers/gpu/drm/drm_kms_helper.ko.xz',
    'kernel/drivers/virtio/virtio_dma_buf.ko.xz',
    'kernel/drivers/gpu/drm/virtio/virtio-gpu.ko.xz',
    'kernel/drivers/gpu/drm/vgem/vgem.ko.xz',
  ]);
});

test('loadOrder() finds a module by its name with dashes or underscores, and leaves out what there is not', () => {
  const entries = parseModules(MODULES_DEP);
  assert.deepEqual(loadOrder(entries, ['virtio-dma-buf', 'ext4']), ['kernel/drivers/virtio/virtio_dma_buf.ko.xz']);
  assert.equal(loadOrder(entries, ['virtio_gpu']).length, 4);
});
