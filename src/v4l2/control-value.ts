import { outOfRange, wrongType, wrongValue } from '../base/argument-error.ts';
import type { Argument } from '../base/argument-error.ts';
import { checkBoolean, checkInteger } from '../base/check.ts';
import { UINT_MAX } from '../base/limits.ts';
import { checkUtf8Text } from '../base/utf8-text.ts';
import { textIn } from './control-list.ts';
import type { ControlDescription, ControlType, ListedControl } from './control-list.ts';

/** What a control is set to: see {@link ControlType}. A `button` has `undefined`. */
export type ControlValue = number | boolean | bigint | string | Uint8Array | undefined;

/** What the kernel says of a control, as its type has it. */
export function controlValueOf(type: ControlType, value: bigint | Uint8Array): ControlValue {
  if (typeof value !== 'bigint') return type === 'string' ? textIn(value) : Uint8Array.from(value);
  if (type === 'boolean') return value !== 0n;
  if (type === 'integer64') return value;
  if (type === 'button') return undefined;
  return Number(type === 'bitmask' ? BigInt.asUintN(32, value) : value);
}

/**
 * A caller's value, as the kernel takes it.
 *
 * @throws {TypeError | RangeError} for another kind than the control's, or one out of its range
 */
export function checkControlValue(
  { description, kernel }: ListedControl,
  value: unknown,
  action: string,
): bigint | Uint8Array {
  const argument = { action, name: 'value' };
  const checks: Readonly<Record<ControlType, () => bigint | Uint8Array>> = {
    boolean: () => (checkBoolean(value, argument) ? 1n : 0n),
    button: () => checkNothing(value, argument),
    integer64: () => checkBigint(description, value, argument),
    string: () => checkText(description, value, argument),
    compound: () => checkBytes(kernel.payloadBytes, value, argument),
    menu: () => checkChoice(description, value, argument),
    integerMenu: () => checkChoice(description, value, argument),
    bitmask: () => BigInt.asIntN(32, BigInt(checkInteger(value, { ...argument, min: 0, max: UINT_MAX }))),
    integer: () => checkWhole(description, value, argument),
  };
  return checks[description.type]();
}

function checkWhole({ minimum, maximum }: ControlDescription, value: unknown, argument: Argument): bigint {
  return BigInt(checkInteger(value, { ...argument, min: Number(minimum), max: Number(maximum) }));
}

function checkNothing(value: unknown, argument: Argument): bigint {
  if (value === undefined) return 0n;
  throw wrongType(argument, { must: 'be left out, as it is a button', received: value });
}

function checkBigint({ minimum, maximum }: ControlDescription, value: unknown, argument: Argument): bigint {
  const must = `be a bigint from ${minimum} to ${maximum}`;
  if (typeof value !== 'bigint') throw wrongType(argument, { must, received: value });
  if (value >= minimum && value <= maximum) return value;
  throw outOfRange(argument, { must, received: value });
}

/** A choice by its index, or by what it is called. */
function checkChoice({ menu }: ControlDescription, value: unknown, argument: Argument): bigint {
  const item = menu.find(({ index, label }) => index === value || label === value);
  if (item !== undefined) return BigInt(item.index);
  const list = menu.map(({ index, label }) => `${index} (${label})`).join(', ');
  const isOfThatKind = typeof value === 'number' || typeof value === 'string';
  throw (isOfThatKind ? wrongValue : wrongType)(argument, { must: `be one of ${list}`, received: value });
}

function checkText({ minimum, maximum }: ControlDescription, value: unknown, argument: Argument): Uint8Array {
  if (typeof value !== 'string') throw wrongType(argument, { must: 'be a string', received: value });
  const bytes = new TextEncoder().encode(`${checkUtf8Text(value, argument)}\0`);
  const length = bytes.length - 1;
  if (length >= minimum && length <= maximum) return bytes;
  throw outOfRange(argument, { must: `have ${minimum} to ${maximum} bytes`, received: value });
}

function checkBytes(length: number, value: unknown, argument: Argument): Uint8Array {
  if (!(value instanceof Uint8Array))
    throw wrongType(argument, { must: `be a Uint8Array of ${length} bytes`, received: value });
  if (value.length === length) return Uint8Array.from(value);
  throw outOfRange(argument, { must: `have ${length} bytes`, received: value, shown: `${value.length}` });
}
