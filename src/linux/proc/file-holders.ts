import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import type { Machine } from '../machine.ts';

/** A process that has a file open. */
interface FileHolder {
  readonly pid: number;
  /** Its name, at most 15 bytes (`/proc/PID/comm`). */
  readonly name: string;
}

/**
 * The processes that have the file at `path` open, as far as `/proc` tells: root sees all of them,
 * others see their own.
 */
export function findFileHolders(path: string, machine: Machine): FileHolder[] {
  const proc = join(machine.root, 'proc');
  return orNone(() => readdirSync(proc))
    .filter((name) => /^[1-9]\d*$/u.test(name))
    .filter((pid) => holds(join(proc, pid, 'fd'), path))
    .map((pid) => ({ pid: Number(pid), name: nameOf(join(proc, pid, 'comm')) }));
}

function holds(folder: string, path: string): boolean {
  return orNone(() => readdirSync(folder)).some((fd) => orNone(() => [readlinkSync(join(folder, fd))]).includes(path));
}

function nameOf(comm: string): string {
  return orNone(() => [readFileSync(comm, 'utf8').trimEnd()])[0] ?? 'a process';
}

/** Processes end, and others do not let this one look. */
function orNone(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
