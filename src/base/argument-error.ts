/**
 * Errors about what a caller gave, in one form: each names the argument and shows what was
 * received.
 */

import { show } from './show.ts';

/**
 * Node's names for what is wrong with an argument. `ERR_INVALID_ARG_TYPE`: another kind of value is
 * needed. `ERR_INVALID_ARG_VALUE`: the kind is right, but the value is not allowed.
 * `ERR_OUT_OF_RANGE`: a number or a length is too small, too large, or not a multiple of the unit.
 * `ERR_INCOMPATIBLE_OPTION_PAIR`: two options contradict each other.
 */
export type ArgumentErrorCode =
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_INCOMPATIBLE_OPTION_PAIR';

/** An argument, as messages call it. */
export interface Argument {
  /** What was asked for: completes "Cannot …". */
  readonly action: string;
  /** As the caller wrote it: `length`, `embedded.warm`, `entries[3].pfn`. */
  readonly name: string;
}

/** What is wrong with an argument. */
interface Complaint {
  /** Completes "'name' must …". */
  readonly must: string;
  readonly received: unknown;
  /** How the message shows what was received. Default: as `inspect` does, in a line. */
  readonly shown?: string;
  /** A remedy. */
  readonly remedy?: string;
}

const IN_A_LINE = {
  depth: 1,
  maxArrayLength: 8,
  maxStringLength: 200,
  breakLength: Number.POSITIVE_INFINITY,
  compact: true,
};

/** An argument of the wrong kind. */
export function wrongType(argument: Argument, complaint: Complaint): TypeError {
  return withCode(new TypeError(messageOf(argument, complaint)), 'ERR_INVALID_ARG_TYPE');
}

/** An argument of the right kind whose value is not allowed. */
export function wrongValue(argument: Argument, complaint: Complaint): TypeError {
  return withCode(new TypeError(messageOf(argument, complaint)), 'ERR_INVALID_ARG_VALUE');
}

/** A number or a length that is too small, too large, or not a multiple of the unit. */
export function outOfRange(argument: Argument, complaint: Complaint): RangeError {
  return withCode(new RangeError(messageOf(argument, complaint)), 'ERR_OUT_OF_RANGE');
}

/** Two options that cannot both hold. `why` completes "'name' and 'other' …". */
export function contradiction({ action, name }: Argument, other: string, why: string): TypeError {
  const error = new TypeError(`Cannot ${action}: '${name}' and '${other}' ${why}`);
  return withCode(error, 'ERR_INCOMPATIBLE_OPTION_PAIR');
}

/** An unknown option. `allowed`: the names of the options that exist. */
export function unknownOption({ action, name }: Argument, allowed: readonly string[]): TypeError {
  const error = new TypeError(`Cannot ${action}: ${show(name)} is not one of the options ${allowed.join(', ')}`);
  return withCode(error, 'ERR_INVALID_ARG_VALUE');
}

function messageOf({ action, name }: Argument, { must, received, shown, remedy }: Complaint): string {
  const message = `Cannot ${action}: '${name}' must ${must}, received ${shown ?? show(received, IN_A_LINE)}`;
  return remedy === undefined ? message : `${message}: ${remedy}`;
}

function withCode<Thrown extends Error>(error: Thrown, code: ArgumentErrorCode): Thrown {
  return Object.assign(error, { code });
}
