import { join } from 'node:path';

import { MiB } from '../../base/sizes.ts';
import { readOptionalSystemFile } from '../../linux/system-file.ts';

/** A limit of the driver's, and how to raise it. */
interface UdmabufLimit {
  readonly bytes: number;
  readonly remedy: string;
}

interface UdmabufListLimit {
  readonly count: number;
  readonly remedy: string;
}

const PARAMETER_FOLDER = '/sys/module/udmabuf/parameters';
/** The driver's own defaults (drivers/dma-buf/udmabuf.c). */
const DEFAULTS = { size_limit_mb: 64, list_limit: 1024 };

/** How large one udmabuf may be, in bytes. `root`: where `/sys` is found. */
export function readUdmabufLimit(root: string): UdmabufLimit {
  const mib = readParameter('size_limit_mb', root);
  return { bytes: mib * MiB, remedy: `${raise('size_limit_mb', mib)}; or ask for less` };
}

/** Of how many stretches one udmabuf may be made. */
export function readUdmabufListLimit(root: string): UdmabufListLimit {
  const count = readParameter('list_limit', root);
  return { count, remedy: raise('list_limit', count) };
}

function readParameter(name: keyof typeof DEFAULTS, root: string): number {
  const text = readOptionalSystemFile(join(root, PARAMETER_FOLDER, name));
  return text === undefined ? DEFAULTS[name] : Number.parseInt(text, 10);
}

function raise(name: keyof typeof DEFAULTS, value: number): string {
  return `as root, run: echo ${16 * value} > ${PARAMETER_FOLDER}/${name}`;
}
