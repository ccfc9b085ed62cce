import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';

import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import type { ShareContext } from '../connection/share-context.ts';
import { codeOf, explained, inUse, socketPath } from './socket-path.ts';
import type { SocketPath } from './socket-path.ts';
import { lockSocketPath } from './socket-path-lock.ts';

/** A path at which this process listens. */
export interface SocketFile {
  /** Removes the file, unless another file has replaced it. */
  remove(): void;
}

/**
 * Listens at a path. Replaces a socket file there at which no process listens any more.
 *
 * The check, bind and listen are separate steps. The lock allows them to one process at a time:
 * each process that uses it finds either no file, or a socket that listens, or a leftover.
 *
 * @param mode write permission allows processes to connect (man 7 unix)
 * @throws {DmaBufError} `EADDRINUSE` when a process listens there or is about to, or the file is
 *   not a socket; `EACCES` when another user's socket file is there, and this user may not check
 *   whether a process listens, or may not make files there
 */
export function listenAtSocketFile(
  { sockets, locks }: Pick<ShareContext, 'sockets' | 'locks'>,
  fd: BorrowedFd,
  { path, mode, backlog }: { path: string; mode: number; backlog: number },
): SocketFile {
  const place = socketPath(path);
  // First without the lock: a user without the right to make a file there still learns that the
  // path is in use.
  findLeftOver(sockets, place);
  return withCleanup((cleanup) => {
    const lock = lockSocketPath(locks, place);
    cleanup.defer(() => lock.release());
    const leftOver = findLeftOver(sockets, place);
    if (leftOver !== undefined) removeLeftOver(place, leftOver);
    bind(sockets, fd, path);
    const own = statusOf(place);
    const remove = (): void => {
      if (isSameFile(statusOf(place), own)) explained(path, 'unlink', () => unlinkSync(place.file));
    };
    cleanup.defer(remove);
    // No process can connect before the listen, so the mode that the umask gave the file does not
    // matter.
    explained(path, 'chmod', () => chmodSync(place.file, mode));
    sockets.listen(fd, backlog);
    lock.release();
    return { remove };
  });
}

function bind(sockets: UnixSocketCalls, fd: BorrowedFd, path: string): void {
  try {
    explained(path, 'bind', () => sockets.bind(fd, path));
  } catch (cause) {
    // By a program that does not use the lock.
    if (isDmaBufError(cause, 'EADDRINUSE')) throw inUse(path, 'a process listens there', cause);
    throw cause;
  }
}

/**
 * The socket file at a path, when no process listens there any more; undefined when there is no
 * file.
 *
 * @throws {DmaBufError} `EADDRINUSE` for a path that is in use; `EACCES` where that cannot be
 * checked
 */
function findLeftOver(sockets: UnixSocketCalls, place: SocketPath): BigIntStats | undefined {
  const found = statusOf(place);
  if (found === undefined) return undefined;
  if (!found.isSocket()) throw inUse(place.path, 'there is a file that is no socket');
  return isLeftOver(sockets, place, found) ? found : undefined;
}

/** The kernel refuses a connection to a socket file whose socket is closed (man 2 connect). */
function isLeftOver(sockets: UnixSocketCalls, { path }: SocketPath, found: BigIntStats): boolean {
  const asking = sockets.create();
  try {
    sockets.connect(asking.borrow(), path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ECONNREFUSED') return true;
    // Removed meanwhile.
    if (code === 'ENOENT') return false;
    if (code === 'EACCES' || code === 'EPERM') throw notToBeAsked(path, found, error);
    if (code !== 'EPROTOTYPE') throw error;
  } finally {
    asking.close();
  }
  throw inUse(path, 'a process listens there');
}

function notToBeAsked(path: string, { uid }: BigIntStats, cause: unknown): DmaBufError {
  return new DmaBufError(
    `Cannot listen at ${path} as there is a socket file of user ${uid}, whose mode does not let this user ask whether a process ` +
      'still listens there: remove it if none does, listen as that user, or choose another path',
    { code: 'EACCES', syscall: 'connect', values: { path, uid: Number(uid) }, cause },
  );
}

/**
 * Removes the file that was found. A file cannot be removed by its identity. So it is renamed and
 * checked, and renamed back if a program without the lock has put its own file there meanwhile.
 */
function removeLeftOver({ path, file }: SocketPath, found: BigIntStats): void {
  const aside = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    explained(path, 'rename', () => renameSync(file, aside));
  } catch (error) {
    if (isDmaBufError(error, 'ENOENT')) return;
    throw error;
  }
  const isFound = isSameFile(statusOf({ path, file: aside }), found);
  if (!isFound) explained(path, 'link', () => linkSync(aside, file));
  explained(path, 'unlink', () => unlinkSync(aside));
  if (!isFound) throw inUse(path, 'a process listens there');
}

function statusOf({ path, file }: SocketPath): BigIntStats | undefined {
  return explained(path, 'lstat', () => lstatSync(file, { bigint: true, throwIfNoEntry: false }));
}

/** Inode numbers are reused, times are not. */
function isSameFile(a: BigIntStats | undefined, b: BigIntStats | undefined): boolean {
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev && a.mtimeNs === b.mtimeNs;
}
