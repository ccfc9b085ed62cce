import type { Group, Identity } from './accounts.ts';
import type { Container } from './container.ts';
import type { Remedy } from './remedy.ts';

/** Whose a device node is: what `stat` says of it. */
export interface NodeOwnership {
  readonly ownerId: number;
  readonly groupId: number;
  /** The permission bits: `0o660`. */
  readonly mode: number;
}

/** Why a device cannot be opened, and what would help. */
export interface Refusal {
  /** A clause: `there is no /dev/udmabuf`. */
  readonly reason: string;
  readonly remedy: Remedy;
}

/** Which devices a udev rule is to match, and who is to have them. */
export interface DeviceFamily {
  /** As udev calls it; undefined where the name of the device has to do. */
  readonly subsystem: string | undefined;
  /** The groups that distributions give such devices to, the likeliest first. */
  readonly groups: readonly [string, ...string[]];
}

/** Who asks for a device, and where. */
export interface Asker {
  readonly identity: Identity;
  readonly groups: readonly Group[];
  readonly container: Container | undefined;
  /** Whether udev makes the nodes: `/run/udev` is there. */
  readonly hasUdev: boolean;
}

const READ_WRITE = 0o6;

/** The kernel's rule: the owner's bits, else the group's, else the others' (man 7 path_resolution). Access lists are not looked at. */
export function permitsReadWrite(node: NodeOwnership, identity: Identity): boolean {
  if (identity.overridesPermissions) return true;
  if (identity.userId === node.ownerId) return allows(node.mode >> 6);
  return allows(identity.groupIds.includes(node.groupId) ? node.mode >> 3 : node.mode);
}

/** Whether a node is open to its group. Members of root's group could do far more than that: nobody is to join it. */
export function groupMayOpen(node: NodeOwnership): boolean {
  return node.groupId !== 0 && allows(node.mode >> 3);
}

/** Why a node that exists may not be opened (`EACCES`), and the commands that let the user in. */
export function explainForbidden(path: string, node: NodeOwnership, family: DeviceFamily, asker: Asker): Refusal {
  if (permitsReadWrite(node, asker.identity)) return refusedElsewhere(path);
  return groupMayOpen(node) ? needsMembership(path, node, asker) : needsGroup(path, node, family, asker);
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

/** `sudo COMMAND`, or the command alone for root. */
export function asRoot(command: string, identity: Identity): string {
  return identity.userId === 0 ? command : `sudo ${command}`;
}

function allows(bits: number): boolean {
  return (bits & READ_WRITE) === READ_WRITE;
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

/** Its group may open it: the user has to be in the group. */
function needsMembership(path: string, node: NodeOwnership, asker: Asker): Refusal {
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

/** Only root may open it: it has to be given to a group, for good by a udev rule. */
function needsGroup(path: string, node: NodeOwnership, family: DeviceFamily, asker: Asker): Refusal {
  const { identity, groups, container } = asker;
  const reason = `${path} belongs to ${describeOwnership(node, groups)}, which lets no one else in`;
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

/** The permissions let the user in, so something else refused. */
function refusedElsewhere(path: string): Refusal {
  return {
    reason: `${path} is refused although its permissions would do: by a security module such as SELinux or AppArmor, or by the mount option nodev`,
    remedy: {
      commands: [`findmnt --output TARGET,OPTIONS --target ${path}`, 'sudo journalctl --dmesg --grep=denied'],
      note: 'look for "nodev" in the first, and for the rule that denied it in the second',
    },
  };
}
