import type { DmaBuf } from '../../heap/dma-buf.ts';
import { DeviceMapping } from '../kernel/device-mapping.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const MAP = ['ipu_psys_mapbuf_locked', 'ipu_psys_ioctl'];
const UNMAP = ['ipu_psys_unmapbuf_locked', 'ipu_psys_ioctl'];

interface IntelIpuPsysOptions {
  /** As it was: every buffer is mapped for the CPU, imported ones too. */
  readonly mapsImported?: boolean;
}

/**
 * The processing system of Intel's IPU6 and IPU7 (ipu-psys.c, ipu_psys_mapbuf_locked): a buffer is
 * mapped for the device for each frame. Newer versions leave out the CPU's mapping. Out of tree.
 *
 * Left out: memory of users that is no dma-buf, and what the device does with a frame.
 */
export class IntelIpuPsys {
  readonly #kernel: KernelFunctions;
  readonly #mapsImported: boolean;
  readonly #mappings = new Map<DmaBuf, DeviceMapping>();

  constructor(kernel: KernelFunctions, { mapsImported = false }: IntelIpuPsysOptions = {}) {
    this.#kernel = kernel;
    this.#mapsImported = mapsImported;
  }

  /**
   * IPU_IOC_MAPBUF.
   *
   * @throws as attaching or mapping fails: all of it is undone then
   */
  async mapBuffer(buffer: DmaBuf): Promise<void> {
    const mapping = await DeviceMapping.make(this.#kernel, buffer, 'intel-ipu-psys');
    try {
      if (this.#mapsImported) await this.#kernel.vmapUnlocked(buffer, { path: MAP });
    } catch (error) {
      await mapping.end();
      throw error;
    }
    this.#mappings.set(buffer, mapping);
  }

  /** IPU_IOC_UNMAPBUF. */
  async unmapBuffer(buffer: DmaBuf): Promise<void> {
    const mapping = this.#mappings.get(buffer);
    if (mapping === undefined) return;
    this.#mappings.delete(buffer);
    if (this.#mapsImported) await this.#kernel.vunmapUnlocked(buffer, { path: UNMAP });
    await mapping.end();
  }
}
