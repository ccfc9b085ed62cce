import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { CpuAccess } from '../../heap/cpu-access.ts';
import type { BufferView } from '../../heap/view.ts';
import { KernelLock } from '../kernel/kernel-lock.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const MAP = ['cam_mem_util_map_cpu_va', 'cam_mem_get_cpu_buf'];
const UNMAP = ['cam_mem_util_unmap_cpu_va', 'cam_mem_util_unmap'];

/**
 * A buffer of Qualcomm's camera: mapped at most once, as it is first asked for, and kept until it
 * is released, within one CPU access (cam_mem_mgr.c, cam_mem_util_map_cpu_va). Out of tree.
 *
 * Left out: the device's addresses, and secure buffers, which the driver does not map for the CPU.
 */
export class QualcommCameraBuffer {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;
  readonly #lock = new KernelLock();
  #mapped: { readonly access: CpuAccess; readonly view: BufferView } | undefined;

  constructor(kernel: KernelFunctions, buffer: DmaBuf) {
    this.#kernel = kernel;
    this.#buffer = buffer;
  }

  /**
   * `cam_mem_get_cpu_buf`.
   *
   * @throws {DmaBufError} `ENOSPC` where it cannot be mapped: the CPU access is ended then
   */
  async cpuBuffer(): Promise<BufferView> {
    return await this.#lock.hold(async () => {
      this.#mapped ??= await this.#map();
      return this.#mapped.view;
    });
  }

  async release(): Promise<void> {
    await this.#lock.hold(async () => {
      const mapped = this.#mapped;
      if (mapped === undefined) return;
      this.#mapped = undefined;
      await this.#kernel.vunmapUnlocked(this.#buffer, { path: UNMAP });
      mapped.access.end();
    });
  }

  async #map(): Promise<{ access: CpuAccess; view: BufferView }> {
    const access = await this.#buffer.beginCpuAccess('readwrite');
    try {
      return { access, view: await this.#kernel.vmapUnlocked(this.#buffer, { path: MAP }) };
    } catch (cause) {
      access.end();
      if (!isDmaBufError(cause)) throw cause;
      throw new DmaBufError('Cannot map the buffer for the camera', { code: 'ENOSPC', cause });
    }
  }
}
