import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { quoteForeign } from '../base/foreign-text.ts';
import type { Machine } from '../linux/machine.ts';
import { readOptionalSystemFile } from '../linux/proc/system-file.ts';

/** A process that has a device open. */
interface DeviceHolder {
  readonly pid: number;
  readonly name: string;
}

/**
 * The other processes that have `path` open, of those into which this one may look (man 5 proc,
 * /proc/PID/fd).
 */
function findHolders(machine: Machine, path: string): DeviceHolder[] {
  const proc = join(machine.root, 'proc');
  return listOrNothing(proc)
    .filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const folder = join(proc, pid, 'fd');
      return listOrNothing(folder).some((fd) => linkOrNothing(join(folder, fd)) === path);
    })
    .map((pid) => ({ pid: Number(pid), name: (readOptionalSystemFile(join(proc, pid, 'comm')) ?? '').trim() }));
}

/** A clause about who uses a device: `"ffmpeg" (PID 12) has it open`. */
export function describeHolders(machine: Machine, path: string): string {
  const holders = findHolders(machine, path);
  if (holders.length === 0)
    return 'it is in use: by this process itself, or by a program that /proc does not show to this user';
  const list = holders.map(({ pid, name }) => `${quoteForeign(name)} (PID ${pid})`).join(', ');
  return `${list} ${holders.length === 1 ? 'has' : 'have'} it open`;
}

function listOrNothing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOrNothing(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
