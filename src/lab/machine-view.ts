import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

import type { BufferSnapshot } from '../machine/buffers/buffer-snapshot.ts';
import { readSnapshotInSteps } from '../machine/buffers/read-snapshot.ts';
import type { Frame } from './protocol/frames.ts';
import { jsonFrame } from './server/json-frame.ts';
import type { Viewer } from './server/viewer.ts';

const INTERVAL_MS = 1000;
/** How long it reads before others have their turn. */
const STEP_MS = 5;

/** The dma-bufs of this machine, read again every second while somebody looks. */
export class MachineBuffers {
  readonly #begin: () => ReturnType<typeof readSnapshotInSteps>;
  #latest: BufferSnapshot | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #failure: unknown;

  /** @param begin begins a reading. Default: of this machine */
  constructor(begin: () => ReturnType<typeof readSnapshotInSteps> = () => readSnapshotInSteps({})) {
    this.#begin = begin;
  }

  /**
   * The latest reading. Begins another when that is old.
   *
   * @throws why the latest has failed, once: the next may not
   */
  latest(nowMs: number): BufferSnapshot | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.#reading === undefined && nowMs - this.#readAtMs >= INTERVAL_MS) this.#reading = this.#read();
    return this.#latest;
  }

  /** Until no reading goes on. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      this.#latest = await this.#readInSteps();
    } catch (error) {
      this.#failure = error;
    }
    this.#readAtMs = performance.now();
    this.#reading = undefined;
  }

  async #readInSteps(): Promise<BufferSnapshot> {
    const steps = this.#begin();
    let since = performance.now();
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      if (performance.now() - since < STEP_MS) continue;
      await turn();
      since = performance.now();
    }
  }
}

/** What one page has seen of the machine. */
export class MachineViewer implements Viewer {
  readonly #buffers: MachineBuffers;
  #seen: BufferSnapshot | undefined;

  constructor(buffers: MachineBuffers) {
    this.#buffers = buffers;
  }

  next(nowMs: number): Frame[] {
    const snapshot = this.#buffers.latest(nowMs);
    if (snapshot === undefined || snapshot === this.#seen) return [];
    this.#seen = snapshot;
    return [jsonFrame({ type: 'machine', snapshot })];
  }

  close(): void {}
}
