import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import { DeviceMapping } from '../kernel/device-mapping.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

interface RknpuOptions {
  /** As it is: the page and the length of the table's last entry are taken for the whole. */
  readonly mapsLastEntryOnly?: boolean;
}

/**
 * A buffer of Rockchip's NPU: its driver maps pages of the attachment's table itself, and never
 * calls `dma_buf_vmap` (rknpu_mem.c, rknpu_mem_create_ioctl). Out of tree.
 *
 * Left out: the NPU and its addresses, and memory that the driver allocates itself.
 */
export class RknpuMemory {
  readonly #mapping: DeviceMapping;
  /** What the driver takes for the buffer. */
  readonly view: BufferView;

  private constructor(mapping: DeviceMapping, view: BufferView) {
    this.#mapping = mapping;
    this.view = view;
  }

  /** @throws {DmaBufError} `EOPNOTSUPP` where the table cannot be seen; as mapping fails */
  static async create(
    kernel: KernelFunctions,
    buffer: DmaBuf,
    { mapsLastEntryOnly = false }: RknpuOptions = {},
  ): Promise<RknpuMemory> {
    const mapping = await DeviceMapping.make(kernel, buffer, 'rknpu');
    try {
      if (mapping.table === undefined)
        throw new DmaBufError('Cannot map the buffer as its table cannot be seen', { code: 'EOPNOTSUPP' });
      const part = mapsLastEntryOnly ? lastEntryOf(mapping.table) : { offset: 0, length: buffer.length };
      return new RknpuMemory(mapping, kernel.vmapPages(buffer, part));
    } catch (error) {
      await mapping.end();
      throw error;
    }
  }

  /** The destroy ioctl. */
  async destroy(): Promise<void> {
    this.view.close();
    await this.#mapping.end();
  }
}

function lastEntryOf(table: SgTable): { offset: number; length: number } {
  const last = table.entry(table.entryCount - 1);
  return { offset: table.length - last.length, length: last.length };
}
