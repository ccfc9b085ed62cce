/**
 * Argument checks, run once, where a caller's value enters. A wrong kind is a `TypeError`, a number
 * out of range a `RangeError`. Each error names the argument, shows the value and has Node's
 * `code`.
 */

import { inspect } from 'node:util';

import { checkSignal } from './abort.ts';
import type { WaitOptions } from './abort.ts';
import { outOfRange, unknownOption, wrongType, wrongValue } from './argument-error.ts';
import type { Argument } from './argument-error.ts';
import { checkUtf8Text } from './utf8-text.ts';

/** A whole number from `min` to `max`, both included. */
interface IntegerArgument extends Argument {
  readonly min: number;
  readonly max: number;
  /** The unit: "bytes". */
  readonly unit?: string;
}

/** A whole number from `min` to `max`, both included. */
export function checkInteger(value: unknown, argument: IntegerArgument): number {
  if (typeof value !== 'number') throw wrongType(argument, { must: rangeOf(argument), received: value });
  if (!Number.isSafeInteger(value) || value < argument.min || value > argument.max)
    throw outOfRange(argument, { must: rangeOf(argument), received: value });
  return value;
}

function rangeOf({ min, max, unit }: IntegerArgument): string {
  return `be a whole number${unit === undefined ? '' : ` of ${unit}`} from ${min} to ${max}`;
}

/** One of `allowed`. */
export function checkOneOf<const Allowed extends string | number | boolean>(
  value: unknown,
  argument: Argument & { readonly allowed: readonly Allowed[] },
): Allowed {
  const found = argument.allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const list = argument.allowed.map((candidate) => inspect(candidate)).join(', ');
  const isOfThatKind = argument.allowed.some((candidate) => typeof candidate === typeof value);
  throw (isOfThatKind ? wrongValue : wrongType)(argument, { must: `be one of ${list}`, received: value });
}

/** `true` or `false`. A value that only looks like one is refused. */
export function checkBoolean(value: unknown, argument: Argument): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType(argument, { must: 'be true or false', received: value });
}

/** A string, possibly empty. */
export function checkString(value: unknown, argument: Argument): string {
  if (typeof value === 'string') return value;
  throw wrongType(argument, { must: 'be a string', received: value });
}

/**
 * A path, or a name that a file can hold: UTF-8 (Node would replace what is not, and mean another
 * file), not empty, and without NUL, at which the kernel would stop.
 */
export function checkName(value: unknown, argument: Argument): string {
  const name = checkString(value, argument);
  if (name === '' || name.includes('\0'))
    throw wrongValue(argument, { must: 'not be empty, nor have NUL in it', received: name });
  return checkUtf8Text(name, argument);
}

/** The name of a caller's top-level options in messages: their own names stand alone. */
const OPTIONS = 'options';

/**
 * The options among `allowed`, each read once, as plain values: no code of the caller runs
 * afterwards. Read them before checking any state: a getter may close what was open. Refuses a
 * misspelt option, and a `signal` that is not an AbortSignal.
 *
 * @param action completes "Cannot …"
 * @param name the object's name: its options are named after it, as `embedded.warm`
 */
export function readOptions<Options extends object>(
  options: Options,
  action: string,
  allowed: readonly (keyof Options & string)[],
  name = OPTIONS,
): Options {
  checkOptions(options, { action, name, allowed });
  const entries = allowed.map((key) => [key, options[key]] as const).filter(([, value]) => value !== undefined);
  const plain = Object.fromEntries(entries) as Options & { readonly signal?: unknown };
  checkSignal(plain.signal, { action, name: optionName('signal', name) });
  return plain;
}

/** The options of a wait, read once. `action` completes "Cannot …". */
export function readWaitOptions(options: WaitOptions, action: string): WaitOptions {
  return readOptions(options, action, ['signal']);
}

/** The name of an option of the object `name` in messages. */
export function optionName(key: string, name = OPTIONS): string {
  return name === OPTIONS ? key : `${name}.${key}`;
}

/** An object whose every key is in `allowed`. */
function checkOptions(
  options: unknown,
  { action, name, allowed }: Argument & { readonly allowed: readonly string[] },
): asserts options is object {
  if (options === null || typeof options !== 'object')
    throw wrongType({ action, name }, { must: 'be an object', received: options });
  const unknown = Object.keys(options).find((key) => !allowed.includes(key));
  if (unknown === undefined) return;
  throw unknownOption({ action, name: optionName(unknown, name) }, allowed);
}
