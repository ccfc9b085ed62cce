import { join } from 'node:path';

import { readOptionalSystemFile } from './system-file.ts';

/** The user that this process acts as, and what it may do. */
export interface Identity {
  readonly userId: number;
  /** Undefined where `/etc/passwd` does not know the user. */
  readonly userName: string | undefined;
  /** The groups that this process has: those of its user when the session began, not those since. */
  readonly groupIds: readonly number[];
  /** Whether permissions of files do not bind it (CAP_DAC_OVERRIDE, man 7 capabilities). */
  readonly overridesPermissions: boolean;
}

/** A group of `/etc/group`. */
export interface Group {
  readonly id: number;
  readonly name: string;
  /** Everyone in it, those who have it as their first group included. */
  readonly members: readonly string[];
}

interface PasswdEntry {
  readonly name: string;
  readonly userId: number;
  readonly groupId: number;
}

/** `CAP_DAC_OVERRIDE` in include/uapi/linux/capability.h. */
const CAP_DAC_OVERRIDE = 1n;

/** Reads who this process is from `/proc/self/status` (man 5 proc) and `/etc/passwd`. */
export function readIdentity(root = '/'): Identity {
  const status = readOptionalSystemFile(join(root, 'proc/self/status')) ?? '';
  // Real, effective, saved, of the file system: the last is what opening a file goes by.
  const userId = numbersOf(status, 'Uid')[3] ?? process.geteuid?.() ?? 0;
  const groupId = numbersOf(status, 'Gid')[3] ?? process.getegid?.() ?? 0;
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/mu.exec(status)?.[1] ?? '0'}`);
  return {
    userId,
    userName: readPasswd(root).find((entry) => entry.userId === userId)?.name,
    groupIds: [groupId, ...numbersOf(status, 'Groups').filter((id) => id !== groupId)],
    overridesPermissions: ((capabilities >> CAP_DAC_OVERRIDE) & 1n) === 1n,
  };
}

/** Reads `/etc/group` (man 5 group). Groups from elsewhere, such as a directory server, are not in it. */
export function readGroups(root = '/'): Group[] {
  const users = readPasswd(root);
  return readColonLines(join(root, 'etc/group')).flatMap(([name = '', , idText = '', list = '']) => {
    const id = Number.parseInt(idText, 10);
    if (name === '' || Number.isNaN(id)) return [];
    const first = users.filter(({ groupId }) => groupId === id).map((user) => user.name);
    return [{ id, name, members: [...new Set([...first, ...list.split(',').filter((member) => member !== '')])] }];
  });
}

function readPasswd(root: string): PasswdEntry[] {
  return readColonLines(join(root, 'etc/passwd'))
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
