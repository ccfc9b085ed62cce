import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import { DeviceMapping } from '../kernel/device-mapping.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const IMPORT = ['drm_gem_dma_prime_import_sg_table_vmap', 'drm_gem_prime_import_dev', 'drm_gem_prime_fd_to_handle'];
const FREE = ['drm_gem_dma_free', 'drm_gem_dma_object_free', 'drm_gem_object_free'];

/**
 * A buffer that a small display imports (SPI and DBI panels): mapped for the CPU by the import
 * itself, until it is freed (drivers/gpu/drm/drm_gem_dma_helper.c,
 * drm_gem_dma_prime_import_sg_table_vmap). So each import and free is a mapping and an unmapping.
 *
 * Left out: handles and their cache, which finds a buffer that is imported already; the panel.
 */
export class DrmGemDmaObject {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;
  readonly #mapping: DeviceMapping;
  /** Read by the driver at each update. */
  readonly view: BufferView;

  private constructor(kernel: KernelFunctions, buffer: DmaBuf, mapped: { mapping: DeviceMapping; view: BufferView }) {
    this.#kernel = kernel;
    this.#buffer = buffer;
    this.#mapping = mapped.mapping;
    this.view = mapped.view;
  }

  /**
   * @param needsOneRun whether the device has no IOMMU
   * @throws {DmaBufError} `EINVAL` for scattered pages where it has none; as mapping fails. Nothing
   *   stays mapped or attached.
   */
  static async import(kernel: KernelFunctions, buffer: DmaBuf, needsOneRun = false): Promise<DrmGemDmaObject> {
    const mapping = await DeviceMapping.make(kernel, buffer, 'drm-gem-dma');
    try {
      const view = await kernel.vmapUnlocked(buffer, { path: IMPORT });
      const object = new DrmGemDmaObject(kernel, buffer, { mapping, view });
      if (!needsOneRun || mapping.table === undefined || mapping.table.runs().count === 1) return object;
      await kernel.vunmapUnlocked(buffer, { path: IMPORT });
      throw new DmaBufError('Cannot import the buffer as its pages are scattered', { code: 'EINVAL' });
    } catch (error) {
      await mapping.end();
      throw error;
    }
  }

  async free(): Promise<void> {
    await this.#kernel.vunmapUnlocked(this.#buffer, { path: FREE });
    await this.#mapping.end();
  }
}
