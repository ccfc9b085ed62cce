import { outOfRange } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkString } from '../base/check.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import { BUFFER_NAME_BYTES_MAX } from '../base/limits.ts';
import { show } from '../base/show.ts';
import { checkUtf8Text } from '../base/utf8-text.ts';

const NAME: Argument = { action: 'name the buffer', name: 'name' };

/**
 * Refuses a name that the kernel would refuse for a buffer (DMA_BUF_SET_NAME): more than 31 bytes
 * of UTF-8, or a NUL.
 */
export function checkBufferName(value: unknown, argument: Argument = NAME): string {
  const name = checkString(value, argument);
  if (name === '') return name;
  const byteCount = Buffer.byteLength(name);
  if (byteCount > BUFFER_NAME_BYTES_MAX || name.includes('\0')) {
    throw outOfRange(argument, {
      must: `be at most ${BUFFER_NAME_BYTES_MAX} bytes without NUL`,
      received: name,
      shown: `${show(name)} of ${byteCount} bytes`,
    });
  }
  return checkUtf8Text(name, argument);
}

/** How messages refer to a buffer of that name. */
export function bufferLabel(name: string): string {
  return name === '' ? 'the buffer' : `buffer ${quoteForeign(name)}`;
}
