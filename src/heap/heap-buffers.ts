import { formatSize } from '../base/sizes.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { BufferCore, BufferSurroundings } from './buffer-core.ts';
import { Reclaimer } from './reclaimer.ts';

/** A heap as its buffers see it. They keep this, and not the heap, alive. */
export class HeapBuffers implements BufferSurroundings {
  readonly mapping: BufferSurroundings['mapping'];
  readonly reclaimer = new Reclaimer();
  readonly #heapName: string | undefined;
  readonly #warnedPlaces = new Set<string>();
  count = 0;
  lostCount = 0;

  /** @param heap.name undefined where the buffers come from no heap */
  constructor(heap: { readonly name: string | undefined; readonly mapping: MappingContext }) {
    this.mapping = heap.mapping;
    this.#heapName = heap.name;
  }

  released(): void {
    this.count -= 1;
  }

  /** Warns once; where allocations are tracked, once for each place. The others are counted. */
  lost(core: BufferCore): void {
    this.lostCount += 1;
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
