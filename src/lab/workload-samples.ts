import type { MappingEvent, UnmappingEvent } from '../trace/mapping-event.ts';
import type { LockHold } from '../workload/kernel/kernel-lock.ts';
import type { WorkloadSample } from './protocol/messages.ts';

/** What a workload did since the last look. */
export class WorkloadSamples {
  #durations: number[] = [];
  #bytes = 0;
  #heldNs = 0;
  #heldNsMax: number | null = null;
  #stepCount = 0;
  #lateCount = 0;
  readonly #sinceMs: number;
  readonly #isToldOfHolds: boolean;
  #lastMs: number;

  /** @param nowMs of a clock that never goes back @param isToldOfHolds whether any load tells */
  constructor(nowMs: number, isToldOfHolds: boolean) {
    this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    this.#isToldOfHolds = isToldOfHolds;
  }

  addRecord(record: MappingEvent | UnmappingEvent): void {
    if (record.kind !== 'mapping') return;
    this.#durations.push(record.durationNs ?? 0);
    this.#bytes += record.sizeBytes ?? 0;
  }

  addHold({ takenNs, releasedNs }: LockHold): void {
    const heldNs = releasedNs - takenNs;
    this.#heldNs += heldNs;
    this.#heldNsMax = Math.max(this.#heldNsMax ?? 0, heldNs);
  }

  addStep(isLate: boolean): void {
    this.#stepCount += 1;
    if (isLate) this.#lateCount += 1;
  }

  /** The sample of the time since the last one, which ends now. */
  take(nowMs: number): WorkloadSample {
    const sorted = this.#durations.toSorted((one, other) => one - other);
    const seconds = (nowMs - this.#lastMs) / 1000;
    const sample: WorkloadSample = {
      type: 'sample',
      atSeconds: (nowMs - this.#sinceMs) / 1000,
      mappingsPerSecond: this.#durations.length / seconds,
      bytesPerSecond: this.#bytes / seconds,
      medianNs: sorted[sorted.length >> 1] ?? null,
      maxNs: sorted.at(-1) ?? null,
      heldNs: this.#isToldOfHolds ? this.#heldNs : null,
      heldNsMax: this.#heldNsMax,
      stepCount: this.#stepCount,
      lateCount: this.#lateCount,
    };
    this.#durations = [];
    this.#bytes = 0;
    this.#heldNs = 0;
    this.#heldNsMax = null;
    this.#stepCount = 0;
    this.#lateCount = 0;
    this.#lastMs = nowMs;
    return sample;
  }
}
