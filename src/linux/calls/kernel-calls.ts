import { toAddress } from '../../base/quantities.ts';
import type { Address } from '../../base/quantities.ts';
import { RAW_CALL_NAMES, loggedCalls } from './call-log.ts';
import { loadNativeBorder } from './native-border.ts';

/**
 * Raw system calls: a result below 0 is the kernel's negative error number. This is the only place
 * where the package leaves JavaScript. The rest of it uses `MemoryCalls`, and tests insert failures
 * in between.
 *
 * The calling thread holds the descriptors and mappings that calls return. Those that are still
 * open when the thread ends, for any reason, are closed then. Addresses are numbers: user addresses
 * fit 53 bits on every machine we run on.
 */
export interface RawCalls {
  memfd_create(name: string, flags: number): number;
  ftruncate(fd: number, length: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  read(fd: number, bytes: Uint8Array, length: number): number;
  flock(fd: number, operation: number): number;
  close(fd: number): number;
  open(path: string, flags: number): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  statx(folder: number, path: string, flags: number, mask: number, status: Uint8Array): number;
  fstatfs(fd: number, status: Uint8Array): number;
  /** Does not wait. */
  poll(fds: Uint8Array, count: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /**
   * An ioctl that returns a descriptor: `at` bytes into its argument, or as its result where `at`
   * is negative.
   */
  ioctlForFd(fd: number, request: number, argument: Uint8Array, at: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  /** Does not wait. */
  epoll_wait(epoll: number, events: Uint8Array, countMax: number): number;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: Uint8Array): number;
  bind(fd: number, address: Uint8Array, addressLength: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: null, addressLength: null, flags: number): number;
  connect(fd: number, address: Uint8Array, addressLength: number): number;
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, valueLength: Uint8Array): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, valueLength: number): number;
  shutdown(fd: number, how: number): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number;
  /**
   * One mmap per run, side by side from `address` on: run n is `lengths[n]` bytes of the file from
   * `offsets[n]`. Stops at the first refusal.
   */
  // eslint-disable-next-line max-params -- as mmap, for many
  mapRuns(
    fd: number,
    address: number,
    offsets: Float64Array,
    lengths: Float64Array,
    count: number,
    protection: number,
    flags: number,
  ): number;
  munmap(address: number, length: number): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  mremap(address: number, lengthOld: number, lengthNew: number, flags: number, addressNew: number): number;
  madvise(address: number, length: number, advice: number): number;
  mincore(address: number, length: number, residency: Uint8Array): number;
  pidfd_open(pid: number, flags: number): number;
  pidfd_getfd(pidfd: number, fd: number, flags: number): number;
  prlimit64(pid: number, resource: number, limitNew: null, limit: Uint8Array): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  kcmp(pid: number, otherPid: number, type: number, index: number, otherIndex: number): number;
  gettid(): number;
  tgkill(pid: number, thread: number, signal: number): number;
  /** Not system calls. These cannot fail. */
  getpagesize(): number;
  memset(address: number, byte: number, length: number): number;
  /** Reads one byte at `address` and at every multiple of `step` after it. */
  touch(address: number, length: number, step: number): number;
  /** Holds a descriptor from elsewhere for this thread, like those that calls returned. */
  hold(fd: number): void;
  /** Stops holding it: another owner has it from now on. */
  release(fd: number): void;
  /** At the end of this thread, zeros are mapped over the range, unless it is released before. */
  holdWindow(address: number, length: number): void;
  releaseWindow(address: number, length: number): void;
  /**
   * Closes in another thread than the event loop's: closing a file of another process may take any
   * time.
   */
  closeAside(fd: number): void;
}

/** An opaque watch of the runtime. */
type WatchToken = object;

/** The exports of the addon besides the calls. */
interface NativeBorder extends RawCalls {
  addressOf(view: Uint8Array): number;
  watchByLoop(fd: number, callback: () => void): WatchToken | number;
  watchByThread(fd: number, callback: () => void): WatchToken | number;
  watchClose(watch: WatchToken): void;
  watchRef(watch: WatchToken, keepsAlive: boolean): void;
}

/** The addon, loaded at its first use: a program that only computes does not need it. */
class BorderLoader {
  #border: NativeBorder | undefined;

  /** @throws {DmaBufError} as {@link loadNativeBorder} does */
  border(): NativeBorder {
    this.#border ??= this.#load();
    return this.#border;
  }

  #load(): NativeBorder {
    const border = loggedCalls(loadNativeBorder() as NativeBorder);
    for (const name of RAW_CALL_NAMES) Object.assign(kernelCalls, { [name]: border[name] });
    return border;
  }
}

const loader = new BorderLoader();

/** A call that loads the addon first, which replaces this function by the addon's own. */
function loadingCall(name: keyof RawCalls): (...values: never[]) => unknown {
  return (...values) => {
    const call: (...values: never[]) => unknown = loader.border()[name];
    return call(...values);
  };
}

export const kernelCalls: RawCalls = Object.fromEntries(
  RAW_CALL_NAMES.map((name) => [name, loadingCall(name)]),
) as unknown as RawCalls;

/**
 * The address of a view's first byte in this process. The view must not move: it must be over
 * shared, wasm or external memory.
 */
export function addressOf(view: Uint8Array): Address {
  return toAddress(loader.border().addressOf(view));
}

/** The result of {@link watchReadable}. */
export interface ReadableWatch {
  /** Whether waiting keeps the program alive. */
  ref(): void;
  unref(): void;
  /** Call it before the descriptor is closed. */
  close(): void;
}

/**
 * How the event loop learns that a descriptor is readable. `loop`: libuv watches it. `thread`: a
 * thread of ours watches it, for runtimes without libuv. That costs one more wake-up
 * (docs/decisions/0009-native-border.md has the figures).
 */
export type WatchKind = 'loop' | 'thread';

const WATCH_KIND: WatchKind = 'bun' in process.versions || 'deno' in process.versions ? 'thread' : 'loop';

/**
 * Calls `callback` from the event loop whenever `fd` is readable.
 *
 * @returns the watch, or the negative error number
 */
export function watchReadable(fd: number, callback: () => void, kind: WatchKind = WATCH_KIND): ReadableWatch | number {
  const watch =
    kind === 'loop' ? loader.border().watchByLoop(fd, callback) : loader.border().watchByThread(fd, callback);
  if (typeof watch === 'number') return watch;
  return {
    ref: () => loader.border().watchRef(watch, true),
    unref: () => loader.border().watchRef(watch, false),
    close: () => loader.border().watchClose(watch),
  };
}
