import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { types } from 'node:util';

import { outOfRange, wrongType } from '../../base/argument-error.ts';
import { runAllSteps, withCleanup } from '../../base/cleanup.ts';
import { checkInteger } from '../../base/check.ts';
import { FD_MAX } from '../../base/limits.ts';
import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { readArray } from '../../base/read-array.ts';
import { MiB } from '../../base/sizes.ts';
import { closeAll } from '../../linux/calls/close-all.ts';
import { borrowFd } from '../../linux/calls/given-fd.ts';
import { OwnedFd } from '../../linux/calls/fd.ts';
import type { BorrowedFd } from '../../linux/calls/fd.ts';
import type { PeerCredentials, ReceivedPacket } from '../../linux/calls/unix-socket-calls.ts';
import { DESCRIPTOR_COUNT_MAX } from '../../linux/calls/unix-socket-packet.ts';
import { explainSendRefusal } from '../connection/send-refusal.ts';
import type { ShareContext } from '../connection/share-context.ts';
import { WaitableSocket } from '../connection/waitable-socket.ts';

const ACTION = 'send the descriptors';
/** A peer that sends without pause leaves turns of the event loop to others. */
const BYTES_A_TURN = MiB;
/** Listeners import them, which takes 0.2 ms each. */
const DESCRIPTORS_A_TURN = 32;

type WriteCallback = (error?: Error | null) => void;

/**
 * A stream of bytes with descriptors beside them, over a Unix socket of type SOCK_STREAM, which
 * D-Bus, Wayland, PipeWire and GStreamer use. A Node stream, which closes its socket once both ends
 * have ended.
 *
 * Descriptors are numbers, in arrays: the form that `dbus-native` takes as `opts.stream`. Those
 * that came are told by the event `fds`, before the bytes that they came with. The listener owns
 * them: `OwnedFd.adopt(number)`. Without a listener they are closed.
 */
export class DescriptorStream extends Duplex {
  /**
   * The process that connected or listened at the other end, as the kernel reports it (man 7 unix,
   * SO_PEERCRED).
   */
  readonly peer: PeerCredentials;
  readonly #sockets: ShareContext['streams'];
  readonly #socket: WaitableSocket;
  /** What goes with the first byte of a chunk, until it is sent. */
  readonly #fdsOf = new Map<Uint8Array, readonly OwnedFd[]>();
  /** Chunks that need no reader. */
  readonly #courtesies = new WeakSet<Uint8Array>();
  #isReading = false;
  #wantsMore = false;

  /**
   * Takes ownership of the descriptor.
   *
   * @param isShared whether other processes may have this end as well
   * @internal
   */
  constructor({ streams, readiness }: ShareContext, fd: OwnedFd, isShared = false) {
    super({ allowHalfOpen: false });
    this.peer = streams.peer(fd.borrow());
    this.#sockets = streams;
    this.#socket = new WaitableSocket(fd, { sockets: streams, readiness, label: 'the stream', isShared });
  }

  /**
   * Writes bytes, and descriptors with their first byte. As `write()`, which sends no descriptors.
   * The descriptors are duplicated at once, so the caller's may be closed after the call.
   *
   * @param bytes at least one: descriptors are sent with a byte; not to be changed before they are
   *   sent
   * @param fds descriptors of this process, at most 253: their numbers, or owned ones
   * @returns as `write()`: whether there is room for more
   * @throws {TypeError | RangeError} for other bytes or descriptors
   * @throws {DmaBufError} `EBADF` for a descriptor that is not open
   */
  writeWithFds(bytes: Uint8Array, fds: readonly (OwnedFd | number)[]): boolean {
    if (!types.isUint8Array(bytes))
      throw wrongType({ action: ACTION, name: 'bytes' }, { must: 'be a Uint8Array', received: bytes });
    if (bytes.length === 0)
      throw outOfRange(
        { action: ACTION, name: 'bytes.length' },
        { must: 'be at least 1, as descriptors are sent with a byte', received: 0 },
      );
    const argument = { action: ACTION, name: 'fds', countMax: DESCRIPTOR_COUNT_MAX };
    const numbers = readArray(fds, argument, (fd, index) => borrowFd(fd, { action: ACTION, name: `fds[${index}]` }));
    return this.write(this.#chunkOf(bytes, numbers));
  }

  /**
   * As `writeWithFds()`, where it is no error that the other end is gone: an error of a write ends
   * the whole stream, with what the other end had sent before.
   *
   * @internal
   */
  writeUnlessGone(bytes: Uint8Array, fds: readonly OwnedFd[] = []): void {
    if (!this.writable) return;
    const chunk = this.#chunkOf(
      bytes,
      fds.map((fd) => fd.borrow()),
    );
    this.#courtesies.add(chunk);
    this.write(chunk);
  }

