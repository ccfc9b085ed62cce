import { assert } from '../../base/assert.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Attachment } from '../../heap/importer/attachment.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import type { CallSite } from '../kernel/mapping-records.ts';
import { nullWhereRefused } from '../kernel/null-where-refused.ts';
import type { AttachVb2Memory, Vb2Memory } from './vb2-queue.ts';

/** What tells one kind of device memory from another. */
interface Vb2DeviceMemoryKind {
  readonly driver: string;
  /** The functions of `struct vb2_mem_ops`. */
  readonly vaddrFunction: string;
  readonly unmapFunction: string;
  /** Whether the device takes one piece of addresses alone, and has no IOMMU to make one. */
  readonly needsOneRun: boolean;
}

/**
 * videobuf2's memory for devices that do DMA: attached and mapped for the device at once, and for
 * the CPU at the first `vb2_plane_vaddr`; that mapping stays until the slot gets another buffer.
 */
export class Vb2DeviceMemory implements Vb2Memory {
  readonly #kernel: KernelFunctions;
  readonly #kind: Vb2DeviceMemoryKind;
  readonly #buffer: DmaBuf;
  #attachment: Attachment | undefined;
  #view: BufferView | undefined;

  private constructor(kernel: KernelFunctions, kind: Vb2DeviceMemoryKind, buffer: DmaBuf) {
    this.#kernel = kernel;
    this.#kind = kind;
    this.#buffer = buffer;
  }

  /** `attach_dmabuf`, for {@link Vb2Queue}. */
  static attach(kernel: KernelFunctions, kind: Vb2DeviceMemoryKind): AttachVb2Memory {
    return async (buffer) => {
      const memory = new Vb2DeviceMemory(kernel, kind, buffer);
      memory.#attachment = await kernel.attach(buffer, { name: kind.driver });
      return memory;
    };
  }

  /** @throws {DmaBufError} `EFAULT` where the device needs one run of pages and there are more */
  async map(): Promise<void> {
    assert(this.#attachment !== undefined, 'Memory that was put is not mapped again');
    const table = await this.#kernel.mapAttachment(this.#buffer, this.#attachment);
    if (!this.#kind.needsOneRun || table === undefined || table.runs().count === 1) return;
    this.#attachment.unmap();
    throw new DmaBufError('Cannot queue the buffer as its pages are scattered', { code: 'EFAULT' });
  }

  async vaddr(site: CallSite): Promise<BufferView | undefined> {
    const path = [this.#kind.vaddrFunction, ...site.path];
    this.#view ??= await nullWhereRefused(
      async () => await this.#kernel.vmapUnlocked(this.#buffer, { driver: this.#kind.driver, ...site, path }),
    );
    return this.#view;
  }

  async put(): Promise<void> {
    const view = this.#view;
    this.#view = undefined;
    const path = [this.#kind.unmapFunction, '__vb2_plane_dmabuf_put'];
    if (view !== undefined) await this.#kernel.vunmapUnlocked(this.#buffer, { path, driver: this.#kind.driver });
    const attachment = this.#attachment;
    this.#attachment = undefined;
    if (attachment !== undefined) await this.#kernel.detach(this.#buffer, attachment);
  }
}
