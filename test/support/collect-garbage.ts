import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Collects garbage until `done`, as finalizers run some turns of the event loop later. False when it never comes true. */
export async function collectGarbageUntil(done: () => boolean, roundCount = 100): Promise<boolean> {
  for (let round = 0; round < roundCount; round += 1) {
    gc();
    await sleep(10);
    if (done()) return true;
  }
  return false;
}
