import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const DRIVER = 'vmwgfx';

/**
 * VMware's operations `vmap` and `vunmap` of an imported buffer, for cursors and shadows: straight
 * to the exporter, so the mapping lives as long as its caller wants
 * (drivers/gpu/drm/vmwgfx/vmwgfx_gem.c, vmw_gem_vmap). Left out: buffers of its own, which
 * TTM maps.
 */
export class VmwgfxGemObject {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;

  constructor(kernel: KernelFunctions, buffer: DmaBuf) {
    this.#kernel = kernel;
    this.#buffer = buffer;
  }

  async vmap(): Promise<BufferView> {
    const site = { path: ['vmw_gem_vmap', 'drm_gem_vmap', 'drm_gem_vmap_unlocked'], driver: DRIVER };
    return await this.#kernel.reserve(this.#buffer, () => this.#kernel.vmap(this.#buffer, site));
  }

  async vunmap(): Promise<void> {
    const site = { path: ['vmw_gem_vunmap', 'drm_gem_vunmap', 'drm_gem_vunmap_unlocked'], driver: DRIVER };
    await this.#kernel.reserve(this.#buffer, () => this.#kernel.vunmap(this.#buffer, site));
  }
}
