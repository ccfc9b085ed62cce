import { setImmediate as nextTurn } from 'node:timers/promises';

import type { BufferSnapshot } from '../../machine/buffers/buffer-snapshot.ts';
import { readSnapshotInSteps } from '../../machine/buffers/read-snapshot.ts';
import type { SnapshotOptions } from '../../machine/buffers/read-snapshot.ts';
import type { Terminal } from '../terminal.ts';

/** Shorter readings show no progress. */
const PROGRESS_AFTER_MS = 1000;
/** How long signals may have to wait for the event loop. */
const TURN_MS = 50;

/**
 * Reads a snapshot, and shows its progress after a second.
 *
 * @throws the abort reason when `signal` aborts
 */
export async function readWithProgress(
  options: SnapshotOptions,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<BufferSnapshot> {
  const begin = performance.now();
  let turnBegin = begin;
  const steps = readSnapshotInSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      terminal.clearProgress();
      return step.value;
    }
    const now = performance.now();
    if (now - turnBegin < TURN_MS) continue;
    const { doneCount, totalCount } = step.value;
    if (now - begin >= PROGRESS_AFTER_MS)
      terminal.showProgress(`Reading /proc … ${Math.floor((doneCount / totalCount) * 100)} %`);
    await nextTurn();
    signal?.throwIfAborted();
    turnBegin = performance.now();
  }
}
