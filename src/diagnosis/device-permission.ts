import type { Group, Identity } from './accounts.ts';
import type { Container } from './container.ts';
import type { Remedy } from './remedy.ts';

/** The owner and mode of a device node, as `stat` gives them. */
export interface NodeOwnership {
  readonly ownerId: number;
  readonly groupId: number;
  /** The permission bits: `0o660`. */
  readonly mode: number;
}

/** Why a device cannot be opened, and the remedy. */
export interface Refusal {
  /** A clause: `there is no /dev/udmabuf`. */
  readonly reason: string;
  readonly remedy: Remedy;
}

/** The devices that a udev rule matches, and their new group. */
export interface DeviceFamily {
  /** Its subsystem in udev; undefined where the rule matches the device's name. */
  readonly subsystem: string | undefined;
  /** The groups that distributions give such devices to, the most common first. */
  readonly groups: readonly [string, ...string[]];
}

/** The user who asks for a device, and the surroundings. */
export interface Requester {
  readonly identity: Identity;
  readonly groups: readonly Group[];
  readonly container: Container | undefined;
  /** Whether udev creates the nodes: `/run/udev` exists. */
  readonly hasUdev: boolean;
}

/**
 * The read bit of a class. Read permission suffices: heaps and udmabuf allocate by ioctl, which
 * needs no more.
 */
const READ = 0o4;
/**
 * Groups whose members have far more rights than using a device. The remedy never adds a user to
 * one.
 */
const POWERFUL_GROUPS: ReadonlySet<string | undefined> = new Set([
  'root',
  'kmem',
  'disk',
  'shadow',
  'sudo',
  'wheel',
  'docker',
]);

/**
 * The kernel's rule: the owner's bits, else the group's, else the others' (man 7 path_resolution).
 * Access control lists are ignored.
 */
export function permitsReading(node: NodeOwnership, identity: Identity): boolean {
  if (identity.overridesPermissions) return true;
  if (identity.userId === node.ownerId) return allows(node.mode >> 6);
  return allows(identity.groupIds.includes(node.groupId) ? node.mode >> 3 : node.mode);
}

/** Whether a node is open to its group. */
export function groupMayOpen(node: NodeOwnership): boolean {
  return allows(node.mode >> 3);
}

/** Why an existing node may not be opened (`EACCES`), and the commands that give access. */
export function explainForbidden(path: string, node: NodeOwnership, family: DeviceFamily, asker: Requester): Refusal {
  if (permitsReading(node, asker.identity)) return refusedElsewhere(path);
  const { groupId } = node;
  const isPowerful = groupId === 0 || POWERFUL_GROUPS.has(groupName(groupId, asker.groups));
  if (groupMayOpen(node) && !isPowerful) return needsMembership(path, node, asker);
  return needsGroup(path, node, family, asker);
}

/** The udev rule that gives a device to a group. */
function formatUdevRule(path: string, subsystem: string | undefined, group: string): string {
  const match = subsystem === undefined ? '' : `SUBSYSTEM=="${subsystem}", `;
  return `${match}KERNEL=="${baseName(path)}", GROUP="${group}", MODE="0660"`;
}

/** `root:video with mode 0660`. */
export function describeOwnership({ ownerId, groupId, mode }: NodeOwnership, groups: readonly Group[]): string {
  const owner = ownerId === 0 ? 'root' : `user ${ownerId}`;
  return `${owner}:${groupName(groupId, groups) ?? groupId} with mode 0${mode.toString(8).padStart(3, '0')}`;
}

/** `sudo COMMAND`, or the bare command for root. */
export function asRoot(command: string, identity: Identity): string {
  return identity.userId === 0 ? command : `sudo ${command}`;
}

function allows(bits: number): boolean {
  return (bits & READ) === READ;
}

