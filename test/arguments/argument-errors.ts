import { types } from 'node:util';

const CODES: ReadonlySet<unknown> = new Set([
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_OUT_OF_RANGE',
  'ERR_INCOMPATIBLE_OPTION_PAIR',
]);

/**
 * "Cannot <do what>: '<argument>' <what is wrong with it>": Node's own errors with these codes
 * begin otherwise.
 */
const NAMES_AN_ARGUMENT = /^Cannot [^:]+: (?<quote>['"]).+\k<quote> (?:must|is not one of the options|and ') ?/su;

/** By name: a hostile function of another realm throws errors of that realm. */
export function isTypeOrRangeError(error: unknown): error is Error {
  return types.isNativeError(error) && ['TypeError', 'RangeError'].includes(error.name);
}

/** Whether an error names the invalid argument, in the standard form, with one of Node's codes. */
export function isArgumentError(error: unknown): boolean {
  return isTypeOrRangeError(error) && 'code' in error && CODES.has(error.code) && NAMES_AN_ARGUMENT.test(error.message);
}
