import { join } from 'node:path';

import { MiB } from '../../base/sizes.ts';
import { readOptionalSystemFile } from '../../linux/proc/system-file.ts';
import type { Machine } from '../../linux/machine.ts';

/** A limit of the driver, and how to raise it. */
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

/** The largest udmabuf, in bytes. */
export function readUdmabufLimit(machine: Machine): UdmabufLimit {
  const mib = readParameter('size_limit_mb', machine);
  return { bytes: mib * MiB, remedy: `${raise('size_limit_mb', mib)}; or ask for less` };
}

/** The most items of one udmabuf. */
export function readUdmabufListLimit(machine: Machine): UdmabufListLimit {
  const count = readParameter('list_limit', machine);
  return { count, remedy: raise('list_limit', count) };
}

function readParameter(name: keyof typeof DEFAULTS, machine: Machine): number {
  const text = readOptionalSystemFile(join(machine.root, PARAMETER_FOLDER, name));
  return text === undefined ? DEFAULTS[name] : Number.parseInt(text, 10);
}

function raise(name: keyof typeof DEFAULTS, value: number): string {
  return `as root, run: echo ${16 * value} > ${PARAMETER_FOLDER}/${name}`;
}
