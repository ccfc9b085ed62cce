import { join } from 'node:path';

import { readOptionalSystemFile } from '../linux/proc/system-file.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';

/** The user as whom this process acts, and its rights. */
export interface Identity {
  readonly userId: number;
  /** Undefined where `/etc/passwd` does not know the user. */
  readonly userName: string | undefined;
  /**
   * The groups that this process has: those of its user when the session began, without later
   * changes.
   */
  readonly groupIds: readonly number[];
  /** Whether file permissions do not apply to it (CAP_DAC_OVERRIDE, man 7 capabilities). */
  readonly overridesPermissions: boolean;
}

/** A group of `/etc/group`. */
export interface Group {
  readonly id: number;
  readonly name: string;
  /** Every member, including users whose primary group it is. */
  readonly members: readonly string[];
}

interface PasswdEntry {
  readonly name: string;
  readonly userId: number;
  readonly groupId: number;
}

/** `CAP_DAC_OVERRIDE` in include/uapi/linux/capability.h. */
const CAP_DAC_OVERRIDE = 1n;

/**
 * Reads the identity of this process from `/proc/self/status` (man 5 proc), or from the kernel
 * where that file is missing, and `/etc/passwd`.
 */
export function readIdentity(machine: Machine = thisMachine): Identity {
  const found = readOptionalSystemFile(join(machine.root, 'proc/self/status'));
  const status = found ?? '';
  // Real, effective, saved, file system: file permissions use the last.
  const userId = numbersOf(status, 'Uid')[3] ?? process.geteuid?.() ?? 0;
  const groupId = numbersOf(status, 'Gid')[3] ?? process.getegid?.() ?? 0;
  const groupIds = found === undefined ? (process.getgroups?.() ?? []) : numbersOf(status, 'Groups');
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/mu.exec(status)?.[1] ?? '0'}`);
  return {
    userId,
    userName: readPasswd(machine).find((entry) => entry.userId === userId)?.name,
    groupIds: [groupId, ...groupIds.filter((id) => id !== groupId)],
    // The usual case: root has every capability.
    overridesPermissions: found === undefined ? userId === 0 : ((capabilities >> CAP_DAC_OVERRIDE) & 1n) === 1n,
  };
}

/**
 * Reads `/etc/group` (man 5 group). Groups from elsewhere, such as a directory server, are not in
 * it.
 */
export function readGroups(machine: Machine = thisMachine): Group[] {
  const firstMembers = new Map<number, string[]>();
  for (const { name, groupId } of readPasswd(machine)) {
    const members = firstMembers.get(groupId);
    if (members === undefined) firstMembers.set(groupId, [name]);
    else members.push(name);
  }
  return readColonLines(join(machine.root, 'etc/group')).flatMap(([name = '', , idText = '', list = '']) => {
    const id = Number.parseInt(idText, 10);
    if (name === '' || Number.isNaN(id)) return [];
    const listed = list.split(',').filter((member) => member !== '');
    return [{ id, name, members: [...new Set([...(firstMembers.get(id) ?? []), ...listed])] }];
  });
}

function readPasswd(machine: Machine): PasswdEntry[] {
  return readColonLines(join(machine.root, 'etc/passwd'))
    .map(([name = '', , userId = '', groupId = '']) => ({
      name,
      userId: Number.parseInt(userId, 10),
      groupId: Number.parseInt(groupId, 10),
    }))
    .filter((entry) => !Number.isNaN(entry.userId));
}

function readColonLines(path: string): string[][] {
  const text = readOptionalSystemFile(path) ?? '';
  return text.split('\n').map((line) => line.trim().split(':'));
}

function numbersOf(status: string, key: string): number[] {
  const line = new RegExp(`^${key}:(.*)$`, 'mu').exec(status)?.[1] ?? '';
  return line
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map(Number);
}
