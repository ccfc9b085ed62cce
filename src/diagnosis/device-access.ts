/**
 * Why a device cannot be opened, from the error, the node and the user; with the commands that fix
 * it.
 */

import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';

import type { ErrnoName } from '../base/errors.ts';
import { readGroups, readIdentity } from './accounts.ts';
import { describePassingIn, detectContainer } from './container.ts';
import { asRoot, describeOwnership, explainForbidden } from './device-permission.ts';
import type { Requester, DeviceFamily, NodeOwnership, Refusal } from './device-permission.ts';
import { isCmaHeapName, meaningOfHeapName } from '../linux/proc/heap-names.ts';
import { findDriver } from '../linux/proc/kernel-driver.ts';
import type { Driver, DriverPlace } from '../linux/proc/kernel-driver.ts';
import { formatRemedy } from './remedy.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';

/** The driver behind a kind of device. */
interface DeviceKind {
  readonly family: DeviceFamily;
  readonly driver?: Driver | undefined;
  /** What else a loaded driver needs before it makes the device. */
  readonly needs?: string;
}

interface DeviceQuery {
  readonly path: string;
  readonly kind: DeviceKind;
  readonly asker: Requester;
  readonly machine: Machine;
}

const HEAP_FAMILY: DeviceFamily = { subsystem: 'dma_heap', groups: ['video', 'render'] };
const HEAP_PATH = /^\/dev\/dma_heap(?:\/(?<name>.*))?$/u;
const CMA_NEEDS = 'give the kernel a contiguous area: write cma=64M on its command line';

const UDMABUF_PATH = '/dev/udmabuf';
const UDMABUF_KIND: DeviceKind = {
  // systemd gives it to the group kvm (rules.d/50-udev-default.rules).
  family: { subsystem: 'misc', groups: ['kvm', 'video'] },
  driver: { module: 'udmabuf', option: 'CONFIG_UDMABUF' },
};

const OTHER_KIND: DeviceKind = { family: { subsystem: undefined, groups: ['video'] } };

/** For the folder of the heaps, the heap that nearly every machine with heaps has. */
function kindOf(path: string): DeviceKind {
  if (path === UDMABUF_PATH) return UDMABUF_KIND;
  const heap = HEAP_PATH.exec(path);
  if (heap === null) return OTHER_KIND;
  const name = heap.groups?.['name'] ?? 'system';
  const { driver } = meaningOfHeapName(name);
  return { family: HEAP_FAMILY, driver, ...(isCmaHeapName(name) ? { needs: CMA_NEEDS } : {}) };
}

const NO_KNOWN_DRIVER = 'use another device: one of this name comes from a device tree or a vendor kernel';
const OTHER_DEV = 'bring the device in from the /dev that the kernel fills (devtmpfs): this one is not';

const EXPLANATIONS: Partial<Record<ErrnoName, (question: DeviceQuery) => Refusal>> = {
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
 * Why a device was refused and the remedy, for the end of an error message.
 *
 * @param path of the device, such as `/dev/dma_heap/system`
 * @param code the error of opening it
 * @returns `reason`, a clause, and `remedy`: `run: COMMAND && COMMAND; the next step`
 */
export function explainRefusedDevice(
  path: string,
  code: ErrnoName,
  machine: Machine = thisMachine,
): { readonly reason: string; readonly remedy: string } {
  const { reason, remedy } = diagnoseRefusedDevice(path, code, machine);
  return { reason, remedy: formatRemedy(remedy) };
}

/** As {@link explainRefusedDevice}, with the commands one by one. */
export function diagnoseRefusedDevice(path: string, code: ErrnoName, machine: Machine = thisMachine): Refusal {
  const explain = EXPLANATIONS[code];
  if (explain === undefined) {
    return {
      reason: `${path} cannot be opened (${code})`,
      remedy: { commands: [`ls -l ${path}`, 'sudo dmesg | tail'], note: 'the kernel may have said why' },
    };
  }
  return explain({ path, kind: kindOf(path), asker: readAsker(machine), machine });
}

/** The owner and mode of a node; undefined where they cannot be read. */
export function readNodeOwnership(path: string, machine: Machine = thisMachine): NodeOwnership | undefined {
  const status = statOrNothing(join(machine.root, path));
  return status === undefined ? undefined : { ownerId: status.uid, groupId: status.gid, mode: status.mode & 0o777 };
}

function readAsker(machine: Machine): Requester {
  return {
    identity: readIdentity(machine),
    groups: readGroups(machine),
    container: detectContainer(machine),
    hasUdev: existsSync(join(machine.root, 'run/udev')),
  };
}

function explainMissing(question: DeviceQuery): Refusal {
  const { path, kind, asker, machine } = question;
  const missing = describeMissing(path, machine);
  // The host runs the same kernel: without the driver, it has no device either.
  const isBuilt = kind.driver === undefined || findDriver(kind.driver, machine) !== 'absent';
  if (asker.container === undefined || !isBuilt) return explainDriver(question, missing);
  return {
    reason: `${missing} in this container (${asker.container.engine})`,
    remedy: { commands: [], note: `${describePassingIn(asker.container, path)} (where the host has it)` },
  };
}

/** The message names the existing heaps: heaps of the same kind have many names. */
function describeMissing(path: string, machine: Machine): string {
  const folder = dirname(path);
  if (folder === '/dev') return `there is no ${path}`;
  const beside = readNames(join(machine.root, folder));
  if (beside === undefined) return `there is no ${folder}`;
  return beside.length === 0 ? `${folder} is empty` : `there is no ${path} beside ${beside.join(', ')}`;
}

function explainNoDriver(question: DeviceQuery): Refusal {
  return explainDriver(question, `there is a node ${question.path}, but no driver behind it`);
}

/** What would create a device that does not exist now. */
function explainDriver({ kind, asker, machine }: DeviceQuery, reason: string): Refusal {
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
  return answers[findDriver(kind.driver, machine)];
}

function explainNoAccess({ path, kind, asker, machine }: DeviceQuery): Refusal {
  const folder = findClosedFolder(path, machine);
  const node = readNodeOwnership(folder ?? path, machine);
  // The device may be gone by now.
  if (node === undefined) return explainMissing({ path, kind, asker, machine });
  if (folder === undefined) return explainForbidden(path, node, kind.family, asker);
  return {
    reason: `${folder} may not be looked into: it belongs to ${describeOwnership(node, asker.groups)}`,
    remedy: { commands: [asRoot(`chmod 0755 ${folder}`, asker.identity)] },
  };
}

/** The first folder on the way to `path`, itself included, that this process may not search. */
function findClosedFolder(path: string, machine: Machine): string | undefined {
  const status = statOrNothing(join(machine.root, path));
  if (status !== undefined) return status.isDirectory() ? path : undefined;
  const parent = dirname(path);
  return parent === '/' ? undefined : findClosedFolder(parent, machine);
}

function explainNotAllowed({ path, asker }: DeviceQuery): Refusal {
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

/** Undefined where the folder does not exist for this process. */
function readNames(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return undefined;
  }
}
