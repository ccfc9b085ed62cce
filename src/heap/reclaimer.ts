import { collector } from '../base/collector.ts';
import { isDmaBufError } from '../base/errors.ts';
import { FileMappings } from '../linux/proc/process-mappings.ts';

/** A release of memory that has to wait. */
interface PendingRelease {
  /**
   * Tries again. True when it is done.
   *
   * @param mappings reads the file mappings of the process, once per sweep
   */
  tryRelease(mappings: () => FileMappings): boolean;
  /** Kept from the collector while this is pending. */
  readonly keepAlive?: unknown;
}

const FIRST_DELAY_MS = 50;
const DELAY_MS_MAX = 2000;

/**
 * Memory that cannot be given back yet, because another thread holds it or the collector has not
 * dropped its last mapping. Tried again before every refusal for lack of memory, mappings or
 * descriptors, and by a timer that keeps no program alive.
 */
export class Reclaimer {
  readonly #pending = new Set<PendingRelease>();
  #timer: NodeJS.Timeout | undefined;

  get pendingCount(): number {
    return this.#pending.size;
  }

  add(release: PendingRelease): void {
    this.#pending.add(release);
    collector.hasPending(this);
    this.#schedule(FIRST_DELAY_MS);
  }

  tryNowOrLater(release: PendingRelease): void {
    if (!succeeds(release, readOnce())) this.add(release);
  }

  /** Tries every release again. Those that the kernel refuses now stay for the next time. */
  sweep(): void {
    const mappings = readOnce();
    for (const release of this.#pending) {
      if (succeeds(release, mappings)) this.#pending.delete(release);
    }
    if (this.#pending.size > 0) return;
    collector.hasNothingPending(this);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.sweep();
      if (this.#pending.size > 0) this.#schedule(Math.min(delayMs * 2, DELAY_MS_MAX));
    }, delayMs).unref();
  }
}

function readOnce(): () => FileMappings {
  let read: FileMappings | undefined;
  return () => (read ??= new FileMappings());
}

function succeeds(release: PendingRelease, mappings: () => FileMappings): boolean {
  try {
    return release.tryRelease(mappings);
  } catch (error) {
    if (isDmaBufError(error)) return false;
    throw error;
  }
}