function groupName(id: number, groups: readonly Group[]): string | undefined {
  return groups.find((group) => group.id === id)?.name;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function describeUser({ userName, userId }: Identity): string {
  return userName === undefined ? `user ${userId}` : `user ${userName}`;
}

/** Its group may open it, so the user has to join the group. */
function needsMembership(path: string, node: NodeOwnership, asker: Requester): Refusal {
  const { identity, groups, container } = asker;
  const group = groups.find(({ id }) => id === node.groupId);
  const belongs = `${path} belongs to ${describeOwnership(node, groups)}`;
  if (container !== undefined) {
    const option =
      container.engine === 'podman' ? '--group-add keep-groups (or a group number)' : `--group-add ${node.groupId}`;
    return {
      reason: `${belongs}, and this container runs without that group`,
      remedy: { commands: [], note: `start the container with: ${option}` },
    };
  }
  if (group !== undefined && identity.userName !== undefined && group.members.includes(identity.userName)) {
    return {
      reason: `${belongs}; ${describeUser(identity)} is in that group, but this session began before`,
      remedy: { commands: [], note: `log in again, or go on in a shell of: newgrp ${group.name}` },
    };
  }
  return {
    reason: `${belongs}, and ${describeUser(identity)} is not in that group`,
    remedy: joining(group?.name, node.groupId, identity),
  };
}

function joining(name: string | undefined, id: number, identity: Identity): Remedy {
  const naming = name === undefined ? [asRoot(`groupadd --gid ${id} dmabuf`, identity)] : [];
  return { commands: [...naming, joinCommand(name ?? 'dmabuf', identity)], note: 'log in again afterwards' };
}

function joinCommand(group: string, identity: Identity): string {
  return asRoot(`usermod -aG ${group} ${identity.userName ?? '"$USER"'}`, identity);
}

/** Only root may open it, so a udev rule has to give it to a group permanently. */
function needsGroup(path: string, node: NodeOwnership, family: DeviceFamily, asker: Requester): Refusal {
  const { identity, groups, container } = asker;
  const whom = groupMayOpen(node) ? 'no one else in than a group that could do far more' : 'no one else in';
  const reason = `${path} belongs to ${describeOwnership(node, groups)}, which lets ${whom}`;
  const known = family.groups.find((name) => groups.some((group) => group.name === name));
  const group = known ?? family.groups[0];
  const isMember = groups.some(({ id, name }) => name === group && identity.groupIds.includes(id));
  if (container !== undefined) {
    const rule = formatUdevRule(path, family.subsystem, group);
    return {
      reason,
      remedy: {
        commands: [],
        note: `on the host, give it to a group that the container has, by the udev rule: ${rule}`,
      },
    };
  }
  const giving = asker.hasUdev ? udevCommands(path, family, group, identity) : nodeCommands(path, group, identity);
  return {
    reason,
    remedy: {
      commands: [
        ...(known === undefined ? [asRoot(`groupadd --system ${group}`, identity)] : []),
        ...giving,
        ...(isMember ? [] : [joinCommand(group, identity)]),
      ],
      note: [
        ...(isMember ? [] : ['log in again afterwards']),
        asker.hasUdev ? 'the rule outlives a restart' : 'without udev this has to be done again after a restart',
      ].join('; '),
    },
  };
}

function udevCommands(path: string, { subsystem }: DeviceFamily, group: string, identity: Identity): string[] {
  const name = baseName(path);
  const file = `/etc/udev/rules.d/60-dmabuf-${name.replaceAll(/[^\w-]/gu, '-')}.rules`;
  const match = subsystem === undefined ? '' : `--subsystem-match=${subsystem} `;
  return [
    `echo '${formatUdevRule(path, subsystem, group)}' | ${asRoot(`tee ${file}`, identity)}`,
    asRoot('udevadm control --reload', identity),
    asRoot(`udevadm trigger ${match}--sysname-match=${name}`, identity),
  ];
}

function nodeCommands(path: string, group: string, identity: Identity): string[] {
  return [asRoot(`chgrp ${group} ${path}`, identity), asRoot(`chmod 0660 ${path}`, identity)];
}

/** The permissions allow access, so something else refused it. */
function refusedElsewhere(path: string): Refusal {
  return {
    reason: `${path} is refused although its permissions would do: by a security module such as SELinux or AppArmor, or by the mount option nodev`,
    remedy: {
      commands: [`findmnt --output TARGET,OPTIONS --target ${path}`, 'sudo journalctl --dmesg --grep=denied'],
      note: 'look for "nodev" in the first, and for the rule that denied it in the second',
    },
  };
}
