import { pid } from 'node:process';

import { inheritanceRefusal, readEnvironment } from './inheritance.ts';
import type { TakeInheritedOptions } from './inheritance.ts';

/** The first descriptor that a supervisor passes (SD_LISTEN_FDS_START, man 3 sd_listen_fds). */
const FIRST_FD = 3;
const COUNT_MAX = 65_536;
const TAKE = "take the supervisor's sockets";

/** A descriptor that a supervisor opened before it started this process. */
export interface SupervisorSocket {
  /** The descriptor, which you own from now on. */
  readonly fd: number;
  /**
   * The name of the unit, or that in `FileDescriptorName=`; empty where the supervisor gives none.
   */
  readonly name: string;
}

/**
 * The sockets that a supervisor such as systemd has passed to this process (man 3 sd_listen_fds),
 * in its order; empty when there are none, or when they are for another process. Opens and closes
 * nothing: pass a listening socket to `listen`.
 *
 * @throws {DmaBufError} `EPROTO` when `LISTEN_PID`, `LISTEN_FDS` or `LISTEN_FDNAMES` is malformed
 *
 * @example
 * ```ts
 * import { listen, supervisorSockets } from 'dmabuf/share';
 *
 * // systemd gives a service its sockets; a program that was started otherwise has none.
 * const [socket] = supervisorSockets();
 * if (socket !== undefined) await listen(socket);
 * console.log(socket === undefined); // true
 * ```
 */
export function supervisorSockets(options: TakeInheritedOptions = {}): SupervisorSocket[] {
  const env = readEnvironment(options, TAKE);
  const forPid = readCount(env['LISTEN_PID'], 'LISTEN_PID');
  const count = readCount(env['LISTEN_FDS'], 'LISTEN_FDS');
  // Children inherit the variables, but the sockets are for one process.
  if (forPid !== pid || count === undefined) return [];
  if (count > COUNT_MAX) throw inheritanceRefusal('LISTEN_FDS', String(count), TAKE);
  const names = readNames(env['LISTEN_FDNAMES'], count);
  return Array.from({ length: count }, (_, index) => ({ fd: FIRST_FD + index, name: names[index] ?? '' }));
}

function readCount(text: unknown, variable: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (typeof text === 'string' && /^\d{1,10}$/u.test(text)) return Number(text);
  throw inheritanceRefusal(variable, text, TAKE);
}

/** One name per socket, separated by colons. */
function readNames(text: unknown, count: number): string[] {
  if (text === undefined || text === '') return [];
  const names = typeof text === 'string' ? text.split(':') : [];
  if (names.length === count) return names;
  throw inheritanceRefusal('LISTEN_FDNAMES', text, TAKE);
}
