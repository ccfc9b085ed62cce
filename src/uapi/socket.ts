/**
 * include/linux/socket.h, include/uapi/asm-generic/socket.h and include/uapi/linux/uio.h, as
 * `sys/socket.h` has them.
 */

import { O_CLOEXEC, O_NONBLOCK } from './fcntl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK: number = O_NONBLOCK;
export const SOCK_CLOEXEC: number = O_CLOEXEC;

export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

export const SOL_SOCKET = 1;
export const SO_TYPE = 3;
export const SO_PEERCRED = 17;
export const SO_TIMESTAMP = 29;
export const SO_ACCEPTCONN = 30;
export const SO_DOMAIN = 39;

export const SCM_RIGHTS = 1;
/**
 * Since 6.5: a descriptor of the sender's process, or a negative error number where the kernel
 * could not make one.
 */
export const SCM_PIDFD = 4;

export const MSG_CTRUNC = 0x08;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC: number = 2 ** 30;

export const iovec: StructSchema<'iovBase' | 'iovLen'> = defineStruct({ iovBase: 'u64', iovLen: 'u64' });

/** As the kernel has it. C libraries that declare shorter lengths pad them to these. */
export const msghdr: StructSchema<
  'msgName' | 'msgNamelen' | 'msgIov' | 'msgIovlen' | 'msgControl' | 'msgControllen' | 'msgFlags'
> = defineStruct({
  msgName: 'u64',
  msgNamelen: 'u32',
  msgIov: 'u64',
  msgIovlen: 'u64',
  msgControl: 'u64',
  msgControllen: 'u64',
  msgFlags: 'u32',
});

/** `cmsg_len` counts this header and the data behind it. */
export const cmsghdr: StructSchema<'cmsgLen' | 'cmsgLevel' | 'cmsgType'> = defineStruct({
  cmsgLen: 'u64',
  cmsgLevel: 's32',
  cmsgType: 's32',
});

export const ucred: StructSchema<'pid' | 'uid' | 'gid'> = defineStruct({ pid: 's32', uid: 'u32', gid: 'u32' });
