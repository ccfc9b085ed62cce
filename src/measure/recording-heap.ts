import { assert } from '../base/assert.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendStats } from '../heap/backend.ts';
import type { MappingContext } from '../mapping/window.ts';

/**
 * A heap that remembers the memory of its latest buffer, so that its pages can be examined below
 * the API.
 */
export class RecordingHeap implements BackendHeap {
  readonly name: string;
  readonly backend: BackendHeap['backend'];
  readonly pageSize: ByteLength;
  readonly deviceImportable: boolean;
  readonly mapping: MappingContext;
  readonly #heap: BackendHeap;
  #allocated: BackendBuffer | undefined;

  constructor(heap: BackendHeap) {
    this.#heap = heap;
    this.name = heap.name;
    this.backend = heap.backend;
    this.pageSize = heap.pageSize;
    this.deviceImportable = heap.deviceImportable;
    this.mapping = heap.mapping;
  }

  get allocated(): BackendBuffer {
    assert(this.#allocated !== undefined, 'A buffer was allocated');
    return this.#allocated;
  }

  allocate(request: AllocationRequest): BackendBuffer {
    this.#allocated = this.#heap.allocate(request);
    return this.#allocated;
  }

  stats(): BackendStats {
    return this.#heap.stats();
  }

  close(): void {
    this.#heap.close();
  }
}
