import { outOfRange } from '../../base/argument-error.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { CallSite } from '../kernel/mapping-records.ts';

/**
 * A plane's memory, as videobuf2's memory operations have it (`struct vb2_mem_ops`,
 * include/media/videobuf2-core.h).
 */
export interface Vb2Memory {
  /** `map_dmabuf`. Where it fails, the memory stays attached. */
  map(): Promise<void>;
  /** `vaddr`. Undefined stands for NULL. */
  vaddr(site: CallSite): Promise<BufferView | undefined>;
  /** `unmap_dmabuf`, where it is mapped, and `detach_dmabuf`. Again: nothing. */
  put(): Promise<void>;
}

/** `attach_dmabuf`. */
export type AttachVb2Memory = (buffer: DmaBuf) => Promise<Vb2Memory>;

interface QueuedPlane {
  readonly buffer: DmaBuf;
  readonly memory: Vb2Memory;
}

/**
 * A queue of videobuf2 with buffers that are imported: `__prepare_dmabuf` of
 * drivers/media/common/videobuf2/videobuf2-core.c. A slot keeps the buffer that it had last, and
 * its mapping; another buffer in the slot is attached and mapped anew.
 *
 * Left out: formats and their checks, states, and the driver's own buffers.
 */
export class Vb2Queue {
  readonly #attach: AttachVb2Memory;
  readonly #slots: (readonly QueuedPlane[])[];
  #remapCount = 0;

  /** @param slotCount as VIDIOC_REQBUFS gives them: 1 or more */
  constructor(attach: AttachVb2Memory, slotCount: number) {
    this.#attach = attach;
    this.#slots = Array.from({ length: slotCount }, () => []);
  }

  /** How often a plane was attached and mapped. */
  get remapCount(): number {
    return this.#remapCount;
  }

  /**
   * VIDIOC_QBUF: each plane keeps what it has, or gets the buffer that is new.
   *
   * @throws as attaching or mapping fails: the slot is empty then
   */
  async queue(slot: number, planes: readonly DmaBuf[]): Promise<void> {
    const old = this.#slotAt(slot);
    this.#slots[slot] = [];
    const attached: QueuedPlane[] = [];
    try {
      for (const [index, buffer] of planes.entries()) attached.push(await this.#take(old[index], buffer));
      for (const plane of attached) if (!old.includes(plane)) await this.#map(plane);
    } catch (error) {
      await putAll(new Set([...attached, ...old.slice(attached.length)]));
      throw error;
    }
    await putAll(old.slice(planes.length));
    this.#slots[slot] = attached;
  }

  /** `vb2_plane_vaddr`. Undefined stands for NULL: drivers differ in checking it. */
  async planeVaddr(slot: number, plane: number, site: CallSite): Promise<BufferView | undefined> {
    const callers = { ...site, path: ['vb2_plane_vaddr', ...site.path] };
    return await this.#slotAt(slot)[plane]?.memory.vaddr(callers);
  }

  /** `vb2_queue_release`. */
  async release(): Promise<void> {
    for (const slot of this.#slots.splice(0)) await putAll(slot);
  }

  /** What the slot has, or the new buffer attached in its place. */
  async #take(old: QueuedPlane | undefined, buffer: DmaBuf): Promise<QueuedPlane> {
    if (old?.buffer === buffer) return old;
    await old?.memory.put();
    return { buffer, memory: await this.#attach(buffer) };
  }

  async #map({ memory }: QueuedPlane): Promise<void> {
    await memory.map();
    this.#remapCount += 1;
  }

  #slotAt(slot: number): readonly QueuedPlane[] {
    const found = this.#slots[slot];
    if (found !== undefined) return found;
    const max = this.#slots.length - 1;
    throw outOfRange({ action: 'queue a buffer', name: 'slot' }, { must: `be at most ${max}`, received: slot });
  }
}

/** `__vb2_buf_dmabuf_put`. */
async function putAll(planes: Iterable<QueuedPlane>): Promise<void> {
  for (const { memory } of planes) await memory.put();
}
