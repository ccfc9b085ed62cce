import type { DmaBuf } from '../../heap/dma-buf.ts';
import { DeviceMapping } from '../kernel/device-mapping.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import type { SleepingLock } from '../kernel/kernel-lock.ts';
import { mtkSite } from './mtk-modules.ts';

const MAP = mtkSite('apusys', ['apu_sysmem_map', 'mdw_mem_create_map', 'mdw_mem_ioctl_map']);
const UNMAP = mtkSite('apusys', ['apu_sysmem_unmap', 'mdw_mem_unmap', 'mdw_mem_ioctl_unmap']);

interface ApusysSessionOptions {
  /**
   * As it is: a buffer of an unknown kind counts as memory that the CPU reads, so model weights and
   * pictures are mapped whole.
   */
  readonly mapsUnknownBuffers?: boolean;
  /** `mpriv->mtx`, where other threads are in the same session. Default: one of its own. */
  readonly lock?: SleepingLock | undefined;
}

/**
 * Buffers of users in a session of MediaTek's NPU (apusys/midware/3.0, mdw_mem_create_map;
 * apu_mem, apu_sysmem_map). One lock covers all memory calls of a session, so a long mapping makes
 * all others wait. Out of tree.
 *
 * Left out: the device's addresses, and the list of all buffers by which one is found again.
 */
export class ApusysSession {
  readonly #kernel: KernelFunctions;
  readonly #mapsForCpu: boolean;
  /** `mpriv->mtx`. */
  readonly #lock: SleepingLock;
  readonly #mappings = new Map<DmaBuf, DeviceMapping>();

  constructor(kernel: KernelFunctions, { mapsUnknownBuffers = false, lock }: ApusysSessionOptions = {}) {
    this.#kernel = kernel;
    this.#lock = lock ?? kernel.driverLock();
    this.#mapsForCpu = mapsUnknownBuffers;
  }

  /**
   * The MAP ioctl.
   *
   * @throws as mapping or attaching fails: all of it is undone then, in reverse order
   */
  async map(buffer: DmaBuf): Promise<void> {
    await this.#lock.hold(async () => {
      if (this.#mappings.has(buffer)) return;
      if (this.#mapsForCpu) await this.#kernel.vmapUnlocked(buffer, MAP);
      try {
        this.#mappings.set(buffer, await DeviceMapping.make(this.#kernel, buffer, 'apusys'));
      } catch (error) {
        if (this.#mapsForCpu) await this.#kernel.vunmapUnlocked(buffer, UNMAP);
        throw error;
      }
    });
  }

  /** The UNMAP ioctl. */
  async unmap(buffer: DmaBuf): Promise<void> {
    await this.#lock.hold(async () => await this.#unmap(buffer));
  }

  /** Unmaps what is left. */
  async close(): Promise<void> {
    await this.#lock.hold(async () => {
      for (const buffer of this.#mappings.keys()) await this.#unmap(buffer);
    });
  }

  async #unmap(buffer: DmaBuf): Promise<void> {
    const mapping = this.#mappings.get(buffer);
    if (mapping === undefined) return;
    this.#mappings.delete(buffer);
    await mapping.end();
    if (this.#mapsForCpu) await this.#kernel.vunmapUnlocked(buffer, UNMAP);
  }
}
