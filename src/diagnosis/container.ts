import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { readOptionalSystemFile } from '../linux/proc/system-file.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';

/** The container that this process runs in. */
export interface Container {
  /**
   * `docker`, `podman`, `kubernetes`, `lxc`, `systemd-nspawn`, or another name from
   * `/run/systemd/container`.
   */
  readonly engine: string;
  /** The file that shows it. */
  readonly evidence: string;
}

const MARKERS: readonly Container[] = [
  { engine: 'podman', evidence: '/run/.containerenv' },
  { engine: 'docker', evidence: '/.dockerenv' },
];

const GROUP_MARKERS: readonly { readonly engine: string; readonly pattern: RegExp }[] = [
  { engine: 'kubernetes', pattern: /\/kubepods/u },
  { engine: 'docker', pattern: /\/docker[/-]/u },
  { engine: 'podman', pattern: /\/libpod-/u },
  { engine: 'lxc', pattern: /\/lxc(?:\.payload)?[./]/u },
];

/**
 * Detects whether this process runs in a container: by files that engines create in one, else by
 * its control group's name.
 */
export function detectContainer(machine: Machine = thisMachine): Container | undefined {
  const groups = readOptionalSystemFile(join(machine.root, 'proc/self/cgroup')) ?? '';
  const group = GROUP_MARKERS.find(({ pattern }) => pattern.test(groups));
  // Kubernetes' engines create the same files, but have no flags to pass in a device.
  if (group?.engine === 'kubernetes') return { engine: group.engine, evidence: '/proc/self/cgroup' };
  const marker = MARKERS.find(({ evidence }) => existsSync(join(machine.root, evidence)));
  if (marker !== undefined) return marker;
  const engine = readOptionalSystemFile(join(machine.root, 'run/systemd/container'))?.trim() ?? '';
  if (engine !== '') return { engine, evidence: '/run/systemd/container' };
  return group === undefined ? undefined : { engine: group.engine, evidence: '/proc/self/cgroup' };
}

/** How to give a container a device of its host: completes "in a container, …". */
export function describePassingIn({ engine }: Container, path: string): string {
  switch (engine) {
    case 'docker':
    case 'podman':
      return `start the container with: --device ${path}`;
    case 'kubernetes':
      return `let a device plugin offer ${path} of the node, and ask for it in the pod's resource limits`;
    case 'lxc':
      return `on the host, run: lxc config device add CONTAINER ${path.split('/').at(-1)} unix-char path=${path}`;
    case 'systemd-nspawn':
      return `start the container with: --bind=${path} --property=DeviceAllow="${path} rw"`;
    default:
      return `let the container have ${path} of its host`;
  }
}
