import { inspect } from 'node:util';

import { BUFFER_NAME_BYTES_MAX } from '../base/limits.ts';

/** Refuses what the kernel refuses as a buffer's name (DMA_BUF_SET_NAME): more than 31 bytes of UTF-8, or a NUL. */
export function checkBufferName(name: unknown): string {
  if (typeof name !== 'string')
    throw new TypeError(`Cannot name the buffer as its name must be a string: current value is ${inspect(name)}`);
  const byteCount = Buffer.byteLength(name);
  if (byteCount > BUFFER_NAME_BYTES_MAX || name.includes('\0')) {
    throw new RangeError(
      `Cannot name the buffer as its name must be at most ${BUFFER_NAME_BYTES_MAX} bytes without NUL: ` +
        `current value is ${inspect(name)} of ${byteCount} bytes`,
    );
  }
  return name;
}
