import { formatSize } from '../base/sizes.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { BackendBuffer } from './backend.ts';
import { BufferCore } from './buffer-core.ts';
import type { BufferContext } from './buffer-core.ts';
import { bufferLabel } from './buffer-name.ts';
import { DmaBuf } from './dma-buf.ts';
import { Reclaimer } from './reclaimer.ts';

/** The heap's data for its buffers. They keep this alive, and not the heap. */
export class HeapBuffers implements BufferContext {
  readonly mapping: BufferContext['mapping'];
  readonly reclaimer = new Reclaimer();
  readonly #heapName: string | undefined;
  readonly #warnedPlaces = new Set<string>();
  readonly #cores = new Set<BufferCore>();
  #leakedCount = 0;

  /** @param heap.name undefined for buffers that come from no heap */
  constructor(heap: { readonly name: string | undefined; readonly mapping: MappingContext }) {
    this.mapping = heap.mapping;
    this.#heapName = heap.name;
  }

  /** Buffers whose memory has not gone back yet. */
  get count(): number {
    return this.#cores.size;
  }

  /** These buffers, in the order of their allocation. */
  get cores(): ReadonlySet<BufferCore> {
    return this.#cores;
  }

  /** Buffers that were collected without having been closed. */
  get leakedCount(): number {
    return this.#leakedCount;
  }

  /**
   * Makes a user's buffer from memory.
   *
   * @param creation where it was allocated, if the heap tracks that
   */
  adopt(memory: BackendBuffer, name: string, creation?: string): DmaBuf {
    const core = new BufferCore(memory, this, { label: bufferLabel(name), creation });
    this.#cores.add(core);
    return new DmaBuf(core, name);
  }

  /** The memory of a buffer has gone back. */
  released(core: BufferCore): void {
    this.#cores.delete(core);
  }

  /**
   * Warns once, or once per allocation site where allocations are tracked. Further losses are only
   * counted.
   */
  lost(core: BufferCore): void {
    this.#leakedCount += 1;
    const place = core.creation ?? '';
    if (this.#warnedPlaces.has(place)) return;
    this.#warnedPlaces.add(place);
    const [origin, remedy] =
      this.#heapName === undefined
        ? ['from elsewhere', 'Close what importBuffer(), createUdmabuf() or a connection gave when it is done with.']
        : [
            `from heap "${this.#heapName}"`,
            'Open the heap with { trackAllocations: true } to see where it was allocated.',
          ];
    process.emitWarning(
      `${core.label} of ${formatSize(core.memory.length)} ${origin} was collected without having been closed`,
      { type: 'DmaBufWarning', code: 'DMABUF_UNCLOSED', detail: core.creation ?? remedy },
    );
  }
}
