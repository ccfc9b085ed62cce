import { spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';

import { NOBODY } from '../support/processes/other-user.ts';

/** An unusual machine: what is done to a private mount namespace before a program starts in it. */
export interface OddMachine {
  readonly name: string;
  /** Shell commands. */
  readonly setup: string;
  /** What is put before the program, such as another user. */
  readonly prefix?: string;
}

const AS_NOBODY = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups`;

export const ODD_MACHINES: readonly OddMachine[] = [
  { name: '/proc is mounted with subset=pid', setup: 'mount -t proc -o subset=pid proc /proc' },
  {
    name: '/proc is mounted with hidepid=2, for user nobody',
    setup: 'mount -t proc -o hidepid=2 proc /proc',
    prefix: AS_NOBODY,
  },
  { name: '/sys is empty', setup: 'mount -t tmpfs none /sys' },
  // The suite writes a file of its own.
  { name: 'the root is read-only but for /tmp', setup: 'mount -t tmpfs none /tmp\nmount -o remount,bind,ro /' },
  { name: 'the user is nobody', setup: ':', prefix: AS_NOBODY },
];

/** On these the suite is not run: it takes its time, or writes a file. */
export const MORE_MACHINES: readonly OddMachine[] = [
  {
    name: '/proc is mounted with subset=pid,hidepid=2, for user nobody',
    setup: 'mount -t proc -o subset=pid,hidepid=2 proc /proc',
    prefix: AS_NOBODY,
  },
  { name: '/dev is empty', setup: 'mount -t tmpfs none /dev' },
  { name: 'all of the root is read-only', setup: 'mount -o remount,bind,ro /' },
];

/** Nor here: the suite asks `/proc` who holds what. */
export const WITHOUT_PROC: OddMachine = { name: '/proc is empty', setup: 'mount -t tmpfs none /proc' };

/** Runs Node on the machine. */
export function runOn(machine: OddMachine, args: readonly string[]): SpawnSyncReturns<string> {
  const command = `${machine.setup}\nexec ${machine.prefix ?? ''} "$0" "$@"`;
  // Not as a part of the test that this is.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  return spawnSync('unshare', ['--mount', 'sh', '-ec', command, process.execPath, ...args], {
    encoding: 'utf8',
    env,
    timeout: 300_000,
  });
}

/** Why a machine cannot be had here, or false. */
export function cannotHave(machine: OddMachine): string | false {
  if (process.geteuid?.() !== 0) return 'mounting takes root';
  const { status, stderr, error } = runOn(machine, ['--eval', '']);
  if (status === 0) return false;
  return `unshare and mount do not make such a machine here: ${error?.message ?? stderr.trim()}`;
}
