import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import type { AttachVb2Memory, Vb2Memory } from './vb2-queue.ts';

const QUEUE = ['__prepare_dmabuf', '__buf_prepare', 'vb2_core_qbuf', 'vb2_qbuf'];
const RELEASE = ['__vb2_plane_dmabuf_put'];

/**
 * videobuf2's memory for devices whose work the CPU does: UVC, vivid, codecs in software
 * (drivers/media/common/videobuf2/videobuf2-vmalloc.c). A buffer is mapped as soon as it is queued,
 * without an attachment, and stays so until its slot gets another. Left out: memory of its own and
 * of users.
 */
export function vb2Vmalloc(kernel: KernelFunctions, driver: string): AttachVb2Memory {
  return async (buffer) => await Promise.resolve(new VmallocMemory(kernel, driver, buffer));
}

class VmallocMemory implements Vb2Memory {
  readonly #kernel: KernelFunctions;
  readonly #driver: string;
  readonly #buffer: DmaBuf;
  #view: BufferView | undefined;

  constructor(kernel: KernelFunctions, driver: string, buffer: DmaBuf) {
    this.#kernel = kernel;
    this.#driver = driver;
    this.#buffer = buffer;
  }

  /** @throws {DmaBufError} `EFAULT`, whatever made the mapping fail */
  async map(): Promise<void> {
    const site = { path: ['vb2_vmalloc_map_dmabuf', ...QUEUE], driver: this.#driver };
    try {
      this.#view = await this.#kernel.vmapUnlocked(this.#buffer, site);
    } catch (cause) {
      throw new DmaBufError('Cannot queue the buffer as it cannot be mapped', { code: 'EFAULT', cause });
    }
  }

  async vaddr(): Promise<BufferView | undefined> {
    return await Promise.resolve(this.#view);
  }

  async put(): Promise<void> {
    if (this.#view === undefined) return;
    this.#view = undefined;
    const site = { path: ['vb2_vmalloc_unmap_dmabuf', ...RELEASE], driver: this.#driver };
    await this.#kernel.vunmapUnlocked(this.#buffer, site);
  }
}
