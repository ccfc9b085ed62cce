/** Why a device cannot be opened, told from the error, the node and the user; with the commands that mend it. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';

import type { ErrnoName } from '../base/errors.ts';
import { readGroups, readIdentity } from './accounts.ts';
import { describePassingIn, detectContainer } from './container.ts';
import { asRoot, describeOwnership, explainForbidden } from './device-permission.ts';
import type { Asker, DeviceFamily, NodeOwnership, Refusal } from './device-permission.ts';
import { findDriver } from './kernel-driver.ts';
import type { Driver, DriverPlace } from './kernel-driver.ts';
import { formatRemedy } from './remedy.ts';

/** What a kind of device comes from. */
interface DeviceKind {
  readonly pattern: RegExp;
  readonly family: DeviceFamily;
  readonly driver?: Driver;
  /** What else a driver that is there needs before it makes the device. */
  readonly needs?: string;
}

interface Question {
  readonly path: string;
  readonly kind: DeviceKind;
  readonly asker: Asker;
  readonly root: string;
}

const HEAP_FAMILY: DeviceFamily = { subsystem: 'dma_heap', groups: ['video', 'render'] };

const DEVICE_KINDS: readonly DeviceKind[] = [
  {
    pattern: /^\/dev\/dma_heap(?:\/system)?$/u,
    family: HEAP_FAMILY,
    driver: { module: 'system_heap', option: 'CONFIG_DMABUF_HEAPS_SYSTEM' },
  },
  {
    pattern: /^\/dev\/dma_heap\/(?:default_cma_region|linux,cma|reserved|default-pool|cma)$/u,
    family: HEAP_FAMILY,
    driver: { module: 'cma_heap', option: 'CONFIG_DMABUF_HEAPS_CMA' },
    needs: 'give the kernel a contiguous area: write cma=64M on its command line',
  },
  { pattern: /^\/dev\/dma_heap\//u, family: HEAP_FAMILY },
  {
    pattern: /^\/dev\/udmabuf$/u,
    // systemd gives it to kvm (rules.d/50-udev-default.rules).
    family: { subsystem: 'misc', groups: ['kvm', 'video'] },
    driver: { module: 'udmabuf', option: 'CONFIG_UDMABUF' },
  },
];

const OTHER_KIND: DeviceKind = { pattern: /^/u, family: { subsystem: undefined, groups: ['video'] } };

const NO_KNOWN_DRIVER = 'use another device: one of this name comes from a device tree or a vendor kernel';
const OTHER_DEV = 'bring the device in from the /dev that the kernel fills (devtmpfs): this one is not';

const EXPLANATIONS: Partial<Record<ErrnoName, (question: Question) => Refusal>> = {
  ENOENT: explainMissing,
  ENOTDIR: explainMissing,
  ENODEV: explainNoDriver,
  ENXIO: explainNoDriver,
  EACCES: explainNoAccess,
  EPERM: explainNotAllowed,
  EMFILE: ({ path }) => ({
    reason: `${path} cannot be opened as this process has as many files open as it may`,
    remedy: { commands: ['ulimit -n "$(ulimit -H -n)"'], note: 'or close what is no longer used' },
  }),
};

/**
 * Why a device was refused and what would help, for the end of an error message.
 *
 * @param path of the device, such as `/dev/dma_heap/system`
 * @param code what opening it failed with
 * @param root where `/dev`, `/etc`, `/proc`, `/run` and `/lib` are found
 * @returns `reason`, a clause, and `remedy`: `run: COMMAND && COMMAND; what to do then`
 */
export function explainRefusedDevice(
  path: string,
  code: ErrnoName,
  root = '/',
): { readonly reason: string; readonly remedy: string } {
  const { reason, remedy } = diagnoseRefusedDevice(path, code, root);
  return { reason, remedy: formatRemedy(remedy) };
}

/** As {@link explainRefusedDevice}, with the commands one by one. */
export function diagnoseRefusedDevice(path: string, code: ErrnoName, root = '/'): Refusal {
  const explain = EXPLANATIONS[code];
  if (explain === undefined) {
    return {
      reason: `${path} cannot be opened (${code})`,
      remedy: { commands: [`ls -l ${path}`, 'sudo dmesg | tail'], note: 'the kernel may have said why' },
    };
  }
  const kind = DEVICE_KINDS.find(({ pattern }) => pattern.test(path)) ?? OTHER_KIND;
  return explain({ path, kind, asker: readAsker(root), root });
}

/** Whose a node is; undefined where it cannot be told. */
export function readNodeOwnership(path: string, root = '/'): NodeOwnership | undefined {
  const status = statOrNothing(join(root, path));
  return status === undefined ? undefined : { ownerId: status.uid, groupId: status.gid, mode: status.mode & 0o777 };
}

function readAsker(root: string): Asker {
  return {
    identity: readIdentity(root),
    groups: readGroups(root),
    container: detectContainer(root),
    hasUdev: existsSync(join(root, 'run/udev')),
  };
}

function explainMissing(question: Question): Refusal {
  const { path, kind, asker, root } = question;
  const missing = describeMissing(path, root);
  // A kernel without the driver has no device on the host either.
  const isBuilt = kind.driver === undefined || findDriver(kind.driver, root) !== 'absent';
  if (asker.container === undefined || !isBuilt) return explainDriver(question, missing);
  return {
    reason: `${missing} in this container (${asker.container.engine})`,
    remedy: { commands: [], note: `${describePassingIn(asker.container, path)} (where the host has it)` },
  };
}

/** What there is in its place is worth knowing: heaps of the same kind go by many names. */
function describeMissing(path: string, root: string): string {
  const folder = dirname(path);
  if (folder === '/dev') return `there is no ${path}`;
  const beside = readNames(join(root, folder));
  if (beside === undefined) return `there is no ${folder}`;
  return beside.length === 0 ? `${folder} is empty` : `there is no ${path} beside ${beside.join(', ')}`;
}

function explainNoDriver(question: Question): Refusal {
  return explainDriver(question, `there is a node ${question.path}, but no driver behind it`);
}

/** What would bring a device into being that the kernel does not have now. */
function explainDriver({ kind, asker, root }: Question, reason: string): Refusal {
  if (kind.driver === undefined) return { reason, remedy: { commands: [], note: NO_KNOWN_DRIVER } };
  const { module, option } = kind.driver;
  const load = asRoot(`modprobe ${module}`, asker.identity);
  const boot = `boot a kernel built with ${option}=y`;
  const answers: Record<DriverPlace, Refusal> = {
    loadable: { reason: `${reason}, as its driver is not loaded`, remedy: { commands: [load] } },
    builtin: {
      reason: `${reason}, though the kernel has the driver`,
      remedy: { commands: [], note: kind.needs ?? OTHER_DEV },
    },
    absent: { reason: `${reason}, as this kernel is built without it`, remedy: { commands: [], note: boot } },
    unknown: { reason, remedy: { commands: [load], note: `without that module, ${boot}` } },
  };
  return answers[findDriver(kind.driver, root)];
}

function explainNoAccess({ path, kind, asker, root }: Question): Refusal {
  const folder = findClosedFolder(path, root);
  const node = readNodeOwnership(folder ?? path, root);
  // It may be gone by now.
  if (node === undefined) return explainMissing({ path, kind, asker, root });
  if (folder === undefined) return explainForbidden(path, node, kind.family, asker);
  return {
    reason: `${folder} may not be looked into: it belongs to ${describeOwnership(node, asker.groups)}`,
    remedy: { commands: [asRoot(`chmod 0755 ${folder}`, asker.identity)] },
  };
}

/** The folder on the way to `path`, itself included, that this process may not look into. */
function findClosedFolder(path: string, root: string): string | undefined {
  const status = statOrNothing(join(root, path));
  if (status !== undefined) return status.isDirectory() ? path : undefined;
  const parent = dirname(path);
  return parent === '/' ? undefined : findClosedFolder(parent, root);
}

function explainNotAllowed({ path, asker }: Question): Refusal {
  const reason = `${path} is not among the devices that the control group of this process may use`;
  const note =
    asker.container === undefined
      ? `in the service's unit, under [Service], write: DeviceAllow=${path} rw`
      : describePassingIn(asker.container, path);
  return { reason, remedy: { commands: [], note } };
}

function statOrNothing(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Undefined where there is no such folder for us. */
function readNames(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return undefined;
  }
}
