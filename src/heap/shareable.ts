import type { Argument } from '../base/argument-error.ts';
import { checkOneOf } from '../base/check.ts';

/**
 * Whether other processes can have a buffer. `read-only`: they can have it, but never write to it.
 */
export type Shareable = boolean | 'read-only';

/** @throws {TypeError} when it is not one of these values */
export function checkShareable(value: unknown, argument: Argument): Shareable {
  return checkOneOf(value, { ...argument, allowed: [true, false, 'read-only'] });
}
