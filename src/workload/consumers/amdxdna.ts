import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import { KernelLock } from '../kernel/kernel-lock.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const DRIVER = 'amdxdna';

/**
 * A command buffer of AMD's NPU: mapped at its first use, kept until it is freed
 * (drivers/accel/amdxdna/amdxdna_gem.c, amdxdna_gem_vmap).
 *
 * Left out: what commands say, the device's addresses, and what it does.
 */
export class AmdxdnaCommandBuffer {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;
  readonly #lock = new KernelLock();
  #view: BufferView | undefined;

  constructor(kernel: KernelFunctions, buffer: DmaBuf) {
    this.#kernel = kernel;
    this.#buffer = buffer;
  }

  /** @throws as mapping fails */
  async vmap(): Promise<BufferView> {
    return await this.#lock.hold(async () => {
      const site = { path: ['amdxdna_gem_vmap', 'amdxdna_cmd_submit'], driver: DRIVER };
      this.#view ??= await this.#kernel.vmapUnlocked(this.#buffer, site);
      return this.#view;
    });
  }

  async free(): Promise<void> {
    await this.#lock.hold(async () => {
      if (this.#view === undefined) return;
      this.#view = undefined;
      await this.#kernel.vunmapUnlocked(this.#buffer, { path: ['amdxdna_gem_obj_free'], driver: DRIVER });
    });
  }
}

interface ClearOptions {
  /** As in 2025: `dma_buf_vmap` without the lock that it asserts. */
  readonly mapsWithoutReservation?: boolean;
  /** As at first: a buffer that cannot be mapped is handed out as it is. */
  readonly ignoresFailure?: boolean;
}

/**
 * Clears a buffer of the carve-out as it is allocated: maps all of it, writes zeros, unmaps it
 * (drivers/accel/amdxdna/amdxdna_cbuf.c, amdxdna_cbuf_clear).
 *
 * @throws as mapping fails
 */
export async function clearAmdxdnaBuffer(
  kernel: KernelFunctions,
  buffer: DmaBuf,
  { mapsWithoutReservation = false, ignoresFailure = false }: ClearOptions = {},
): Promise<void> {
  const site = { path: ['amdxdna_cbuf_clear', 'amdxdna_get_cbuf'], driver: DRIVER };
  const clear = (): void => {
    const view = kernel.vmap(buffer, site);
    for (let offset = 0; offset < view.length; offset += PIECE_BYTES)
      view.subarray(offset, Math.min(PIECE_BYTES, view.length - offset)).fill(0);
    kernel.vunmap(buffer, site);
  };
  try {
    if (mapsWithoutReservation) clear();
    else await kernel.reserve(buffer, clear);
  } catch (error) {
    if (!ignoresFailure || !isDmaBufError(error)) throw error;
  }
}

/** No array spans more than 4 GiB. */
const PIECE_BYTES = 1 << 30;
