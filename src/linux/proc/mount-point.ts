import { statfsSync } from 'node:fs';
import { join } from 'node:path';

import { DEBUGFS_MAGIC, TRACEFS_MAGIC } from '../../uapi/magic.ts';
import { readOptionalSystemFile } from './system-file.ts';
import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

/**
 * The usual places of file systems, for machines whose mounts cannot be read; and the magic numbers
 * that `statfs` gives there.
 */
const USUAL_PLACES: Readonly<Record<string, { readonly magic: number; readonly paths: readonly string[] }>> = {
  tracefs: { magic: TRACEFS_MAGIC, paths: ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] },
  debugfs: { magic: DEBUGFS_MAGIC, paths: ['/sys/kernel/debug'] },
};

/**
 * Where the first file system of `type` is mounted; undefined where none is (man 5 proc,
 * `/proc/self/mounts`).
 *
 * @returns a path without the machine's root
 */
export function findMountPoint(type: string, machine: Machine = thisMachine): string | undefined {
  const mounts = readOptionalSystemFile(join(machine.root, 'proc/self/mounts'));
  if (mounts === undefined) return findAtUsualPlace(type, machine);
  const mount = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[2] === type);
  // Spaces and similar characters are octal escapes there.
  return mount?.[1]?.replaceAll(/\\([0-7]{3})/gu, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
}

function findAtUsualPlace(type: string, machine: Machine): string | undefined {
  const usual = USUAL_PLACES[type];
  return usual?.paths.find((path) => fileSystemAt(join(machine.root, path)) === usual.magic);
}

function fileSystemAt(path: string): number | undefined {
  try {
    return statfsSync(path).type;
  } catch {
    return undefined;
  }
}
