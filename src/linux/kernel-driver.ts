import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { readKernelConfig, readKernelRelease } from './kernel-config.ts';
import { readOptionalSystemFile } from './system-file.ts';

/** A driver, by its module as `modprobe` takes it and the option that builds it. */
export interface Driver {
  readonly module: string;
  readonly option: string;
}

/** Where a driver is: in the kernel itself, in a module that can be loaded, in neither, or it cannot be told. */
export type DriverPlace = 'builtin' | 'loadable' | 'absent' | 'unknown';

/**
 * Looks a driver up in the list of the running kernel's modules (man 5 modules.dep), then in the kernel's configuration.
 * `modules.builtin` would not do: it leaves out drivers that can only be built in and have no licence tag.
 */
export function findDriver({ module, option }: Driver, root = '/'): DriverPlace {
  if (isListed(module, root)) return 'loadable';
  const value = readKernelConfig(root)?.valueOf(option);
  // Without a configuration: parameters of what is built in stand there too.
  if (value === 'y' || (value === undefined && existsSync(join(root, 'sys/module', module)))) return 'builtin';
  if (value === undefined) return 'unknown';
  return value === 'm' ? 'loadable' : 'absent';
}

function isListed(module: string, root: string): boolean {
  const release = readKernelRelease(root);
  // File names have "-" or "_", which modprobe takes for the same.
  const file = new RegExp(`/${module.replaceAll('_', '[_-]')}\\.ko[.\\w]*:`, 'u');
  return ['lib/modules', 'usr/lib/modules'].some((folder) =>
    file.test(readOptionalSystemFile(join(root, folder, release, 'modules.dep')) ?? ''),
  );
}
