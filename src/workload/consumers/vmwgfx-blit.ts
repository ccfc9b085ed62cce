import { DmaBufError } from '../../base/errors.ts';
import type { Rectangle } from '../../base/rectangle.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { nullWhereRefused } from '../kernel/null-where-refused.ts';
import { PixelRows } from './pixel-rows.ts';
import type { PixelLayout } from './pixel-rows.ts';

const DRIVER = 'vmwgfx';
const MAP = ['map_external', 'vmw_external_bo_copy', 'vmw_bo_cpu_blit', 'vmw_stdu_bo_cpu_commit'];
const UNMAP = ['unmap_external', 'vmw_external_bo_copy', 'vmw_bo_cpu_blit', 'vmw_stdu_bo_cpu_commit'];

/**
 * VMware's blit by the CPU where a buffer is imported: maps source and target whole, copies rows,
 * unmaps both (drivers/gpu/drm/vmwgfx/vmwgfx_blit.c, vmw_external_bo_copy). Left out: buffers of
 * its own, which it maps page by page.
 *
 * @throws {DmaBufError} `ENOMEM` where one of them cannot be mapped: neither stays mapped
 */
export async function blitByVmwgfx(
  kernel: KernelFunctions,
  { source, target }: { readonly source: DmaBuf; readonly target: DmaBuf },
  { layout, rectangle }: { readonly layout: PixelLayout; readonly rectangle: Rectangle },
): Promise<void> {
  const from = await mapExternal(kernel, source);
  const to = await mapExternal(kernel, target);
  try {
    if (from === undefined || to === undefined)
      throw new DmaBufError('Cannot blit as a buffer cannot be mapped', { code: 'ENOMEM' });
    new PixelRows(from, layout).copyTo(new PixelRows(to, layout), rectangle);
  } finally {
    if (from !== undefined) await unmapExternal(kernel, source);
    if (to !== undefined) await unmapExternal(kernel, target);
  }
}

async function mapExternal(kernel: KernelFunctions, buffer: DmaBuf): Promise<BufferView | undefined> {
  const map = (): BufferView => kernel.vmap(buffer, { path: MAP, driver: DRIVER });
  return await nullWhereRefused(async () => await kernel.reserve(buffer, map));
}

async function unmapExternal(kernel: KernelFunctions, buffer: DmaBuf): Promise<void> {
  await kernel.reserve(buffer, () => kernel.vunmap(buffer, { path: UNMAP, driver: DRIVER }));
}
