import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { mtkSite } from './mtk-modules.ts';

const INIT = mtkSite('mtk_aov', ['aov_core_init', 'mtk_aov_probe']);
const UNINIT = mtkSite('mtk_aov', ['aov_core_uninit']);

/**
 * One event of five: two pictures, what the NPU reads and writes, a raw picture and statistics, in
 * bytes (mtk-aov-core.h, struct buffer: YUVO1, YUVO2, AIE, APU, IMGO, AAO, AAHO, META, AWB).
 */
const AOV_EVENT_BYTES: number = 737_312 + 184_352 + 32_768 + 262_144 + 921_632 + 158 * 1024 + 1024 + 6 * 1024 + 1024;
const EVENT_COUNT = 5;

interface MtkAovOptions {
  /** As it is: where mapping fails, the buffer stays allocated. */
  readonly leaksOnFailure?: boolean;
}

/**
 * MediaTek's always-on vision: one buffer, mapped once as the module is loaded and held for ever,
 * out of which events are copied (mtk-aov-core.c, aov_core_init). Out of tree.
 *
 * Left out: the processor that fills the buffer, and its notifier, which leaks as well.
 */
export class MtkAov {
  readonly #kernel: KernelFunctions;
  readonly #buffer: DmaBuf;
  readonly #view: BufferView;

  private constructor(kernel: KernelFunctions, buffer: DmaBuf, view: BufferView) {
    this.#kernel = kernel;
    this.#buffer = buffer;
    this.#view = view;
  }

  /** @throws as allocating or mapping fails */
  static async start(
    kernel: KernelFunctions,
    heap: Heap,
    { leaksOnFailure = false }: MtkAovOptions = {},
  ): Promise<MtkAov> {
    const buffer = kernel.allocate(heap, EVENT_COUNT * AOV_EVENT_BYTES, 'mtk_aov');
    try {
      return new MtkAov(kernel, buffer, await kernel.vmapUnlocked(buffer, INIT));
    } catch (error) {
      if (!leaksOnFailure) buffer.close();
      throw error;
    }
  }

  /** @returns a copy of an event, as `copy_to_user` makes it */
  readEvent(index: number): Uint8Array {
    return this.#view.subarray((index % EVENT_COUNT) * AOV_EVENT_BYTES, AOV_EVENT_BYTES).slice();
  }

  async stop(): Promise<void> {
    await this.#kernel.vunmapUnlocked(this.#buffer, UNINIT);
    this.#buffer.close();
  }
}
