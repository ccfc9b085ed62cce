import { wrongValue } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { UINT_MAX } from '../base/limits.ts';
import { fourccCode } from '../uapi/fourcc-code.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';

const CHARACTERS = /^[\x20-\x7e]{1,4}$/u;
const CHARACTER_COUNT = 4;
const BITS_PER_CHARACTER = 8;
const HEXADECIMAL = 16;

/**
 * A format's number from its characters: `parseFourcc('NV12')`, `parseFourcc('R8')`. Shorter texts
 * are padded with spaces.
 *
 * @throws {TypeError} when it is not one to four ASCII characters
 *
 * @example
 * ```ts
 * import { DRM_FORMAT_NV12, parseFourcc } from 'dmabuf/picture';
 *
 * console.log(parseFourcc('NV12') === DRM_FORMAT_NV12); // true
 * ```
 */
export function parseFourcc(characters: string): Fourcc {
  if (typeof characters === 'string' && CHARACTERS.test(characters))
    return fourccCode(characters.padEnd(CHARACTER_COUNT));
  const must = 'be one to four characters of ASCII';
  throw wrongValue({ action: 'read the fourcc', name: 'characters' }, { must, received: characters });
}

/**
 * A format's characters, `NV12`; or its number, `0x00000001`, where they cannot be printed. Accepts
 * V4L2's numbers too.
 *
 * @throws {TypeError | RangeError} when it is not a number of 32 bits
 *
 * @example
 * ```ts
 * import { DRM_FORMAT_NV12, formatFourcc } from 'dmabuf/picture';
 *
 * console.log(formatFourcc(DRM_FORMAT_NV12)); // NV12
 * ```
 */
export function formatFourcc(fourcc: number): string {
  checkInteger(fourcc, { action: 'show the fourcc', name: 'fourcc', min: 0, max: UINT_MAX });
  const codes = Array.from({ length: CHARACTER_COUNT }, (_, index) => (fourcc >>> (index * BITS_PER_CHARACTER)) & 0xff);
  const characters = String.fromCharCode(...codes).trimEnd();
  if (CHARACTERS.test(characters)) return characters;
  return `0x${fourcc.toString(HEXADECIMAL).padStart(2 * CHARACTER_COUNT, '0')}`;
}
