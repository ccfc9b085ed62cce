import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import { DeviceMapping } from '../kernel/device-mapping.ts';
import { KernelLock } from '../kernel/kernel-lock.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { nullWhereRefused } from '../kernel/null-where-refused.ts';

const DRIVER = 'etnaviv';
const VMAP = ['etnaviv_gem_prime_vmap_impl', 'etnaviv_gem_vmap'];
const RELEASE = ['etnaviv_gem_prime_release', 'etnaviv_gem_free_object'];

interface EtnavivOptions {
  /** The driver's own lock is held, but not the reservation's, which `dma_buf_vmap` asserts. */
  readonly mapsWithoutReservation?: boolean;
}

/**
 * A buffer that Vivante's graphics driver imports: mapped at its first use, for a crash dump or to
 * pass it on, and shared by all later users until it is freed
 * (drivers/gpu/drm/etnaviv/etnaviv_gem_prime.c, etnaviv_gem_prime_vmap_impl).
 *
 * Left out: the GPU and its addresses, and what a crash dump is made of.
 */
export class EtnavivPrimeObject {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;
  readonly #mapping: DeviceMapping;
  readonly #options: EtnavivOptions;
  /** `obj->lock`. */
  readonly #lock = new KernelLock();
  #view: BufferView | undefined;

  private constructor(
    kernel: KernelFunctions,
    buffer: DmaBuf,
    made: { mapping: DeviceMapping; options: EtnavivOptions },
  ) {
    this.#kernel = kernel;
    this.#buffer = buffer;
    this.#mapping = made.mapping;
    this.#options = made.options;
  }

  static async import(
    kernel: KernelFunctions,
    buffer: DmaBuf,
    options: EtnavivOptions = {},
  ): Promise<EtnavivPrimeObject> {
    const mapping = await DeviceMapping.make(kernel, buffer, DRIVER);
    return new EtnavivPrimeObject(kernel, buffer, { mapping, options });
  }

  /** Undefined stands for NULL: whatever made the mapping fail. */
  async vmap(): Promise<BufferView | undefined> {
    return await this.#lock.hold(async () => {
      this.#view ??= await this.#mapOnce();
      return this.#view;
    });
  }

  /** `drm_gem_object_funcs.free`. */
  async free(): Promise<void> {
    if (this.#view !== undefined) await this.#kernel.vunmapUnlocked(this.#buffer, { path: RELEASE, driver: DRIVER });
    this.#view = undefined;
    await this.#mapping.end();
  }

  async #mapOnce(): Promise<BufferView | undefined> {
    const site = { path: VMAP, driver: DRIVER };
    const map = (): BufferView => this.#kernel.vmap(this.#buffer, site);
    const { mapsWithoutReservation = false } = this.#options;
    return await nullWhereRefused(
      mapsWithoutReservation ? map : async () => await this.#kernel.reserve(this.#buffer, map),
    );
  }
}
