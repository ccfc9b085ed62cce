import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { BufferView } from '../../heap/view.ts';
import { DeviceMapping } from '../kernel/device-mapping.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const ALLOCATE = { path: ['vcp_alloc_iova', 'vcp_reserve_memory_ioremap'] };

interface MtkVcpOptions {
  /**
   * As it is: where mapping fails, the buffer stays allocated; where attaching fails, it is given
   * back while it is mapped, for which the kernel has a BUG_ON (dma_buf_release).
   */
  readonly leaksOnFailure?: boolean;
}

/** What is undone when it stops. */
interface MtkVcpState {
  readonly buffer: DmaBuf;
  readonly view: BufferView;
  readonly mapping: DeviceMapping;
}

/**
 * MediaTek's processor of the video codecs: one buffer for all that it shares with the CPU, mapped
 * and attached as the driver is loaded (vcp_helper.c, vcp_alloc_iova). Out of tree.
 *
 * Left out: how the buffer is divided, and the firmware. The driver has no end of its own: what
 * stops it here is the replay's.
 */
export class MtkVcp {
  readonly #kernel: KernelFunctions;
  readonly #state: MtkVcpState;

  private constructor(kernel: KernelFunctions, state: MtkVcpState) {
    this.#kernel = kernel;
    this.#state = state;
  }

  /** What the CPU and the processor share. */
  get view(): BufferView {
    return this.#state.view;
  }

  /**
   * @param lengthBytes the sum of what the device tree reserves for each of its users (vcp-mem-tbl)
   * @throws as allocating, mapping or attaching fails
   */
  static async start(
    kernel: KernelFunctions,
    { heap, lengthBytes }: { readonly heap: Heap; readonly lengthBytes: number },
    { leaksOnFailure = false }: MtkVcpOptions = {},
  ): Promise<MtkVcp> {
    const buffer = kernel.allocate(heap, lengthBytes, 'vcp_uncache');
    const view = await kernel.vmapUnlocked(buffer, ALLOCATE).catch((error: unknown) => {
      if (!leaksOnFailure) buffer.close();
      throw error;
    });
    try {
      return new MtkVcp(kernel, { buffer, view, mapping: await DeviceMapping.make(kernel, buffer, 'vcp') });
    } catch (error) {
      if (!leaksOnFailure) await kernel.vunmapUnlocked(buffer, ALLOCATE);
      buffer.close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const { buffer, mapping } = this.#state;
    await mapping.end();
    await this.#kernel.vunmapUnlocked(buffer, ALLOCATE);
    buffer.close();
  }
}
