import { readdirSync, readlinkSync } from 'node:fs';

import { assertSettles, settled } from '../support/runner/settled.ts';
import { untilThreadsSleep } from '../support/runner/until-threads-sleep.ts';

/** What this process has open, by kind: `{ socket: 2, memfd: 1, … }`. */
export function heldDescriptors(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of readdirSync('/proc/self/fd').map(kindOf)) {
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/**
 * As {@link heldDescriptors}, once what closes in other threads is closed: what was open at two
 * looks in a row, between which nothing was left to do.
 */
export async function settledDescriptors(): Promise<Record<string, number>> {
  await settled(heldDescriptors, 50);
  await untilThreadsSleep();
  return heldDescriptors();
}

/**
 * Asserts that this process has open what it had, once the event loop has put away what it keeps
 * for a moment.
 */
export async function assertHeld(expected: Record<string, number>, message: string): Promise<void> {
  await assertSettles(heldDescriptors, expected, message);
}

/** `socket:[123]`, `/memfd:name (deleted)`, `anon_inode:[eventpoll]`, or a path. */
function kindOf(fd: string): string | undefined {
  try {
    const link = readlinkSync(`/proc/self/fd/${fd}`);
    // Listing the folder opens it.
    if (link.startsWith('/proc/')) return undefined;
    return /^\/?(?<kind>memfd|socket|pipe|anon_inode:\[\w+\]|dmabuf):?/u.exec(link)?.groups?.['kind'] ?? link;
  } catch {
    return undefined;
  }
}
