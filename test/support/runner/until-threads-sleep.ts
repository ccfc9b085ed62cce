import { readFileSync, readdirSync } from 'node:fs';

import { until } from './settled.ts';

/** `TID (name) S …`: the name may have anything in it (man 5 proc). */
const STATE = /^.*\) (?<state>\w) /su;

/**
 * Waits until each other thread of this process sleeps: a descriptor that another thread closes is
 * closed by then, and a thread that has ended is gone. On a busy machine either may take long.
 */
export async function untilThreadsSleep(): Promise<void> {
  await until(() =>
    readdirSync('/proc/self/task')
      .filter((thread) => thread !== String(process.pid))
      .every(isAsleepOrGone),
  );
}

function isAsleepOrGone(thread: string): boolean {
  try {
    return STATE.exec(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8'))?.groups?.['state'] === 'S';
  } catch {
    return true;
  }
}
