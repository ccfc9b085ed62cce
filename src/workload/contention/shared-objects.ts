import { randomUUID } from 'node:crypto';

import { runAllSteps } from '../../base/cleanup.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { OwnedFd } from '../../linux/calls/fd.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { Workload } from '../workload.ts';
import type { SharedBufferFacts, SharedSessionFacts } from './party-messages.ts';

/** What the parties of a workload share: buffers and locks, made by this thread. */
export class SharedObjects {
  readonly buffers: readonly DmaBuf[];
  readonly bufferFacts: readonly SharedBufferFacts[];
  readonly sessionFacts: readonly SharedSessionFacts[];
  readonly #closers: (() => void)[] = [];
  readonly #calls: MemoryCalls;

  /** @throws as allocating fails: nothing stays */
  constructor(heap: Heap, { loads }: Workload, calls = new MemoryCalls()) {
    this.#calls = calls;
    const lengths = new Map<string, number>();
    const sessions = new Set<string>();
    for (const load of loads) {
      if ('buffer' in load) lengths.set(load.buffer, Math.max(load.lengthBytes, lengths.get(load.buffer) ?? 0));
      if ('session' in load && load.session !== undefined) sessions.add(load.session);
    }
    try {
      this.buffers = [...lengths].map(([name, length]) => this.#allocate(heap, name, length));
      this.bufferFacts = this.buffers.map((buffer) => this.#factsOf(buffer, heap.pageSize));
      this.sessionFacts = [...sessions].map((name) => ({
        name,
        lockPath: this.#lockPath(),
        channelName: `dmabuf-workload-${randomUUID()}`,
      }));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    runAllSteps(this.#closers.splice(0).toReversed(), 'What the parties shared could not be closed');
  }

  /** Its pages are there from now on, as those of a heap of the kernel are. */
  #allocate(heap: Heap, name: string, length: number): DmaBuf {
    const buffer = heap.allocate(length, { name, shareable: true });
    this.#closers.push(() => buffer.close());
    buffer.vmap({ populate: true }).close();
    return buffer;
  }

  #factsOf(buffer: DmaBuf, pageSize: number): SharedBufferFacts {
    const layout = buffer.layout();
    return {
      name: buffer.name,
      fd: this.#keep(buffer.exportFd()),
      reservationPath: this.#lockPath(),
      exporterPath: this.#lockPath(),
      entries: layout.known ? [...layout.table.entries()] : undefined,
      pageSize,
    };
  }

  /** An empty file that goes with this thread: nothing of it can be left in a folder. */
  #lockPath(): string {
    const fd = this.#keep(this.#calls.createSealedMemfd('dmabuf-lock', this.#calls.pageSize()));
    return `/proc/${process.pid}/fd/${fd}`;
  }

  #keep(fd: OwnedFd): number {
    this.#closers.push(() => fd.close());
    return fd.borrow();
  }
}