  /**
   * Closes descriptors that the event gave and nobody took. In another thread, because closing a
   * file of a peer may block.
   *
   * @param fds their numbers: this package closes them, and no other code may
   * @throws {TypeError | RangeError} for other values; then none is closed
   * @throws {DmaBufError} `EBADF` for one that is not open
   */
  closeFds(fds: readonly number[]): void {
    const action = 'close the descriptors';
    const range = { action, min: 0, max: FD_MAX };
    const numbers = readArray(fds, { action, name: 'fds' }, (fd, index) =>
      checkInteger(fd, { ...range, name: `fds[${index}]` }),
    );
    for (const number of numbers) OwnedFd.adopt(number).closeAside();
  }

  /** For streams of Node. @internal */
  override _read(): void {
    this.#wantsMore = true;
    if (!this.#isReading) void this.#receiveWhileWanted();
  }

  /** For streams of Node. @internal */
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#sendAll(chunk).then(
      () => process.nextTick(callback),
      (error: unknown) => process.nextTick(callback, this.#courtesies.has(chunk) && isGone(error) ? null : error),
    );
  }

  /** For streams of Node. @internal */
  override _final(callback: WriteCallback): void {
    try {
      this.#sockets.endSending(this.#socket.borrow());
      callback();
    } catch (error) {
      callback(error as Error);
    }
  }

  /** For streams of Node. @internal */
  override _destroy(error: Error | null, callback: WriteCallback): void {
    const unsent = [...this.#fdsOf.values()].flat();
    this.#fdsOf.clear();
    try {
      runAllSteps([() => this.#socket.close(), () => closeAll(unsent)], 'The stream could not be closed');
      callback(error);
    } catch (failure) {
      callback(error ?? (failure as Error));
    }
  }

  /** Of its own, so that the stream passes on the same object. */
  #chunkOf(bytes: Uint8Array, fds: readonly BorrowedFd[]): Uint8Array {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    // An ended stream refuses it, and would keep the descriptors.
    if (this.writable && fds.length > 0) this.#fdsOf.set(chunk, this.#duplicateAll(fds));
    return chunk;
  }

  #duplicateAll(fds: readonly BorrowedFd[]): OwnedFd[] {
    return withCleanup((cleanup) =>
      fds.map((fd) => {
        const own = this.#sockets.duplicate(fd);
        cleanup.defer(() => own.close());
        return own;
      }),
    );
  }

  /** Descriptors go with the first piece; the rest follows without (man 7 unix, SCM_RIGHTS). */
  async #sendAll(chunk: Uint8Array): Promise<void> {
    const fds = this.#fdsOf.get(chunk) ?? [];
    for (let at = 0; at < chunk.length;) {
      const sent = this.#sendSome(chunk.subarray(at), at === 0 ? fds : []);
      if (sent === undefined) await this.#socket.wait('write', undefined);
      else at += sent;
    }
    this.#fdsOf.delete(chunk);
    closeAll(fds);
  }

  #sendSome(bytes: Uint8Array, fds: readonly OwnedFd[]): number | undefined {
    try {
      const numbers = fds.map((fd) => fd.borrow());
      return this.#sockets.sendSome(this.#socket.borrow(), bytes, numbers);
    } catch (cause) {
      throw explainSendRefusal(cause, this.peer);
    }
  }

  async #receiveWhileWanted(): Promise<void> {
    this.#isReading = true;
    try {
      let turnShare = 0;
      while (this.#wantsMore && !this.destroyed) {
        const packet = this.#sockets.receive(this.#socket.borrow());
        if (packet === undefined) await this.#socket.wait('read', undefined);
        else turnShare += this.#deliver(packet);
        if (turnShare < 1) continue;
        turnShare = 0;
        await turn();
      }
    } catch (error) {
      // Waits reject when the stream is destroyed, which told its reason already.
      if (!this.destroyed) this.destroy(error as Error);
    } finally {
      this.#isReading = false;
    }
  }

  /** @returns what came, as a share of what may come in a turn */
  #deliver({ bytes, fds, descriptorsLost, isEnd }: ReceivedPacket): number {
    if (descriptorsLost) {
      for (const fd of fds) fd.closeAside();
      throw new DmaBufError(
        'Cannot receive the descriptors as this process may open no more: close some, or raise the limit with "ulimit -n"',
        { code: 'EMFILE', syscall: 'recvmsg' },
      );
    }
    if (fds.length > 0) this.#tell(fds);
    // Also when it was destroyed by a listener meanwhile.
    this.#wantsMore = false;
    if (this.push(isEnd ? null : bytes)) this.#wantsMore = true;
    return bytes.length / BYTES_A_TURN + fds.length / DESCRIPTORS_A_TURN;
  }

  /** Nobody knows yet what they are: closing one may block. */
  #tell(fds: readonly OwnedFd[]): void {
    if (this.listenerCount('fds') === 0) for (const fd of fds) fd.closeAside();
    else
      this.emit(
        'fds',
        fds.map((fd) => fd.take()),
      );
  }
}

function isGone(error: unknown): boolean {
  return isDmaBufError(error, 'EPIPE') || isDmaBufError(error, 'ECONNRESET');
}
