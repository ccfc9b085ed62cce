import type { Rectangle } from '../../base/rectangle.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { PixelRows } from './pixel-rows.ts';
import type { PixelLayout } from './pixel-rows.ts';

const HELPER = ['drm_gem_shmem_vmap', 'drm_gem_vmap', 'drm_gem_vmap_unlocked', 'drm_gem_fb_vmap'];
const COMMIT = ['drm_atomic_helper_prepare_planes', 'drm_atomic_helper_commit', 'drm_mode_atomic_ioctl'];
const UNMAP = ['drm_gem_shmem_vunmap', 'drm_gem_vunmap', 'drm_gem_vunmap_unlocked', 'drm_gem_fb_vunmap'];

/**
 * A screen whose driver copies pixels to its device by the CPU at each commit: cirrus, hyperv,
 * mgag200, udl, ast, vkms. A shadow plane maps an imported framebuffer as a commit begins
 * (drivers/gpu/drm/drm_gem_atomic_helper.c, drm_gem_begin_shadow_fb_access; through
 * drm_gem_shmem_helper.c, drm_gem_shmem_vmap), and unmaps the one that was shown before as it ends
 * (6.12, drm_atomic_helper.c, drm_atomic_helper_commit_planes: end_fb_access of the old state). So
 * a framebuffer that is shown again is mapped already: the exporter maps nothing anew.
 *
 * Left out: modes, fences, and the way of the pixels to the device: they are copied into memory.
 */
export class DrmGemShmemScreen {
  readonly #kernel: KernelFunctions;
  readonly #driver: string;
  /** Mapped, until another commit ends. */
  #shown: DmaBuf | undefined;

  constructor(kernel: KernelFunctions, driver: string) {
    this.#kernel = kernel;
    this.#driver = driver;
  }

  /**
   * Shows a framebuffer: maps it, copies what was damaged, unmaps the one before.
   *
   * @returns the pixels that were copied, row by row
   * @throws as the mapping fails: the commit fails, and the one before stays
   */
  async commit(framebuffer: DmaBuf, layout: PixelLayout, damage: Rectangle): Promise<Uint8Array> {
    const view = await this.#map(framebuffer);
    const before = this.#shown;
    this.#shown = framebuffer;
    try {
      return new PixelRows(view, layout).copyOut(damage);
    } finally {
      if (before !== undefined) await this.#unmap(before);
    }
  }

  /** Shows nothing. Again: nothing. */
  async disable(): Promise<void> {
    const before = this.#shown;
    this.#shown = undefined;
    if (before !== undefined) await this.#unmap(before);
  }

  async #map(framebuffer: DmaBuf): Promise<BufferView> {
    const site = { path: [...HELPER, ...COMMIT], driver: this.#driver };
    return await this.#kernel.reserve(framebuffer, () => this.#kernel.vmap(framebuffer, site));
  }

  async #unmap(framebuffer: DmaBuf): Promise<void> {
    const site = { path: [...UNMAP, ...COMMIT], driver: this.#driver };
    await this.#kernel.reserve(framebuffer, () => this.#kernel.vunmap(framebuffer, site));
  }
}
