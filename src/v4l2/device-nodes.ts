import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import type { Machine } from '../linux/machine.ts';
import { withFileErrors, isMissing, readOptionalSystemFile } from '../linux/proc/system-file.ts';

/** A node of a V4L2 device, as the kernel lists it. */
export interface DeviceNode {
  /** `/dev/video0`. */
  readonly path: string;
  /** What its driver calls it, which is mostly the card's name. */
  readonly name: string;
  /**
   * What udev calls it by what the device is and where it is plugged in, which stays the same over
   * reboots: `/dev/v4l/by-id/…`, `/dev/v4l/by-path/…`.
   */
  readonly stablePaths: readonly string[];
}

const CLASS_FOLDER = 'sys/class/video4linux';
const STABLE_FOLDERS = ['/dev/v4l/by-id', '/dev/v4l/by-path'];

/** The nodes of video devices, in the order of their numbers. Radios and subdevices are none. */
export function listDeviceNodes(machine: Machine): DeviceNode[] {
  const links = listStablePaths(machine);
  return namesIn(join(machine.root, CLASS_FOLDER))
    .filter((name) => /^video\d+$/u.test(name))
    .toSorted((one, other) => Number(one.slice('video'.length)) - Number(other.slice('video'.length)))
    .map((node) => {
      const path = `/dev/${node}`;
      const name = readOptionalSystemFile(join(machine.root, CLASS_FOLDER, node, 'name')) ?? '';
      return {
        path,
        name: name.trim(),
        stablePaths: links.filter((link) => link.target === path).map(({ link }) => link),
      };
    });
}

function listStablePaths(machine: Machine): { readonly link: string; readonly target: string }[] {
  return STABLE_FOLDERS.flatMap((folder) =>
    namesIn(join(machine.root, folder)).flatMap((name) => {
      const target = targetOf(join(machine.root, folder, name));
      const { root } = machine;
      if (target === undefined) return [];
      return [{ link: `${folder}/${name}`, target: root === '/' ? target : target.slice(realpathSync(root).length) }];
    }),
  );
}

/** A device may be unplugged meanwhile. */
function targetOf(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}

/** None where there is no such folder for us. */
function namesIn(folder: string): string[] {
  try {
    return withFileErrors('list', folder, () => readdirSync(folder)).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
