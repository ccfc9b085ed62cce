/** include/uapi/asm-generic/poll.h */

import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const POLLIN = 0x0001;
export const POLLOUT = 0x0004;
export const POLLHUP = 0x0010;
/** The other end of a socket is closed, or no longer writes. */
export const POLLRDHUP = 0x2000;

export const pollfd: StructSchema<'fd' | 'events' | 'revents'> = defineStruct({
  fd: 's32',
  events: 's16',
  revents: 's16',
});
