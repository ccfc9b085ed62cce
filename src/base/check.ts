/** Argument checks, used once, where a caller's value enters. Wrong kind: `TypeError`. Wrong value: `RangeError`. */

import { inspect } from 'node:util';

/** A whole number from `min` to `max`, both included. `what` completes "Cannot …". */
export function checkInteger(value: unknown, what: string, range: { min: number; max: number }): number {
  if (typeof value !== 'number')
    throw new TypeError(`Cannot ${what} as it must be a number: current value is ${inspect(value)}`);
  if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
    throw new RangeError(
      `Cannot ${what} as it must be a whole number from ${range.min} to ${range.max}: current value is ${value}`,
    );
  }
  return value;
}

/** One of `allowed`. */
export function checkOneOf<const Allowed extends string | number>(
  value: unknown,
  what: string,
  allowed: readonly Allowed[],
): Allowed {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) {
    const list = allowed.map((candidate) => inspect(candidate)).join(', ');
    throw new TypeError(`Cannot ${what} as it must be one of ${list}: current value is ${inspect(value)}`);
  }
  return found;
}

/** An object whose every key is in `allowed`: a misspelt option is refused, never ignored. */
export function checkOptions(options: unknown, what: string, allowed: readonly string[]): void {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`Cannot ${what} as its options must be an object: current value is ${inspect(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !allowed.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot ${what} as it has no option "${unknown}": its options are ${allowed.join(', ')}`);
  }
}

/** `true` or `false`; a value that merely looks like one is refused. */
export function checkBoolean(value: unknown, what: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`Cannot ${what} as it must be true or false: current value is ${inspect(value)}`);
}
