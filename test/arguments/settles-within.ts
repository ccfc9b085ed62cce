import { setTimeout as sleep } from 'node:timers/promises';

/** Whether `outcome` is settled after at most `ms`. Rejects as `outcome` does; no timer is left. */
export async function settlesWithin(outcome: Promise<void>, ms: number): Promise<boolean> {
  const controller = new AbortController();
  const late = sleep(ms, false, { signal: controller.signal }).catch(() => false);
  const settled = await Promise.race([outcome.then(() => true), late]);
  controller.abort();
  return settled;
}
