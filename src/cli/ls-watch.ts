import { setTimeout as delay } from 'node:timers/promises';

import type { BufferSnapshot } from '../machine/buffers/buffer-snapshot.ts';

/** How to watch. */
interface WatchOptions {
  readonly intervalMs: number;
  /** How many readings; may be infinite. */
  readonly count: number;
  readonly read: () => BufferSnapshot;
  readonly show: (first: BufferSnapshot, now: BufferSnapshot) => void;
}

/** Reads and shows, until the readings are done or the user ends it with Ctrl-C (SIGINT). */
export async function watchBuffers({ intervalMs, count, read, show }: WatchOptions): Promise<void> {
  const end = new AbortController();
  const interrupt = (): void => end.abort();
  process.once('SIGINT', interrupt);
  try {
    const first = read();
    show(first, first);
    for (let done = 1; done < count && (await waited(intervalMs, end.signal)); done += 1) show(first, read());
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** False when interrupted. */
async function waited(intervalMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(intervalMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
