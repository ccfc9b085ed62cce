import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { settled } from '../support/runner/settled.ts';

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
 * looks in a row.
 */
export async function settledDescriptors(): Promise<Record<string, number>> {
  return await settled(heldDescriptors, 50);
}

/**
 * Asserts that this process has open what it had, once the event loop has put away what it keeps
 * for a moment.
 */
export async function assertHeld(expected: Record<string, number>, message: string): Promise<void> {
  for (let round = 0; round < 100 && !isEqual(heldDescriptors(), expected); round += 1) await setTimeout(5);
  assert.deepEqual(heldDescriptors(), expected, message);
}

function isEqual(a: Record<string, number>, b: Record<string, number>): boolean {
  return Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);
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
