import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

import { DmaBufError } from '../base/errors.ts';
import { toAddress } from '../base/quantities.ts';
import type { Address } from '../base/quantities.ts';

/**
 * The C library's functions, called as they are: a result of -1 means that {@link RawCalls.errno} says why. This is the one
 * place where the package leaves JavaScript. `SystemCalls` is what the rest of it uses; tests put failures in between.
 *
 * Addresses are numbers: user addresses fit 53 bits on every machine we run on.
 */
export interface RawCalls {
  memfd_create(name: string, flags: number): number;
  ftruncate(fd: number, length: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  close(fd: number): number;
  open(path: string, flags: number): number;
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  epoll_wait(epoll: number, events: Uint8Array, countMax: number, timeoutMs: number): number;
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
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  // eslint-disable-next-line max-params -- the kernel's own signature
  mremap(address: number, lengthOld: number, lengthNew: number, flags: number, addressNew: number): number;
  madvise(address: number, length: number, advice: number): number;
  /** A system call by its number, with up to three arguments that are integers. */
  // eslint-disable-next-line max-params -- the C library's own signature
  syscall(number: number, first: number, second: number, third: number): number;
  getpagesize(): number;
  /** Not a system call: cannot fail. */
  memset(address: number, byte: number, length: number): number;
  /** The error number of this thread's last failed call, positive as in C. */
  errno(): number;
}

/** Required, not imported: what goes wrong can then be told with its remedy. */
function loadKoffi(): typeof Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch (cause) {
    throw new DmaBufError(
      `Cannot load koffi's binary for ${process.platform}-${process.arch}, through which Linux is called: ` +
        'npm installs it as an optional dependency, so install without "--omit=optional"',
      { code: 'ENOENT', values: { platform: process.platform, arch: process.arch }, cause },
    );
  }
}

const koffi = loadKoffi();

function loadLibc(): RawCalls {
  // The process itself has libc loaded: no file name to know, which differs between glibc and musl.
  const libc = koffi.load(null);
  return {
    memfd_create: libc.func('int memfd_create(const char *name, unsigned int flags)'),
    ftruncate: libc.func('int ftruncate(int fd, int64_t length)'),
    fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
    fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
    lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
    close: libc.func('int close(int fd)'),
    open: libc.func('int open(const char *path, int flags)'),
    poll: libc.func('int poll(void *fds, unsigned long count, int timeout)'),
    ioctl: libc.func('int ioctl(int fd, unsigned long request, void *argument)'),
    epoll_create1: libc.func('int epoll_create1(int flags)'),
    epoll_ctl: libc.func('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
    epoll_wait: libc.func('int epoll_wait(int epoll, void *events, int count, int timeout)'),
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    socketpair: libc.func('int socketpair(int domain, int type, int protocol, void *fds)'),
    bind: libc.func('int bind(int fd, void *address, unsigned int length)'),
    listen: libc.func('int listen(int fd, int backlog)'),
    accept4: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
    connect: libc.func('int connect(int fd, void *address, unsigned int length)'),
    sendmsg: libc.func('intptr_t sendmsg(int fd, void *message, int flags)'),
    recvmsg: libc.func('intptr_t recvmsg(int fd, void *message, int flags)'),
    getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    mmap: libc.func(
      'intptr_t mmap(intptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
    ),
    munmap: libc.func('int munmap(intptr_t address, size_t length)'),
    mremap: libc.func('intptr_t mremap(intptr_t address, size_t old, size_t new, int flags, intptr_t target)'),
    madvise: libc.func('int madvise(intptr_t address, size_t length, int advice)'),
    syscall: libc.func('intptr_t syscall(intptr_t number, intptr_t first, intptr_t second, intptr_t third)'),
    getpagesize: libc.func('int getpagesize()'),
    memset: libc.func('intptr_t memset(intptr_t address, int byte, size_t length)'),
    errno: () => koffi.errno(),
  };
}

export const libc: RawCalls = loadLibc();

/** Where a view's first byte lies in this process. The view must not move: it is over shared, wasm or external memory. */
export function addressOf(view: Uint8Array): Address {
  return toAddress(Number(koffi.address(view)));
}

/** What {@link watchReadable} gives. */
export interface ReadableWatch {
  /** Whether waiting keeps the program alive. */
  ref(): void;
  unref(): void;
  /** Before the descriptor is closed, or the process is aborted. */
  close(): void;
}

/**
 * Calls `callback` from the event loop whenever `fd` is readable. One watch a descriptor: a second aborts the process, as does a
 * descriptor that cannot be polled.
 */
export function watchReadable(fd: number, callback: () => void): ReadableWatch {
  return koffi.node.poll(fd, { readable: true }, callback);
}
