import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bun's own way; V8's is a flag. */
function findCollector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc: (waits: boolean) => void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

const gc = findCollector();

/**
 * Collects garbage until `done`, because finalizers run some turns of the event loop later. False
 * when it never becomes true.
 */
export async function collectGarbageUntil(done: () => boolean, roundCount = 100): Promise<boolean> {
  for (let round = 0; round < roundCount; round += 1) {
    gc();
    await sleep(10);
    if (done()) return true;
  }
  return false;
}
