import { isDmaBufError } from '../../base/errors.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import type { UnixSocketCalls } from '../../linux/calls/unix-socket-calls.ts';
import { isShortage } from '../connection/shortage.ts';

/**
 * The result of an accept. `none`: no connection waits. `refused`: one was ended, and there may be
 * more. `later`: there may be one that cannot be accepted now.
 */
type TakenConnection = OwnedFd | 'none' | 'refused' | 'later';

/**
 * The connections that wait at a listening socket. One descriptor is kept in reserve. When this
 * process may open no more, the reserve is closed for a moment, so that a connection can be
 * accepted and ended, which its process sees. If it stayed in the queue, the socket would be
 * readable all the time.
 */
export class ConnectionQueue {
  readonly #sockets: UnixSocketCalls;
  #reserve: OwnedFd | undefined;
  #refusedCount = 0;

  constructor(sockets: UnixSocketCalls) {
    this.#sockets = sockets;
  }

  /** How many connections were ended for lack of a descriptor. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** @throws {DmaBufError} for errors of the listener itself */
  take(listener: BorrowedFd): TakenConnection {
    this.#fillReserve();
    try {
      return this.#sockets.accept(listener) ?? 'none';
    } catch (error) {
      if (!isShortage(error)) throw error;
      const outOfDescriptors = isDmaBufError(error, 'EMFILE') || isDmaBufError(error, 'ENFILE');
      return outOfDescriptors ? this.#takeWithReserve(listener) : 'later';
    }
  }

  /** Ends every connection that waits at a listening socket that is shut down. */
  endAll(listener: BorrowedFd): void {
    for (let taken = this.#takeLast(listener); taken !== 'none'; taken = this.#takeLast(listener)) {
      if (typeof taken === 'object') taken.closeAside();
    }
  }

  close(): void {
    this.#reserve?.close();
    this.#reserve = undefined;
  }

  /** `none` also where nothing can be accepted: the rest ends with the listening socket. */
  #takeLast(listener: BorrowedFd): TakenConnection {
    try {
      const taken = this.take(listener);
      return taken === 'later' ? 'none' : taken;
    } catch (error) {
      // The kernel returns EINVAL once the queue of a socket that was shut down is empty
      // (net/unix/af_unix.c, unix_accept).
      if (isDmaBufError(error)) return 'none';
      throw error;
    }
  }

  #takeWithReserve(listener: BorrowedFd): TakenConnection {
    if (this.#reserve === undefined) return 'later';
    this.close();
    const connection = this.#acceptNow(listener);
    // There is room again: the shortage was over in the meantime.
    if (this.#fillReserve()) return connection ?? 'later';
    if (connection === undefined) return 'later';
    // Its queue may contain descriptors whose close blocks.
    connection.closeAside();
    this.#refusedCount += 1;
    return 'refused';
  }

  #acceptNow(listener: BorrowedFd): OwnedFd | undefined {
    try {
      return this.#sockets.accept(listener);
    } catch (error) {
      if (isShortage(error)) return undefined;
      throw error;
    }
  }

  /** False when no descriptor is free. */
  #fillReserve(): boolean {
    try {
      this.#reserve ??= this.#sockets.create();
      return true;
    } catch (error) {
      if (isShortage(error)) return false;
      throw error;
    }
  }
}
