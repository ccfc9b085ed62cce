import { debuglog } from 'node:util';

import { errnoName } from '../../base/errors.ts';
import type { RawCalls } from './kernel-calls.ts';

/** The arguments that are written in hexadecimal: addresses, flags and request numbers. */
type HexArguments = readonly number[];

/** Functions that are not system calls are not logged. */
const NOT_LOGGED = undefined;

const HEX_ARGUMENTS: Readonly<Record<keyof RawCalls, HexArguments | undefined>> = {
  memfd_create: [1],
  ftruncate: [],
  fcntl: [2],
  fallocate: [1],
  lseek: [],
  read: [],
  flock: [1],
  close: [],
  open: [1],
  statx: [2, 3],
  fstatfs: [],
  poll: [],
  ioctl: [1],
  ioctlForFd: [1],
  epoll_create1: [0],
  epoll_ctl: [],
  epoll_wait: [],
  socket: [1],
  socketpair: [1],
  bind: [],
  listen: [],
  accept4: [3],
  connect: [],
  sendmsg: [2],
  recvmsg: [2],
  getsockopt: [],
  setsockopt: [],
  shutdown: [],
  mmap: [0, 2, 3],
  mapRuns: [1, 5, 6],
  munmap: [0],
  mremap: [0, 3, 4],
  madvise: [0],
  mincore: [0],
  pidfd_open: [1],
  pidfd_getfd: [2],
  prlimit64: [],
  kcmp: [],
  gettid: [],
  tgkill: [],
  closeAside: [],
  getpagesize: NOT_LOGGED,
  memset: NOT_LOGGED,
  hold: NOT_LOGGED,
  release: NOT_LOGGED,
  holdWindow: NOT_LOGGED,
  releaseWindow: NOT_LOGGED,
  touch: NOT_LOGGED,
};

export const RAW_CALL_NAMES = Object.keys(HEX_ARGUMENTS) as readonly (keyof RawCalls)[];

/** Results at least this large are addresses, which only `mmap` and `mremap` give. */
const ADDRESS_MIN = 2 ** 31;

type Call = (...values: unknown[]) => unknown;

/**
 * `calls`, with each system call and its result written to stderr when `NODE_DEBUG=dmabuf` is set
 * (`util.debuglog`). Otherwise `calls` itself: a log that is off costs nothing.
 */
export function loggedCalls<Calls extends RawCalls>(calls: Calls, log: CallLog = debuglog('dmabuf')): Calls {
  if (!log.enabled) return calls;
  const logged: Record<string, Call> = {};
  for (const name of RAW_CALL_NAMES) {
    const hex = HEX_ARGUMENTS[name];
    if (hex !== undefined) logged[name] = logging(name, calls[name] as Call, { hex, log });
  }
  return { ...calls, ...logged };
}

/** Where lines go. Tests pass a function of their own. */
interface CallLog {
  (line: string): void;
  readonly enabled: boolean;
}

interface Logging {
  readonly hex: HexArguments;
  readonly log: CallLog;
}

function logging(name: string, call: Call, { hex, log }: Logging): Call {
  return (...values) => {
    const result = call(...values);
    const shown = values.map((value, index) => showArgument(value, hex.includes(index)));
    log(`${name}(${shown.join(', ')})${showResult(result)}`);
    return result;
  };
}

function showArgument(value: unknown, isHex: boolean): string {
  if (typeof value === 'number') return isHex && value > 0 ? `0x${value.toString(16)}` : `${value}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return `${value as null}`;
}

function showResult(result: unknown): string {
  if (typeof result !== 'number') return '';
  if (result < 0) return ` = ${result} ${errnoName(-result)}`;
  return result >= ADDRESS_MIN ? ` = 0x${result.toString(16)}` : ` = ${result}`;
}
