import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Machine } from '../machine.ts';

/**
 * Where a device is, as `pci 0000:00:02.0` or `platform gpu`: its bus, and its name there.
 *
 * @param device its folder, such as `/sys/class/drm/card0/device`
 * @returns undefined where `/sys` does not tell
 */
export function readDeviceBus(device: string, machine: Machine): string | undefined {
  const nameOf = (link: string): string => basename(readlinkSync(join(machine.root, link)));
  try {
    return `${nameOf(join(device, 'subsystem'))} ${nameOf(device)}`;
  } catch {
    return undefined;
  }
}
