import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const SITE = { path: ['is_vender_cap_meta_read', 'is_vidioc_s_ext_ctrls'] };

interface SamsungCaptureMetaOptions {
  /** As it is: each request maps the whole buffer, reads a few words, and unmaps it. */
  readonly mapsPerRequest?: boolean;
}

/**
 * Samsung's control for metadata of captures: per request it takes a buffer and reads words of it
 * (pablo, capture meta). Fixed, it keeps the mapping of a buffer that comes again. Out of tree.
 *
 * Left out: what the words say, and whom they are handed to.
 */
export class SamsungCaptureMeta {
  readonly #kernel: KernelFunctions;
  readonly #mapsPerRequest: boolean;
  readonly #kept = new Map<DmaBuf, BufferView>();

  constructor(kernel: KernelFunctions, { mapsPerRequest = false }: SamsungCaptureMetaOptions = {}) {
    this.#kernel = kernel;
    this.#mapsPerRequest = mapsPerRequest;
  }

  /**
   * @param wordCount how many 32-bit words the request reads, from the buffer's beginning
   * @throws as mapping fails
   */
  async request(buffer: DmaBuf, wordCount: number): Promise<Uint32Array> {
    const view = this.#kept.get(buffer) ?? (await this.#map(buffer));
    if (!this.#mapsPerRequest) this.#kept.set(buffer, view);
    try {
      return view.as(Uint32Array, 0, wordCount * Uint32Array.BYTES_PER_ELEMENT).slice();
    } finally {
      if (this.#mapsPerRequest) await this.#unmap(buffer);
    }
  }

  async close(): Promise<void> {
    for (const buffer of this.#kept.keys()) await this.#unmap(buffer);
    this.#kept.clear();
  }

  async #map(buffer: DmaBuf): Promise<BufferView> {
    return await this.#kernel.reserve(buffer, () => this.#kernel.vmap(buffer, SITE));
  }

  async #unmap(buffer: DmaBuf): Promise<void> {
    await this.#kernel.reserve(buffer, () => this.#kernel.vunmap(buffer, SITE));
  }
}
