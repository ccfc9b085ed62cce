import { join } from 'node:path';

import { readOptionalSystemFile } from './system-file.ts';

/**
 * Where the first file system of `type` is mounted; undefined where none is (man 5 proc, `/proc/self/mounts`).
 *
 * @param root where `/proc` is found; the mount point lies below it, and is given without
 */
export function findMountPoint(type: string, root = '/'): string | undefined {
  const mounts = readOptionalSystemFile(join(root, 'proc/self/mounts')) ?? '';
  const mount = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[2] === type);
  // Spaces and the like stand there as octal numbers.
  return mount?.[1]?.replaceAll(/\\([0-7]{3})/gu, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
}
