import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { readKernelConfig, readKernelRelease } from './kernel-config.ts';
import { readOptionalSystemFile } from './system-file.ts';
import { thisMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

/** A driver: its module as `modprobe` takes it, and its kernel option. */
export interface Driver {
  readonly module: string;
  readonly option: string;
}

/** Where a driver is: built in, a loadable module, absent, or unknown. */
export type DriverPlace = 'builtin' | 'loadable' | 'absent' | 'unknown';

/**
 * Looks a driver up in the list of the running kernel's modules (man 5 modules.dep), then in the
 * kernel's configuration. `modules.builtin` does not suffice: it omits drivers that can only be
 * built in and have no licence tag.
 */
export function findDriver({ module, option }: Driver, machine: Machine = thisMachine): DriverPlace {
  if (isListed(module, machine)) return 'loadable';
  const value = readKernelConfig(machine)?.valueOf(option);
  // No kernel configuration to ask: /sys/module/NAME also exists for built-in drivers that have
  // parameters.
  if (value === 'y' || (value === undefined && existsSync(join(machine.root, 'sys/module', module)))) return 'builtin';
  if (value === undefined) return 'unknown';
  return value === 'm' ? 'loadable' : 'absent';
}

function isListed(module: string, machine: Machine): boolean {
  const release = readKernelRelease(machine);
  // File names have "-" or "_", which modprobe treats as equal.
  const file = new RegExp(`/${module.replaceAll('_', '[_-]')}\\.ko[.\\w]*:`, 'u');
  return ['lib/modules', 'usr/lib/modules'].some((folder) =>
    file.test(readOptionalSystemFile(join(machine.root, folder, release, 'modules.dep')) ?? ''),
  );
}
