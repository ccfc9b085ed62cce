import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import type { CallSite } from '../kernel/mapping-records.ts';
import { mtkModule } from './mtk-modules.ts';
import { Vb2DeviceMemory } from './vb2-device-memory.ts';
import { Vb2Queue } from './vb2-queue.ts';

const KIND = {
  driver: 'mtk_cam_isp8s',
  vaddrFunction: 'mtk_cam_vb2_vaddr',
  unmapFunction: 'mtk_cam_vb2_unmap_dmabuf',
  needsOneRun: false,
};
const FILL_FRAME = siteOf(['mtk_cam_job_fill_ipi_frame']);

/** What a node's buffers hold. */
type MtkCameraNode = 'meta-config' | 'meta-statistics' | 'image' | 'compressed-image';

/** A buffer for a request, in a slot of its node's queue. */
export interface MtkCameraBuffer {
  readonly node: string;
  readonly kind: MtkCameraNode;
  readonly slot: number;
  readonly buffer: DmaBuf;
}

interface MtkCameraOptions {
  readonly slotCount: number;
  /** As it is: every image is mapped before its format is looked at. */
  readonly mapsBeforeFormatTest?: boolean;
}

/**
 * MediaTek's camera (isp7 to isp8s), whose driver writes headers into a request's buffers by the
 * CPU (mtk_cam-job.c, mtk_cam_job_fill_ipi_frame; mtk_cam-job_utils.c, add_ufbc_header_entry). Out
 * of tree.
 *
 * Left out: the sensor, what the device writes, working pools, "prot" heaps.
 */
export class MtkCamera {
  readonly #kernel: KernelFunctions;
  readonly #options: MtkCameraOptions;
  readonly #queues = new Map<string, Vb2Queue>();

  constructor(kernel: KernelFunctions, options: MtkCameraOptions) {
    this.#kernel = kernel;
    this.#options = options;
  }

  /**
   * Queues the buffers of one request, and writes its headers.
   *
   * @throws {DmaBufError} `EINVAL` where a buffer that is written to cannot be mapped: what was
   *   queued stays so
   */
  async request(buffers: readonly MtkCameraBuffer[], sequence: number): Promise<void> {
    for (const { node, slot, buffer } of buffers) await this.#queueOf(node).queue(slot, [buffer]);
    for (const each of buffers) await this.#fill(each, sequence);
  }

  async stop(): Promise<void> {
    for (const queue of this.#queues.values()) await queue.release();
    this.#queues.clear();
  }

  async #fill({ node, kind, slot }: MtkCameraBuffer, sequence: number): Promise<void> {
    const isWritten = kind !== 'image';
    if (!isWritten && this.#options.mapsBeforeFormatTest !== true) return;
    const view = await this.#queueOf(node).planeVaddr(slot, 0, FILL_FRAME);
    if (!isWritten) return;
    if (view === undefined) throw new DmaBufError(`Cannot fill the header of ${node}`, { code: 'EINVAL' });
    const header = view.as(Uint32Array, 0, HEADER_BYTES);
    if (kind === 'meta-config') header.reduce((sum, word) => sum + word, 0);
    else header.set([HEADER_MAGIC, sequence]);
  }

  #queueOf(node: string): Vb2Queue {
    const found = this.#queues.get(node);
    if (found !== undefined) return found;
    const made = new Vb2Queue(Vb2DeviceMemory.attach(this.#kernel, KIND), this.#options.slotCount);
    this.#queues.set(node, made);
    return made;
  }
}

/** Before a header's sequence number: "MTKC". */
const HEADER_MAGIC = 0x4d54_4b43;
const HEADER_BYTES = 64;

function siteOf(path: readonly string[]): CallSite {
  return { path, modules: [mtkModule('mtk_cam_isp8s', ['mtk_cam_vb2_vaddr', ...path])] };
}
