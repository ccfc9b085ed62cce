import { DmaBufError } from '../../base/errors.ts';
import { KiB, MiB } from '../../base/sizes.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import type { SleepingLock } from '../kernel/kernel-lock.ts';
import { mtkSite } from './mtk-modules.ts';

/** MDW_MEM_POOL_CHUNK_SIZE. */
const CHUNK_BYTES: number = 4 * MiB;
const PAGE_BYTES: number = 4 * KiB;
const OPEN = ['mdw_mem_pool_chunk_add', 'mdw_mem_pool_create', 'mdw_drv_open'];
const GROW = ['mdw_mem_pool_chunk_add', 'mdw_mem_pool_alloc', 'mdw_mem_ioctl'];
const FREE = mtkSite('apusys', ['apu_sysmem_free', 'mdw_mem_pool_chunk_del', 'mdw_mem_pool_destroy']);

/** A chunk of a pool. */
export interface PoolChunk {
  readonly lengthBytes: number;
  readonly view: BufferView;
  /** By page: 1 where a command has it. */
  readonly used: Uint8Array<SharedArrayBuffer>;
}

/** Where the threads of a session share a pool. */
export interface PoolSharing {
  /** `pool->m_mtx`. */
  readonly lock: SleepingLock;
  /** Chunks that other threads have added since. Called with the lock. */
  readonly takeAdded: () => readonly PoolChunk[];
  /** Tells the other threads of a chunk. Called with the lock. */
  readonly tellAdded: (chunk: PoolChunk, buffer: DmaBuf) => void;
}

interface OwnChunk extends PoolChunk {
  readonly buffer: DmaBuf;
}

/** A command's memory in a pool. */
export interface ApusysCommand {
  readonly bytes: Uint8Array;
  readonly chunk: PoolChunk;
  readonly firstPage: number;
  readonly pageCount: number;
}

/**
 * The memory of a session of MediaTek's NPU (apusys/midware/3.0, mdw_mem_pool_create): command
 * buffers of whole pages out of chunks that are mapped twice, the second time for nothing. A pool
 * grows while its lock is held, and gives chunks back at its end alone. Out of tree.
 *
 * Left out: the device's addresses; the chunk that is added in vain where a retry fails.
 */
export class ApusysPool {
  readonly #kernel: KernelFunctions;
  readonly #heap: Heap;
  /** `pool->m_mtx`. */
  readonly #lock: SleepingLock;
  readonly #sharing: PoolSharing | undefined;
  readonly #chunks: PoolChunk[] = [];
  /** Those that this thread has added, and is to give back. */
  readonly #own: OwnChunk[] = [];

  private constructor(kernel: KernelFunctions, heap: Heap, sharing: PoolSharing | undefined) {
    this.#kernel = kernel;
    this.#heap = heap;
    this.#sharing = sharing;
    this.#lock = sharing?.lock ?? kernel.driverLock();
  }

  /** `mdw_drv_open`: with its first chunk, unless another thread has added one. */
  static async open(kernel: KernelFunctions, heap: Heap, sharing?: PoolSharing): Promise<ApusysPool> {
    const pool = new ApusysPool(kernel, heap, sharing);
    await pool.#lock.hold(async () => {
      pool.#takeAdded();
      if (pool.#chunks.length === 0) await pool.#grow(CHUNK_BYTES, OPEN);
    });
    return pool;
  }

  get chunkBytes(): readonly number[] {
    return this.#chunks.map(({ lengthBytes }) => lengthBytes);
  }

  /**
   * A command of `lengthBytes`, zeroed through the mapping.
   *
   * @throws as adding a chunk fails, where none has room
   */
  async allocate(lengthBytes: number): Promise<ApusysCommand> {
    return await this.#lock.hold(async () => {
      this.#takeAdded();
      const pageCount = Math.ceil(lengthBytes / PAGE_BYTES);
      let place = this.#find(pageCount);
      if (place === undefined) {
        await this.#grow(Math.max(CHUNK_BYTES, roundUpToPowerOfTwo(lengthBytes)), GROW);
        place = this.#find(pageCount);
      }
      if (place === undefined) throw new DmaBufError('Cannot allocate the command', { code: 'ENOMEM' });
      return take(place.chunk, place.firstPage, pageCount);
    });
  }

  async free({ chunk, firstPage, pageCount }: ApusysCommand): Promise<void> {
    await this.#lock.hold(() => void chunk.used.fill(0, firstPage, firstPage + pageCount));
  }

  /** Gives back all chunks that it has added. Commands that were not freed are gone as well. */
  async close(): Promise<void> {
    await this.#lock.hold(async () => {
      this.#chunks.length = 0;
      for (const { buffer } of this.#own.splice(0)) {
        await this.#kernel.vunmapUnlocked(buffer, FREE);
        await this.#kernel.vunmapUnlocked(buffer, FREE);
        buffer.close();
      }
    });
  }

  async #grow(lengthBytes: number, callers: readonly string[]): Promise<void> {
    const buffer = this.#kernel.allocate(this.#heap, lengthBytes, 'apusys');
    let view: BufferView;
    try {
      view = await this.#kernel.vmapUnlocked(
        buffer,
        mtkSite('apusys', ['apu_sysmem_alloc', 'mdw_mem_alloc', ...callers]),
      );
      await this.#mapAgain(buffer, callers);
    } catch (error) {
      buffer.close();
      throw error;
    }
    const used = new Uint8Array(new SharedArrayBuffer(lengthBytes / PAGE_BYTES));
    const chunk = { buffer, lengthBytes, view, used };
    this.#own.push(chunk);
    this.#chunks.push(chunk);
    this.#sharing?.tellAdded(chunk, buffer);
  }

  async #mapAgain(buffer: DmaBuf, callers: readonly string[]): Promise<void> {
    try {
      await this.#kernel.vmapUnlocked(buffer, mtkSite('apusys', ['apu_sysmem_map', 'mdw_mem_map', ...callers]));
    } catch (error) {
      await this.#kernel.vunmapUnlocked(buffer, FREE);
      throw error;
    }
  }

  #takeAdded(): void {
    if (this.#sharing !== undefined) this.#chunks.push(...this.#sharing.takeAdded());
  }

  /** First fit, as gen_pool_first_fit. */
  #find(pageCount: number): { chunk: PoolChunk; firstPage: number } | undefined {
    for (const chunk of this.#chunks) {
      let free = 0;
      for (const [page, isUsed] of chunk.used.entries()) {
        free = isUsed === 1 ? 0 : free + 1;
        if (free === pageCount) return { chunk, firstPage: page + 1 - pageCount };
      }
    }
    return undefined;
  }
}

function take(chunk: PoolChunk, firstPage: number, pageCount: number): ApusysCommand {
  chunk.used.fill(1, firstPage, firstPage + pageCount);
  const bytes = chunk.view.subarray(firstPage * PAGE_BYTES, pageCount * PAGE_BYTES);
  bytes.fill(0);
  return { bytes, chunk, firstPage, pageCount };
}

function roundUpToPowerOfTwo(lengthBytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(lengthBytes, PAGE_BYTES)));
}
