import { checkInteger } from '../base/check.ts';

/** A part of a buffer, in bytes. */
export interface BytePart {
  readonly offset: number;
  readonly length: number;
}

/** The limits of a part. */
interface PartLimits {
  /** Completes "Cannot …". */
  readonly action: string;
  /** Bytes of the whole. */
  readonly total: number;
  /** The least number of bytes of a part. Default: 0. */
  readonly min?: number;
  /** The largest number of bytes of a part. Default: the whole. */
  readonly max?: number;
}

/**
 * A part of a buffer. Without a length, the rest of the buffer.
 *
 * @throws {TypeError | RangeError} when it is not a part of the buffer
 */
export function checkPart(
  part: { readonly offset: unknown; readonly length: unknown },
  { action, total, min = 0, max = total }: PartLimits,
): BytePart {
  const unit = 'bytes';
  const offset = checkInteger(part.offset, { action, name: 'offset', min: 0, max: total - min, unit });
  const rest = total - offset;
  const range = { min, max: Math.min(rest, max) };
  const length = checkInteger(part.length === undefined ? rest : part.length, {
    action,
    name: 'length',
    unit,
    ...range,
  });
  return { offset, length };
}
