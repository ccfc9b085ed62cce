/** include/uapi/linux/eventpoll.h */

import { O_CLOEXEC } from './fcntl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const EPOLL_CLOEXEC: number = O_CLOEXEC;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;

export const EPOLLIN = 0x001;
/** Something urgent: an event of a V4L2 device. */
export const EPOLLPRI = 0x002;
export const EPOLLOUT = 0x004;
/** Reported whether asked for or not. */
export const EPOLLERR = 0x008;
/** Reported whether asked for or not. */
export const EPOLLHUP = 0x010;
/** The other end of a socket is closed, or no longer writes. */
export const EPOLLRDHUP = 0x2000;
/** Reported once, then not again until it is armed again. */
export const EPOLLONESHOT: number = 2 ** 30;

/** Packed on x86-64 alone, where it was laid out as on i386. */
export const epollEvent: StructSchema<'events' | 'data'> = defineStruct(
  { events: 'u32', data: 'u64' },
  { packed: process.arch === 'x64' },
);
