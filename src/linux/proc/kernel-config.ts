import { release } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { isDmaBufError } from '../../base/errors.ts';
import { readOptionalSystemFile, readSystemFile } from './system-file.ts';
import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

/** The build configuration of the running kernel. */
interface KernelConfig {
  /** The file that it was read from. */
  readonly path: string;
  /**
   * `y`, `m`, another value verbatim, or `n` for options that are unset or unknown to this kernel.
   */
  readonly valueOf: (option: string) => string;
}

const COMPRESSED = '/proc/config.gz';

/** The running kernel's release, as `uname -r` prints it. */
export function readKernelRelease(machine: Machine = thisMachine): string {
  return (
    readOptionalSystemFile(join(machine.root, 'proc/sys/kernel/osrelease')) ?? (machine.root === '/' ? release() : '')
  ).trim();
}

/**
 * Reads the configuration of the running kernel from the first place that has it; undefined where
 * no place does, as in most containers.
 */
export function readKernelConfig(machine: Machine = thisMachine): KernelConfig | undefined {
  const compressed = readCompressed(join(machine.root, COMPRESSED));
  if (compressed !== undefined) return parseConfig(COMPRESSED, compressed);
  const kernelRelease = readKernelRelease(machine);
  for (const path of [
    `/boot/config-${kernelRelease}`,
    `/lib/modules/${kernelRelease}/config`,
    `/usr/lib/modules/${kernelRelease}/config`,
  ]) {
    const text = readOptionalSystemFile(join(machine.root, path));
    if (text !== undefined) return parseConfig(path, text);
  }
  return undefined;
}

function readCompressed(path: string): string | undefined {
  try {
    return gunzipSync(readSystemFile(path)).toString();
  } catch (error) {
    // A missing or damaged file does not stop the search.
    if (isDmaBufError(error) || (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true) return undefined;
    throw error;
  }
}

/** `CONFIG_A=y`, `# CONFIG_B is not set` (Documentation/kbuild/kconfig-language.rst). */
function parseConfig(path: string, text: string): KernelConfig {
  return { path, valueOf: (option) => new RegExp(`^${option}=(.*)$`, 'mu').exec(text)?.[1] ?? 'n' };
}
