import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Attachment } from '../../heap/importer/attachment.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import type { KernelFunctions } from './kernel-functions.ts';

/** A device's hold on a buffer: attached, and mapped for its DMA. */
export class DeviceMapping {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;
  readonly #attachment: Attachment;
  /** Undefined where it cannot be seen here. */
  readonly table: SgTable | undefined;

  private constructor(kernel: KernelFunctions, buffer: DmaBuf, mapped: { attachment: Attachment; table?: SgTable }) {
    this.#kernel = kernel;
    this.#buffer = buffer;
    this.#attachment = mapped.attachment;
    this.table = mapped.table;
  }

  /** @throws as attaching or mapping fails: nothing is attached then */
  static async make(kernel: KernelFunctions, buffer: DmaBuf, deviceName: string): Promise<DeviceMapping> {
    const attachment = await kernel.attach(buffer, { name: deviceName });
    try {
      const table = await kernel.mapAttachment(buffer, attachment);
      return new DeviceMapping(kernel, buffer, { attachment, ...(table === undefined ? {} : { table }) });
    } catch (error) {
      await kernel.detach(buffer, attachment);
      throw error;
    }
  }

  /** Unmaps and detaches. */
  async end(): Promise<void> {
    await this.#kernel.detach(this.#buffer, this.#attachment);
  }
}
