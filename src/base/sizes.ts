import { outOfRange, wrongType } from './argument-error.ts';
import { SIZE_UNITS, sizeText } from './size-text.ts';

export { GiB, KiB, MiB, TiB } from './size-text.ts';

const SIZE_PATTERN = /^(?<number>\d+(?:\.\d+)?)\s*(?:(?<unit>[kmgt])(?:i|ib)?|b|bytes?)?$/iu;
/** Ambiguous units: 10^6 bytes to some, 2^20 to others. */
const AMBIGUOUS_PATTERN = /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[kmgt])b$/iu;
const POWERS_OF_TEN: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/**
 * Reads a size as people write it: `4096`, `64KiB`, `8MiB`, `1.5GiB`; `8M` and `8Mi` mean `8MiB`,
 * as with `ls -h`. `8MB` is refused: it means 8,000,000 bytes to some, and 8 MiB to others.
 *
 * @returns whole bytes
 * @throws {TypeError} when it is not a string
 * @throws {RangeError} when the text is not a size, or not a whole number of bytes
 *
 * @example
 * ```ts
 * import { parseSize } from 'dmabuf';
 *
 * console.log(parseSize('2GiB')); // 2147483648
 * ```
 */
export function parseSize(text: string): number {
  const argument = { action: 'read a size', name: 'text' };
  if (typeof text !== 'string') throw wrongType(argument, { must: 'be a string', received: text });
  refuseAmbiguous(text);
  const groups = SIZE_PATTERN.exec(text.trim())?.groups;
  const unit = SIZE_UNITS.find((candidate) => candidate.suffix[0] === groups?.['unit']?.toUpperCase());
  const bytes = Number(groups?.['number'] ?? Number.NaN) * (unit?.bytes ?? 1);
  if (!Number.isSafeInteger(bytes)) {
    throw outOfRange(argument, { must: 'be bytes or a number with KiB, MiB, GiB or TiB', received: text });
  }
  return bytes;
}

function refuseAmbiguous(text: string): void {
  const { number, unit = '' } = AMBIGUOUS_PATTERN.exec(text.trim())?.groups ?? {};
  if (number === undefined) return;
  const letter = unit.toUpperCase();
  const bytes = Number((Number(number) * (POWERS_OF_TEN[letter] ?? 1)).toFixed(0));
  throw new RangeError(
    `Cannot read a size as "${text}" has two meanings: write ${number}${letter}iB for powers of two, or ${bytes} for powers of ten`,
  );
}

/**
 * `8388608` as `8 MiB`: the largest unit that the value fills, with one decimal where it is not
 * whole.
 *
 * @throws {TypeError} when it is not a number
 *
 * @example
 * ```ts
 * import { formatSize } from 'dmabuf';
 *
 * console.log(formatSize(8_388_608)); // 8 MiB
 * console.log(formatSize(1536)); // 1.5 KiB
 * ```
 */
export function formatSize(bytes: number): string {
  if (typeof bytes !== 'number')
    throw wrongType({ action: 'write a size', name: 'bytes' }, { must: 'be a number', received: bytes });
  return sizeText(bytes);
}
