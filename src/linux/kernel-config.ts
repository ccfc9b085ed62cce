import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { isDmaBufError } from '../base/errors.ts';
import { readOptionalSystemFile, readSystemFile } from './system-file.ts';

/** What the running kernel was built with. */
interface KernelConfig {
  /** The file that says so. */
  readonly path: string;
  /** `y`, `m`, another value as it stands, or `n` for what is not set or not known to this kernel. */
  readonly valueOf: (option: string) => string;
}

const COMPRESSED = '/proc/config.gz';

/** The running kernel's release, as `uname -r` prints it. */
export function readKernelRelease(root = '/'): string {
  return (readOptionalSystemFile(join(root, 'proc/sys/kernel/osrelease')) ?? '').trim();
}

/** Reads the configuration of the running kernel from the first place that has it; undefined where none does, as in most containers. */
export function readKernelConfig(root = '/'): KernelConfig | undefined {
  const compressed = readCompressed(join(root, COMPRESSED));
  if (compressed !== undefined) return parseConfig(COMPRESSED, compressed);
  const release = readKernelRelease(root);
  for (const path of [
    `/boot/config-${release}`,
    `/lib/modules/${release}/config`,
    `/usr/lib/modules/${release}/config`,
  ]) {
    const text = readOptionalSystemFile(join(root, path));
    if (text !== undefined) return parseConfig(path, text);
  }
  return undefined;
}

function readCompressed(path: string): string | undefined {
  try {
    return gunzipSync(readSystemFile(path)).toString();
  } catch (error) {
    // Neither a file that is missing nor one that is damaged keeps the other places from being looked at.
    if (isDmaBufError(error) || (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true) return undefined;
    throw error;
  }
}

/** `CONFIG_A=y`, `# CONFIG_B is not set` (Documentation/kbuild/kconfig-language.rst). */
function parseConfig(path: string, text: string): KernelConfig {
  return { path, valueOf: (option) => new RegExp(`^${option}=(.*)$`, 'mu').exec(text)?.[1] ?? 'n' };
}
