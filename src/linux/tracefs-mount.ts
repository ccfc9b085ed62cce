import { join } from 'node:path';

import { readOptionalSystemFile } from './system-file.ts';

/** Where tracefs is mounted, below `root`, where `/proc` is found too; undefined where it is not (man 5 proc, `/proc/self/mounts`). */
export function findTracefs(root: string): string | undefined {
  const mounts = readOptionalSystemFile(join(root, 'proc/self/mounts')) ?? '';
  const fields = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'tracefs');
  // Spaces and the like stand there as octal numbers.
  const mountPoint = fields?.[1]?.replaceAll(/\\([0-7]{3})/gu, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
  return mountPoint === undefined ? undefined : join(root, mountPoint);
}
