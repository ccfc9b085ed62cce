import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

import type { Architecture } from './architectures.ts';

/** Installs what guests need, as root. */
export const INSTALL_COMMAND = 'npm run vm:install';
/**
 * Needed besides the emulator: programs that download and unpack packages, and one that ends the
 * emulator with its parent.
 */
const PROGRAMS = ['apt-cache', 'apt-get', 'depmod', 'dpkg-deb', 'ldd', 'npm', 'setpriv', 'tar', 'xz'];

/**
 * What this machine lacks for a guest, and the one command that installs it; undefined when nothing
 * is missing.
 */
export function missingRequirement({ emulator }: Architecture): string | undefined {
  const missing = [emulator, ...PROGRAMS].filter((program) => findOnPath(program) === undefined);
  if (missing.length === 0) return undefined;
  if (missing.includes('apt-get'))
    return `there is no ${missing.join(', ')}: guests are made of Debian's packages, on Debian`;
  return `there is no ${missing.join(', ')}: run "${INSTALL_COMMAND}" as root`;
}

/** The path of a program, also of those that only root has on its path. */
export function findOnPath(program: string): string | undefined {
  const folders = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':');
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
