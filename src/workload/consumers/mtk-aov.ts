import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { mtkSite } from './mtk-modules.ts';
import { MtkScp } from './mtk-scp.ts';

const INIT = mtkSite('mtk_aov', ['aov_core_init', 'mtk_aov_probe']);
const UNINIT = mtkSite('mtk_aov', ['aov_core_uninit']);

/**
 * One event of five: two pictures, what the NPU reads and writes, a raw picture and statistics, in
 * bytes (mtk-aov-core.h, struct buffer: YUVO1, YUVO2, AIE, APU, IMGO, AAO, AAHO, META, AWB).
 */
const AOV_EVENT_BYTES: number = 737_312 + 184_352 + 32_768 + 262_144 + 921_632 + 158 * 1024 + 1024 + 6 * 1024 + 1024;
const EVENT_COUNT = 5;

interface MtkAovOptions {
  /**
   * As it is: where mapping fails, the buffer stays allocated, and the processor of the sensors has
   * a receiver and a notifier of a driver that has failed.
   */
  readonly leaksOnFailure?: boolean;
  /** Default: one of its own. */
  readonly scp?: MtkScp;
}

/** What is undone when it stops. */
interface MtkAovState {
  readonly buffer: DmaBuf;
  readonly view: BufferView;
  readonly unregister: () => void;
}

/**
 * MediaTek's always-on vision: one buffer, mapped once as the module is loaded and held for ever,
 * out of which events are copied (mtk-aov-core.c, aov_core_init). It registers with the processor
 * of the sensors first, and answers each restart of it with a command. Out of tree.
 *
 * Left out: what that processor puts into the buffer, and the reference to the heap, which the
 * driver never gives back (dma_heap_find).
 */
export class MtkAov {
  readonly #kernel: KernelFunctions;
  readonly #state: MtkAovState;

  private constructor(kernel: KernelFunctions, state: MtkAovState) {
    this.#kernel = kernel;
    this.#state = state;
  }

  /** @throws as allocating or mapping fails */
  static async start(
    kernel: KernelFunctions,
    heap: Heap,
    { leaksOnFailure = false, scp = new MtkScp() }: MtkAovOptions = {},
  ): Promise<MtkAov> {
    const unregister = register(scp);
    let buffer: DmaBuf | undefined;
    try {
      buffer = kernel.allocate(heap, EVENT_COUNT * AOV_EVENT_BYTES, 'mtk_aov');
      return new MtkAov(kernel, { buffer, view: await kernel.vmapUnlocked(buffer, INIT), unregister });
    } catch (error) {
      if (!leaksOnFailure) {
        buffer?.close();
        unregister();
      }
      throw error;
    }
  }

  /** @returns a copy of an event, as `copy_to_user` makes it */
  readEvent(index: number): Uint8Array {
    return this.#state.view.subarray((index % EVENT_COUNT) * AOV_EVENT_BYTES, AOV_EVENT_BYTES).slice();
  }

  async stop(): Promise<void> {
    await this.#kernel.vunmapUnlocked(this.#state.buffer, UNINIT);
    this.#state.buffer.close();
    this.#state.unregister();
  }
}

/** Messages are read out of the buffer; that the processor is ready again is answered at once. */
function register(scp: MtkScp): () => void {
  const undo = [
    scp.registerReceiver(),
    scp.registerNotifier((event) => {
      if (event === 'ready') scp.sendCommand();
    }),
  ];
  return () => {
    for (const each of undo) each();
  };
}
