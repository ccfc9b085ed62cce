import { outOfRange, wrongType } from '../base/argument-error.ts';
import { checkInteger } from '../base/check.ts';
import { readArray } from '../base/read-array.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';

/** What is said of a picture that a device takes. */
export interface SubmitOptions {
  /** How much of each of its memories holds the picture, in bytes. Default: all of it. */
  readonly bytesUsed?: readonly number[] | undefined;
  /** In ns, from 0; most outputs take no notice of it. Default: 0. */
  readonly timestampNs?: bigint | undefined;
}

export const SUBMIT_OPTIONS = ['bytesUsed', 'timestampNs'] as const satisfies readonly (keyof SubmitOptions)[];

/** What a `struct timeval` holds of ns, of which V4L2 counts µs. */
const TIMESTAMP_MAX = 2n ** 63n - 1n;

/** Checks options that were read once. `action` completes "Cannot …". */
export function checkSubmission(
  { bytesUsed, timestampNs }: SubmitOptions,
  { buffers }: FrameLayout,
  action: string,
): SubmitOptions {
  return {
    timestampNs: timestampNs === undefined ? undefined : checkTimestamp(timestampNs, action),
    bytesUsed: bytesUsed === undefined ? undefined : checkBytes(bytesUsed, buffers, action),
  };
}

function checkTimestamp(timestampNs: unknown, action: string): bigint {
  const argument = { action, name: 'timestampNs' };
  if (typeof timestampNs !== 'bigint') throw wrongType(argument, { must: 'be a bigint', received: timestampNs });
  if (timestampNs >= 0n && timestampNs <= TIMESTAMP_MAX) return timestampNs;
  throw outOfRange(argument, { must: 'be from 0 and below 2^63', received: timestampNs });
}

function checkBytes(bytesUsed: readonly number[], buffers: FrameLayout['buffers'], action: string): number[] {
  const checked = readArray(bytesUsed, { action, name: 'bytesUsed' }, (bytes, memory) => {
    const argument = { action, name: `bytesUsed[${memory}]` };
    return checkInteger(bytes, { ...argument, min: 0, max: buffers[memory]?.length ?? 0 });
  });
  if (checked.length === buffers.length) return checked;
  const must = `have a number for each of its ${buffers.length} memories`;
  throw outOfRange({ action, name: 'bytesUsed' }, { must, received: checked });
}
