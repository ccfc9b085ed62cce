import { join } from 'node:path';

import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { readSystemFile } from './system-file.ts';

/**
 * The free blocks of the machine's memory by order, from 0 up: `/proc/buddyinfo`, summed over all
 * zones and nodes (man 5 proc). The kernel's per-CPU lists are not included.
 *
 * @param machine whose `/proc` is read
 * @throws {DmaBufError} as the kernel refuses
 */
export function readFreeBlockCounts(machine: Machine = thisMachine): number[] {
  const text = readSystemFile(join(machine.root, 'proc/buddyinfo')).toString();
  const zones = [...text.matchAll(/^Node +\d+, zone +\S+((?: +\d+)+)/gmu)].map(([, counts = '']) =>
    counts.trim().split(/ +/u).map(Number),
  );
  const orderCount = Math.max(0, ...zones.map(({ length }) => length));
  return Array.from({ length: orderCount }, (_, order) => zones.reduce((sum, zone) => sum + (zone[order] ?? 0), 0));
}
