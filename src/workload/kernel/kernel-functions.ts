import { isDmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { Attachment, Importer } from '../../heap/importer/attachment.ts';
import type { BufferView } from '../../heap/view.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import type { MappingEvent, UnmappingEvent } from '../../trace/mapping-event.ts';
import { mapAsExporter } from './exporter-mapping.ts';
import type { Conversion, ExporterStep } from './exporter-mapping.ts';
import { KernelMapping } from './kernel-mapping.ts';
import { MappingRecords } from './mapping-records.ts';
import type { CallSite } from './mapping-records.ts';
import { LockUseCount } from './kernel-lock.ts';
import type { LockUse } from './kernel-lock.ts';
import { TableCounter } from './table-counter.ts';
import type { TableCount } from './table-counter.ts';
import type { MappingWay } from './map-window.ts';

/** The functions that can fail, by the kernel's names. */
export type KernelFunction = ExporterStep | 'dma_heap_buffer_alloc' | 'dma_buf_attach' | 'dma_buf_map_attachment';

/** For {@link KernelFunctions}. */
interface KernelFunctionsOptions {
  /** How heaps turn their tables into pages. Default: `page`, as mainline does. */
  readonly conversion?: Conversion;
  /** How page-table entries are made. Default: as the buffer's heap does. */
  readonly mapping?: MappingWay;
  /** Told of each mapping and unmapping, as a recording of a kernel would be. */
  readonly onRecord?: (record: MappingEvent | UnmappingEvent) => void;
  /** Called before each function that can fail. What it throws is that function's failure. */
  readonly beforeCall?: (name: KernelFunction) => void;
}

/**
 * The functions of the kernel that drivers call, over buffers of this process: a driver that is
 * written against them does with a buffer what the real one does, in the same order, and really
 * maps it.
 */
export class KernelFunctions {
  readonly #conversion: Conversion;
  readonly #mappingWay: MappingWay;
  readonly #beforeCall: (name: KernelFunction) => void;
  readonly #records: MappingRecords;
  readonly #mappings = new WeakMap<DmaBuf, KernelMapping>();
  readonly #lockUse = new LockUseCount();
  readonly #tables = new TableCounter();
  #unlockedCallCount = 0;

  constructor({ conversion = 'page', mapping = 'heap', onRecord, beforeCall }: KernelFunctionsOptions = {}) {
    this.#conversion = conversion;
    this.#mappingWay = mapping;
    this.#beforeCall = beforeCall ?? ((): void => {});
    this.#records = new MappingRecords(onRecord);
  }

  /** Calls without the reservation lock that is asserted: lockdep would report them. */
  get unlockedCallCount(): number {
    return this.#unlockedCallCount;
  }

  /** `vmapping_counter`: how many mappings of the buffer there are. */
  mapCount(buffer: DmaBuf): number {
    return this.#mappingOf(buffer).count;
  }

  /** How the reservation locks of all buffers were used. */
  get lockUse(): LockUse {
    return this.#lockUse.read();
  }

  /** Of the buffers that were mapped. */
  get tables(): TableCount {
    return this.#tables.read();
  }

  /**
   * `dma_heap_buffer_alloc`, `dma_buf_get`. A heap's pages are there, and zero, before anybody maps
   * them; the embedded heap would take them at the first mapping.
   */
  allocate(heap: Heap, length: number, name: string): DmaBuf {
    this.#beforeCall('dma_heap_buffer_alloc');
    const buffer = heap.allocate(length, { name });
    try {
      if (heap.backend === 'embedded') buffer.vmap({ populate: true }).close();
      return buffer;
    } catch (error) {
      buffer.close();
      throw error;
    }
  }

  /** `dma_resv_lock` … `dma_resv_unlock`. */
  async reserve<Result>(buffer: DmaBuf, body: () => Result | Promise<Result>): Promise<Result> {
    return await this.#mappingOf(buffer).lock.hold(body);
  }

  /** `dma_buf_attach`. */
  async attach(buffer: DmaBuf, importer: Importer): Promise<Attachment> {
    return await this.reserve(buffer, () => {
      this.#beforeCall('dma_buf_attach');
      return buffer.attach(importer);
    });
  }

  /**
   * `dma_buf_map_attachment_unlocked`.
   *
   * @returns undefined where the table cannot be seen here, as a real device's cannot
   */
  async mapAttachment(buffer: DmaBuf, attachment: Attachment): Promise<SgTable | undefined> {
    return await this.reserve(buffer, async () => {
      this.#beforeCall('dma_buf_map_attachment');
      try {
        return await attachment.map();
      } catch (error) {
        if (isDmaBufError(error, 'EOPNOTSUPP')) return undefined;
        throw error;
      }
    });
  }

  /** `dma_buf_detach`, after `dma_buf_unmap_attachment` where it is mapped. */
  async detach(buffer: DmaBuf, attachment: Attachment): Promise<void> {
    await this.reserve(buffer, () => attachment.detach());
  }

  /** `dma_buf_vmap`, by a caller that has the reservation lock. */
  vmap(buffer: DmaBuf, site: CallSite): BufferView {
    const mapping = this.#mappingOf(buffer);
    if (!mapping.lock.isHeld) this.#unlockedCallCount += 1;
    // Measuring it, where that is needed, is no part of mapping; later users need none.
    const layout = mapping.count === 0 ? buffer.layout() : undefined;
    const table = layout?.known === true ? layout.table : undefined;
    if (layout !== undefined) this.#tables.add(buffer, table);
    const options = { table, conversion: this.#conversion, mapping: this.#mappingWay, beforeCall: this.#beforeCall };
    return this.#records.mapping(buffer, site, (take) => mapping.take(() => take(mapAsExporter(buffer, options))));
  }

  /** `dma_buf_vmap_unlocked`, which takes the reservation lock itself. */
  async vmapUnlocked(buffer: DmaBuf, site: CallSite): Promise<BufferView> {
    return await this.reserve(buffer, () => this.vmap(buffer, through('dma_buf_vmap_unlocked', site)));
  }

  /** `vmap`, of pages that a driver has found by itself: no mapping of a dma-buf. */
  vmapPages(buffer: DmaBuf, part: { readonly offset: number; readonly length: number }): BufferView {
    this.#beforeCall('vmap');
    return buffer.vmap({ populate: true, ...part });
  }

  /** `dma_buf_vunmap`, by a caller that has the reservation lock. */
  vunmap(buffer: DmaBuf, site: CallSite): void {
    const mapping = this.#mappingOf(buffer);
    if (!mapping.lock.isHeld) this.#unlockedCallCount += 1;
    this.#records.unmapping(buffer, site, () => mapping.drop());
  }

  /** `dma_buf_vunmap_unlocked`. */
  async vunmapUnlocked(buffer: DmaBuf, site: CallSite): Promise<void> {
    await this.reserve(buffer, () => this.vunmap(buffer, through('dma_buf_vunmap_unlocked', site)));
  }

  #mappingOf(buffer: DmaBuf): KernelMapping {
    const found = this.#mappings.get(buffer);
    if (found !== undefined) return found;
    const made = new KernelMapping(this.#lockUse);
    this.#mappings.set(buffer, made);
    return made;
  }
}

function through(name: string, site: CallSite): CallSite {
  return { ...site, path: [name, ...site.path] };
}
