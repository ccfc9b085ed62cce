import { setTimeout as delay } from 'node:timers/promises';

import type { BufferSnapshot } from '../../machine/buffers/buffer-snapshot.ts';

/** The parameters of watching. */
interface WatchOptions {
  readonly intervalMs: number;
  /** How many readings; may be infinite. */
  readonly count: number;
  /** Rejects when `signal` aborts. */
  readonly read: (signal: AbortSignal) => Promise<BufferSnapshot>;
  readonly show: (first: BufferSnapshot, now: BufferSnapshot) => void;
}

/**
 * Reads and shows, until the readings are done or the user ends it with Ctrl-C (SIGINT). The
 * interval begins at the end of each reading.
 */
export async function watchBuffers({ intervalMs, count, read, show }: WatchOptions): Promise<void> {
  const end = new AbortController();
  const interrupt = (): void => end.abort();
  process.once('SIGINT', interrupt);
  try {
    const first = await read(end.signal);
    show(first, first);
    for (let done = 1; done < count; done += 1) {
      await delay(intervalMs, undefined, { signal: end.signal });
      show(first, await read(end.signal));
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}
