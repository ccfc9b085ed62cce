import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { vb2DmaContig } from './vb2-dma-contig.ts';
import { Vb2Queue } from './vb2-queue.ts';

const DRIVER = 'mtk-vcodec-dec';
const SITE = { path: ['vb2ops_vdec_buf_queue', '__enqueue_in_driver', 'vb2_core_qbuf'], driver: DRIVER };

interface MtkVcodecOptions {
  readonly slotCount: number;
  /** As it is but for televisions: every plane is mapped, not that of the metadata alone. */
  readonly mapsEveryPlane?: boolean;
}

/**
 * MediaTek's decoder: pictures are queued with planes and metadata, and mapped for the CPU as they
 * are (vendor's mtk-vcodec, vb2ops_vdec_buf_queue). A build for televisions maps metadata alone.
 *
 * Left out: the decoding.
 */
export class MtkVcodec {
  readonly #queue: Vb2Queue;
  readonly #mapsEveryPlane: boolean;

  constructor(kernel: KernelFunctions, { slotCount, mapsEveryPlane = false }: MtkVcodecOptions) {
    this.#queue = new Vb2Queue(vb2DmaContig(kernel, DRIVER), slotCount);
    this.#mapsEveryPlane = mapsEveryPlane;
  }

  /**
   * Queues a picture.
   *
   * @param planes of the picture; the last is the metadata's
   * @returns the mapping of each, undefined where there is none
   */
  async queuePicture(slot: number, planes: readonly DmaBuf[]): Promise<(BufferView | undefined)[]> {
    await this.#queue.queue(slot, planes);
    const views: (BufferView | undefined)[] = [];
    for (const plane of planes.keys()) {
      const isMapped = this.#mapsEveryPlane || plane === planes.length - 1;
      views.push(isMapped ? await this.#queue.planeVaddr(slot, plane, SITE) : undefined);
    }
    return views;
  }

  async stop(): Promise<void> {
    await this.#queue.release();
  }
}
